// Calls the whole C ABI at random, legally and illegally: stale handles, NULL, wrong order, wrong
// task, wrong thread, callbacks that fail, too few descriptors, processes that die in the middle.
// Whatever is called, nothing crashes, leaks, hangs or gets lost; sanitizers look on.
//
// Each process of episodes is a child of its own; the first that does not end well is named with
// its seed, so that it can be made again: random-calls --seed N --processes 1.
// STRUCTIO_RANDOM_TRACE=1 prints each call.
//
// Usage: random-calls [--seconds N] [--seed N] [--processes N] [--failures N]
// ($STRUCTIO_RANDOM_SECONDS, or 5, unless told otherwise; the first failure ends it, or the N-th.)
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "random/callbacks.hpp"
#include "random/episode.hpp"

namespace {

bool dying = false;

}  // namespace

// Asked by the leak checker of sanitized builds when the process ends.
extern "C" int __lsan_is_turned_off();
extern "C" int __lsan_is_turned_off() {
  return dying;
}

// A size that nobody has is answered with NULL here as well.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1";
}

namespace random_calls {

void leaks_are_fine() {
  dying = true;
}

namespace {

constexpr int episodes = 12;
constexpr int patience = 120;  // seconds for one process

namespace fs = std::filesystem;

/// A folder that everything happens in, removed with all that is in it. (That of support/files.hpp
/// is for Catch's tests, whose permissions nobody takes away.)
struct folder {
  folder() {
    std::error_code none;
    name = (fs::temp_directory_path(none) / "structio-random-XXXXXX").string();
    if (none || !::mkdtemp(name.data())) {
      std::perror("random calls: no folder for temporary files");
      std::abort();
    }
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() {
    std::error_code ignored;
    open_up(name);
    fs::remove_all(name, ignored);
  }

  /// Random calls may have taken the owner's permissions away.
  static void open_up(const fs::path& path) {
    std::error_code ignored;
    fs::permissions(path, fs::perms::owner_all, fs::perm_options::add, ignored);
    for (const auto& entry : fs::directory_iterator(path, ignored)) {
      if (entry.is_directory(ignored) && !entry.is_symlink(ignored)) open_up(entry.path());
    }
  }

  std::string name;
};

void process(std::uint64_t seed) {
  random_engine random(seed);
  for (const int signum : {SIGUSR1, SIGUSR2, SIGHUP, SIGPIPE}) ::signal(signum, SIG_IGN);
  ::mkdir("folder", 0700);
  ::alarm(patience);
  const rlimit small_files{64 << 20, 64 << 20};  // of programs, too, that nobody ends
  ::setrlimit(RLIMIT_FSIZE, &small_files);
  ::signal(SIGXFSZ, SIG_IGN);
  if (random() % 8 == 0) {
    // A sink of ours: what is made for the usual one cannot be looked at by a sanitizer then, which
    // needs descriptors itself.
    structio_set_log(callbacks::log, nullptr, STRUCTIO_LOG_DEFAULT);
    const rlimit few{40, 40};
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  const bool may_die = random() % 6 == 0;
  std::unique_ptr<world> last;
  for (int i = 0; i < episodes; ++i) {
    const std::uint64_t own = random();
    last = run_episode(own, 20 + static_cast<int>(random() % 1200), may_die, last.get());
  }
  let_threads_end();
  now = last.release();  // for what ends with the thread: values of its locals
}

/// True when all went well.
bool child_of(std::uint64_t seed) {
  const folder work;
  const pid_t child = ::fork();
  if (child == 0) {
    if (::chdir(work.name.c_str()) != 0 || ::setenv("TMPDIR", work.name.c_str(), 1) != 0)
      std::abort();
    process(seed);
    std::exit(0);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
  }
  if (status == 0) return true;
  std::fprintf(
      stderr, "random calls: %s %d; again with --processes 1 --seed %llu\n",
      WIFSIGNALED(status) ? WTERMSIG(status) == SIGALRM ? "stuck:" : "killed by" : "ended with",
      WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
      static_cast<unsigned long long>(seed));
  return false;
}

int main(int argc, char** argv) {
  const char* given = std::getenv("STRUCTIO_RANDOM_SECONDS");
  double seconds = given ? std::atof(given) : 5;
  long long processes = -1;
  int patience_left = 1;
  auto seed =
      static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = std::atof(argv[i + 1]);
    if (std::strcmp(argv[i], "--seed") == 0) seed = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--processes") == 0) processes = std::atoll(argv[i + 1]);
    if (std::strcmp(argv[i], "--failures") == 0) patience_left = std::atoi(argv[i + 1]);
  }
  random_engine seeds(seed);
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  long long made = 0;
  int failed = 0;
  while (processes < 0 ? std::chrono::steady_clock::now() < end : made < processes) {
    if (!child_of(processes == 1 ? seed : seeds())) ++failed;
    ++made;
    if (failed == patience_left) break;
  }
  std::printf("random calls: %lld processes of %d episodes, %d failed\n", made, episodes, failed);
  return failed ? 1 : 0;
}

}  // namespace

}  // namespace random_calls

int main(int argc, char** argv) {
  return random_calls::main(argc, argv);
}
