// The only file that knows spdlog. The logger is our own object, never spdlog's global registry, so
// that two copies of spdlog in a process do not meet.
#include "base/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

#include "base/config.hpp"
#include "base/fork_hook.hpp"

namespace structio::base {
namespace {

std::atomic<log_level> least_level{log_level::unset};
std::mutex sink_mutex;
log_sink custom_sink = nullptr;
void* custom_sink_arg = nullptr;
std::uint64_t sink_number = 0;  // of the one that is set

// A call into a sink, in the frame of the thread that makes it.
struct sink_call {
  std::thread::id caller = std::this_thread::get_id();
  std::uint64_t sink = 0;
  sink_call* next = nullptr;
};
sink_call* calls = nullptr;
std::atomic<std::uint32_t> calls_over{0};

bool is_in_older_sink(std::uint64_t number) noexcept {
  for (const sink_call* c = calls; c; c = c->next) {
    if (c->sink < number) return true;
  }
  return false;
}

bool is_in_sink(std::thread::id who) noexcept {
  for (const sink_call* c = calls; c; c = c->next) {
    if (c->caller == who) return true;
  }
  return false;
}

// The calls of other threads are the parent's.
void forget_calls() {
  const std::thread::id self = std::this_thread::get_id();
  for (sink_call** at = &calls; *at;) {
    if ((*at)->caller == self) {
      at = &(*at)->next;
    } else {
      *at = (*at)->next;
    }
  }
  sink_mutex.unlock();
}

// Around the locks of spdlog as well.
fork_hook sink_at_fork(
    fork_rank::log, [] { sink_mutex.lock(); }, [] { sink_mutex.unlock(); }, forget_calls);

log_level level_from_environment() noexcept {
  const char* text = std::getenv("STRUCTIO_LOG");
  if (!text) return static_cast<log_level>(STRUCTIO_DEFAULT_LOG_LEVEL);
  constexpr const char* names[] = {"debug", "info", "warn", "error"};
  for (std::uint32_t i = 0; i < 4; ++i) {
    if (std::strcmp(text, names[i]) == 0) return static_cast<log_level>(i + 1);
  }
  return log_level::off;
}

spdlog::logger& standard_logger() {
  static spdlog::logger* logger = [] {
    auto* made = new spdlog::logger("structio", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_level(spdlog::level::debug);
    made->set_pattern("%Y-%m-%d %H:%M:%S.%e structio %l: %v");
    return made;
  }();
  return *logger;
}

void write_standard(log_level level, const char* text) noexcept {
  constexpr spdlog::level::level_enum levels[] = {spdlog::level::off, spdlog::level::debug,
                                                  spdlog::level::info, spdlog::level::warn,
                                                  spdlog::level::err};
  try {
    standard_logger().log(levels[static_cast<int>(level)], "{}", text);
  } catch (...) {
    std::fprintf(stderr, "structio: %s\n", text);
  }
}

}  // namespace

bool log_enabled(log_level level) noexcept {
  log_level least = least_level.load(std::memory_order_relaxed);
  if (least == log_level::unset) {
    const log_level wanted = level_from_environment();
    if (least_level.compare_exchange_strong(least, wanted, std::memory_order_relaxed)) {
      least = wanted;  // or else somebody has just set a level
    }
  }
  return level >= least;
}

void log(log_level level, const char* format, ...) noexcept {
  if (!log_enabled(level)) return;
  char text[1024];
  va_list args;
  va_start(args, format);
  std::vsnprintf(text, sizeof text, format, args);
  va_end(args);
  for (std::size_t end = std::strlen(text); end > 0 && text[end - 1] == '\n';) text[--end] = 0;
  std::unique_lock lock(sink_mutex);
  if (!log_enabled(level)) return;  // a sink was set meanwhile that wants less
  const log_sink sink = custom_sink;
  void* const arg = custom_sink_arg;
  if (!sink) return write_standard(level, text);
  sink_call call;
  call.sink = sink_number;
  call.next = calls;
  calls = &call;
  lock.unlock();  // several threads may be in the sink
  sink(static_cast<std::uint32_t>(level), text, arg);
  lock.lock();
  sink_call** at = &calls;
  while (*at != &call) at = &(*at)->next;
  *at = call.next;
  calls_over.fetch_add(1, std::memory_order_release);
  calls_over.notify_all();
}

bool set_log_sink(log_sink sink, void* arg, log_level least) noexcept {
  std::unique_lock lock(sink_mutex);
  if (is_in_sink(std::this_thread::get_id())) return false;
  custom_sink = sink;
  custom_sink_arg = arg;
  const std::uint64_t number = ++sink_number;
  least_level.store(least, std::memory_order_relaxed);
  while (is_in_older_sink(number)) {
    const std::uint32_t seen = calls_over.load(std::memory_order_acquire);
    lock.unlock();
    calls_over.wait(seen, std::memory_order_acquire);
    lock.lock();
  }
  return true;
}

}  // namespace structio::base
