// The only file that knows spdlog. The logger is our own object, never spdlog's global registry, so
// that two copies of spdlog in a process do not meet.
#include "base/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "base/config.hpp"
#include "base/fork_hook.hpp"

namespace structio::base {
namespace {

constexpr int unset = -1;
std::atomic<int> least_level{unset};
std::mutex sink_mutex;
fork_lock<sink_mutex> sink_at_fork(fork_rank::log);  // and so around the locks of spdlog
log_sink custom_sink = nullptr;
void* custom_sink_arg = nullptr;

int level_from_environment() noexcept {
  const char* text = std::getenv("STRUCTIO_LOG");
  if (!text) return STRUCTIO_DEFAULT_LOG_LEVEL;
  constexpr const char* names[] = {"debug", "info", "warn", "error"};
  for (int i = 0; i < 4; ++i) {
    if (std::strcmp(text, names[i]) == 0) return i;
  }
  return static_cast<int>(log_level::off);
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
  constexpr spdlog::level::level_enum levels[] = {spdlog::level::debug, spdlog::level::info,
                                                  spdlog::level::warn, spdlog::level::err};
  try {
    standard_logger().log(levels[static_cast<int>(level)], "{}", text);
  } catch (...) {
    std::fprintf(stderr, "structio: %s\n", text);
  }
}

}  // namespace

bool log_enabled(log_level level) noexcept {
  int least = least_level.load(std::memory_order_relaxed);
  if (least == unset) {
    least = level_from_environment();
    least_level.store(least, std::memory_order_relaxed);
  }
  return static_cast<int>(level) >= least;
}

void log(log_level level, const char* format, ...) noexcept {
  if (!log_enabled(level)) return;
  char text[1024];
  va_list args;
  va_start(args, format);
  std::vsnprintf(text, sizeof text, format, args);
  va_end(args);
  std::unique_lock lock(sink_mutex);
  const log_sink sink = custom_sink;
  void* const arg = custom_sink_arg;
  if (!sink) return write_standard(level, text);
  lock.unlock();  // the sink may log, fork, or take its time
  sink(arg, static_cast<int>(level), text);
}

void set_log_sink(log_sink sink, void* arg) noexcept {
  const std::lock_guard lock(sink_mutex);
  custom_sink = sink;
  custom_sink_arg = arg;
}

void set_log_level(log_level level) noexcept {
  least_level.store(static_cast<int>(level), std::memory_order_relaxed);
}

}  // namespace structio::base
