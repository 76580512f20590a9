// Names, numbers, descriptors and items that random calls are made with.
#include "random/frame.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

namespace random_calls {

const char* frame::path() {
  const char* text = some_path();
  const std::size_t size = std::strlen(text) + 1;
  return static_cast<const char*>(std::memcpy(bytes(size), text, size));
}

const char* frame::some_path() {
  // All of them lie in the folder of the episode, so that whatever is removed is ours.
  static const char* const names[] = {"a",          "b",    "c",     "folder",   "folder/a",
                                      "folder/b/c", "sock", "sock2", "absent/a", "link"};
  static const std::string endless(5000, 'x');
  const int kind = c.below(40);
  return kind == 0 ? "" : kind == 1 ? endless.c_str() : c.any_of(names);
}

const char* frame::text(std::string_view p) {
  const char* text = some_text(p);
  // What is not copied, and so has to be a literal.
  if (is("structio_park") || is("structio_resource_guard_init")) return text;
  const std::size_t size = std::strlen(text) + 1;
  return static_cast<const char*>(std::memcpy(bytes(size), text, size));
}

const char* frame::some_text(std::string_view p) {
  static const char* const hosts[] = {"127.0.0.1", "::1",       "localhost", "0.0.0.0",
                                      "::",        "1.2.3.4.5", "",          "224.0.0.1"};
  static const char* const commands[] = {
      "true", "exit 3", "cat", "sleep 1", "echo a; echo b >&2", "kill -9 $$", "absent-program", ""};
  static const char* const patterns[] = {"*", "folder/*", "**", "[", "?", "a*b*c", ""};
  static const char* const words[] = {"word", "", "two words", "%s%n", "\xff\xfe", "\n"};
  static const std::string endless(100000, 'y');
  if (p == "path" || p == "from" || p == "to" || p == "existing" || p == "folder")
    return some_path();
  if (p == "name" && entry.header == "directory") return some_path();
  if (p == "text" || p == "prefix") return some_path();
  if (p == "host") return c.any_of(hosts);
  if (p == "interface_name") return c.chance(50) ? "lo" : "absent0";
  if (p == "command") return c.any_of(commands);
  if (p == "pattern") return c.any_of(patterns);
  if (p == "name" && entry.header == "steps") return "structio_sleep";
  return c.chance(3) ? endless.c_str() : c.any_of(words);
}

int frame::descriptor() {
  if (is("structio_file_adopt") || is("structio_stream_from_descriptor")) return fresh_descriptor();
  switch (c.below(12)) {
    case 0: return -1;
    case 1: return 1 << 20;
    case 2: return 0x7fffffff;
    default: return c.any_of(now->sockets);
  }
}

int frame::fresh_descriptor() {
  int fd = -1;
  switch (c.below(6)) {
    case 0: return -1;
    case 1: return 1 << 20;
    case 2: fd = ::open("a", O_RDWR | O_CREAT | O_CLOEXEC, 0600); break;
    case 3: fd = ::open("/dev/null", O_RDWR | O_CLOEXEC); break;
    default: fd = ::fcntl(c.any_of(now->sockets), F_DUPFD_CLOEXEC, 3);
  }
  afterwards([fd](std::int64_t result) {
    if (result < 0 && fd >= 0) ::close(fd);
  });
  return fd;
}

int frame::signum() {
  // Those that a process survives, and some that nobody can receive.
  static const int numbers[] = {SIGUSR1, SIGUSR2, SIGHUP, SIGWINCH, SIGKILL, SIGSTOP, 0, -1, 9999};
  if (is("structio_process_kill")) {
    static const int deadly[] = {SIGTERM, SIGKILL, SIGCONT, 0, -1, 9999};
    return c.any_of(deadly);
  }
  return c.any_of(numbers);
}

std::int64_t frame::duration() {
  if (is("structio_wait_all_tasks_blocked")) {  // real time, before which a clock does not jump
    return c.chance(10) ? -1 : STRUCTIO_MICROSECONDS(c.below(500));
  }
  switch (c.below(20)) {
    case 0: return STRUCTIO_FOREVER;
    case 1: return INT64_MIN;
    case 2: return -1;
    case 3: return INT64_MAX - 1;
    case 4:
    case 5:
    case 6: return 0;
    case 7: return structio_now();
    case 8: return structio_now() + STRUCTIO_MILLISECONDS(1);
    default: return STRUCTIO_MICROSECONDS(c.below(3000));
  }
}

std::uint64_t frame::number(std::string_view p) {
  static const std::uint64_t small[] = {0, 0, 1, 1, 1, 2, 3, 4, 7, 64};
  static const std::uint64_t huge[] = {~0ull,      ~0ull >> 1, ~0ull - 7,
                                       1ull << 63, 1ull << 31, 1u << 20};
  if (p == "task" || p == "breaker") {
    return c.chance(80) ? structio_task_current() : c.any_of(small) << 32;
  }
  // How often something is done must stay within reason.
  if (is("structio_for_each_concurrent") || is("structio_inject_thread_refusals")) {
    return c.any_of(small) % 8;
  }
  // The library believes what it is told of memory: there is that much (see `some`).
  return c.chance(85) ? c.any_of(small) : c.any_of(huge);
}

item* frame::to_send() {
  auto* to = array<item>(1);
  *to = {};
  const std::uint64_t id = to->id = now->new_item();
  afterwards([to, id, this](std::int64_t result) {
    if (to->id == id) {  // kept, or sent by a channel that copies bytes
      now->end_item(id);
    } else if (result < 0) {
      broken("a send failed and took the item", entry.name.data());
    }
  });
  return to;
}

item* frame::slots(std::size_t count) {
  auto* slots = array<item>(count);
  for (std::size_t i = 0; i < count; ++i) slots[i] = {};
  afterwards([slots, count](std::int64_t) {
    for (std::size_t i = 0; i < count; ++i) now->end_item(slots[i].id);
  });
  return slots;
}

}  // namespace random_calls
