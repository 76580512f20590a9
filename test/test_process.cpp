// Starting children, talking to them through pipes, their end and signals to them.
#include <dirent.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <optional>

#include "support/few_descriptors.hpp"
#include "support/op_proof.hpp"
#include "support/processes.hpp"

using namespace processes;
using structio::nursery;
using structio::open_nursery;
using structio::process_ending;

namespace {

/// Sends a signal to the thread of this process that has such a name. False: there is none.
bool signal_thread(const std::string& name, int signum) {
  return eventually([&] {
    DIR* tasks = opendir("/proc/self/task");
    REQUIRE(tasks);
    long found = 0;
    while (const dirent* entry = readdir(tasks)) {
      std::string shown;
      std::getline(std::ifstream(std::string("/proc/self/task/") + entry->d_name + "/comm"), shown);
      if (shown == name) found = std::atol(entry->d_name);
    }
    closedir(tasks);
    return found > 0 && syscall(SYS_tgkill, getpid(), found, signum) == 0;
  });
}

}  // namespace

TEST_CASE("a child's status is told by wait, and afterwards by poll", "[PROC-01]") {
  both_ways([] {
    warm_up();
    for (const int status : {0, 1}) {
      const int before = open_descriptors();
      auto child = spawn_process({.argv = {status == 0 ? "true" : "false"}});
      const auto ending = child.wait();
      CHECK(ending == process_ending{.exit_status = status});
      CHECK(ending.success() == (status == 0));
      CHECK(open_descriptors() == before);  // what it was watched by is gone already
      CHECK(child.poll() == ending);
      CHECK(child.wait() == ending);
    }
  });
}

TEST_CASE("poll tells whether a child lives, and notices its end by itself", "[PROC-01]") {
  both_ways([] {
    auto child = spawn_process({.argv = cat, .in = stdio::pipe()});
    CHECK_FALSE(child.poll());
    CHECK(child.pid() > 0);
    child.in().close();
    while (!child.poll()) structio::sleep(1ms);
    CHECK(child.poll()->success());
  });
}

TEST_CASE("any number of tasks may wait for a child, and be cancelled", "[PROC-03]") {
  both_ways([] {
    auto child = spawn_process({.argv = sleeper});
    open_nursery([&](nursery& n) {
      for (int i = 0; i < 3; ++i) n.start_soon([&] { child.wait(); });
      net_test::settle();
      n.cancel_scope().cancel();
    });
    CHECK_FALSE(child.poll());
    int told = 0;
    open_nursery([&](nursery& n) {
      for (int i = 0; i < 3; ++i) {
        n.start_soon([&] { told += child.wait().signal == SIGKILL; });
      }
      net_test::settle();
      CHECK(child.kill());
    });
    CHECK(told == 3);
  });
}

TEST_CASE("the three pipes work at once, and closing the input is its end", "[PROC-04]") {
  both_ways([] {
    const std::string data = net_test::pattern(200'000);
    auto child = spawn_shell("tee /dev/stderr",
                             {.in = stdio::pipe(), .out = stdio::pipe(), .err = stdio::pipe()});
    std::string out, err;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        child.in().send_all(data);
        child.in().close();
      });
      n.start_soon([&] { out = receive_all(child.out()); });
      n.start_soon([&] { err = receive_all(child.err()); });
    });
    CHECK(child.wait().success());
    CHECK(out == data);
    CHECK(err == data);
  });
}

TEST_CASE("a dialogue line by line loses nothing to a read that is given up", "[PROC-05]") {
  both_ways([] {
    auto child = spawn_shell("while read a; do echo $((a+1)); echo $((a+2)) >&2; done",
                             {.in = stdio::pipe(), .out = stdio::pipe(), .err = stdio::pipe()});
    for (int number = 0; number < 10; ++number) {
      const std::string line = std::to_string(number);
      child.in().send_all(line);  // without its end: nothing can come yet
      if (number % 5 == 0) {
        CHECK_FALSE(structio::move_on_after(2ms, [&] { receive(child.out()); }));
      }
      child.in().send_all("\n");
      CHECK(receive(child.out()) == std::to_string(number + 1) + "\n");
      CHECK(receive(child.err()) == std::to_string(number + 2) + "\n");
    }
    child.in().close();
    CHECK(receive(child.out()).empty());
    CHECK(receive(child.err()).empty());
    CHECK(child.wait().success());
  });
}

TEST_CASE("the error output can be the output, whatever that is", "[PROC-10]") {
  const temporary file;
  both_ways([&] {
    const char* text = "echo one; echo two >&2; echo three";
    auto piped =
        spawn_shell(text, {.in = stdio::pipe(), .out = stdio::pipe(), .err = stdio::to_stdout()});
    CHECK(receive_all(piped.out()) == "one\ntwo\nthree\n");
    CHECK_FALSE(piped.has_err());
    CHECK(throws<structio::absent_error>([&] { piped.err(); }));
    CHECK(piped.wait().success());

    const int raw = open(file.path.c_str(), O_WRONLY | O_TRUNC);
    auto plain = spawn_shell(text, {.out = stdio::descriptor(raw), .err = stdio::to_stdout()});
    close(raw);
    CHECK_FALSE(plain.has_out());
    CHECK(plain.wait().success());
    CHECK(file.text() == "one\ntwo\nthree\n");

    auto inherited = spawn_shell(":", {.err = stdio::to_stdout()});
    CHECK(throws<structio::absent_error>([&] { inherited.stdio(); }));
    CHECK(inherited.wait().success());
  });
}

TEST_CASE("input and output are one stream as well", "[PROC-10]") {
  both_ways([] {
    auto child = spawn_process({.argv = cat, .in = stdio::pipe(), .out = stdio::pipe()});
    auto both = child.stdio();
    both.send_all("hello");
    std::array<char, 16> buffer;
    CHECK(both.receive_some(std::span<char>(buffer)) == 5);
    both.send_eof();
    CHECK(both.receive_some(std::span<char>(buffer)) == 0);
    CHECK(child.wait().success());
  });
}

TEST_CASE("terminate, kill and any signal end a child, which tells which it was", "[PROC-12]") {
  both_ways([] {
    for (const int signum : {SIGTERM, SIGKILL, SIGINT}) {
      auto child = spawn_process({.argv = sleeper});
      CHECK((signum == SIGTERM   ? child.terminate()
             : signum == SIGKILL ? child.kill()
                                 : child.send_signal(signum)));
      const auto ending = child.wait();
      CHECK(ending.signal == signum);
      CHECK(ending.exit_status == 0);
      CHECK(ending.returncode() == -signum);
      CHECK_FALSE(child.kill());  // its number may be another's by now
    }
    auto child = spawn_process({.argv = sleeper});
    CHECK(code_of([&] { child.send_signal(1000); }) == -EINVAL);
    CHECK_FALSE(child.poll());
  });
}

TEST_CASE("where SIGCHLD is ignored the end is noticed, though not how it was", "[PROC-13]") {
  const ignored_signal ignored(SIGCHLD);
  both_ways([] {
    auto child = spawn_process({.argv = cat, .in = stdio::pipe()});
    bool ended = false;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        const auto ending = child.wait();
        CHECK(ending.unknown);
        CHECK(ending.returncode() == 0);
        ended = true;
      });
      net_test::settle();
      CHECK_FALSE(ended);
      child.in().close();
    });
    CHECK(ended);
    CHECK_FALSE(child.kill());
    // One that has gone before anybody could look.
    CHECK(spawn_process({.argv = {"true"}}).wait().success());
  });
}

TEST_CASE("who waits is woken though another was told of the end", "[PROC-22]") {
  both_ways([] {
    for (const bool by_poll : {true, false}) {
      auto child = spawn_process({.argv = cat, .in = stdio::pipe()});
      open_nursery([&](nursery& n) {
        n.start_soon([&] { CHECK(child.wait().unknown != by_poll); });
        net_test::settle();
        child.in().close();
        // The run does not turn meanwhile: what comes first is this.
        if (by_poll) {
          CHECK(eventually([&] { return child.poll().has_value(); }));
        } else {
          int status = 0;
          CHECK(waitpid(static_cast<pid_t>(child.pid()), &status, 0) == child.pid());
        }
      });
    }
  });
}

TEST_CASE("a thread that waits for a child goes on after a signal", "[PROC-14]") {
  const nothing_left all;
  const without_pidfd as;
  static std::atomic<int> handled{0};
  struct sigaction count {
  }, before{};
  count.sa_handler = [](int) { ++handled; };  // without SA_RESTART: system calls are cut off
  sigaction(SIGPROF, &count, &before);
  run([] {
    auto child = spawn_process({.argv = cat, .in = stdio::pipe()});
    bool ended = false;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        CHECK(child.wait().success());
        ended = true;
      });
      net_test::settle();
      for (int times = 1; times <= 3; ++times) {
        REQUIRE(signal_thread("wait for child", SIGPROF));
        CHECK(eventually([&] { return handled == times; }));
        net_test::settle();
        CHECK_FALSE(ended);
      }
      child.in().close();
    });
    CHECK(ended);
  });
  sigaction(SIGPROF, &before, nullptr);
}

TEST_CASE("a child begins without the run's blocked and ignored signals") {
  const ignored_signal pipe(SIGPIPE), user(SIGUSR1);
  both_ways([] {
    auto child =
        spawn_shell("grep -E 'Sig(Blk|Ign)' /proc/self/status | cut -f 2", {.out = stdio::pipe()});
    // The system's C library has the two signals beyond 31 for itself.
    std::istringstream masks(receive_all(child.out()));
    unsigned long long blocked = 1, ignored = 1;
    masks >> std::hex >> blocked >> ignored;
    CHECK((blocked & 0x7fffffff) == 0);
    CHECK((ignored & 0x7fffffff) == 0);
    auto writer = spawn_process({.argv = {"yes"}, .out = stdio::pipe()});
    writer.out().close();
    CHECK(writer.wait().signal == SIGPIPE);
  });
}

TEST_CASE("a program that cannot be run is the call's own error, which names it", "[PROC-20]") {
  const temporary file;
  both_ways([&] {
    warm_up();
    const nothing_left inside;
    const auto no_file = thrown<structio::error>([] {
      spawn_process({.argv = {"/nowhere/at-all"}, .in = stdio::pipe(), .out = stdio::pipe()});
    });
    REQUIRE(no_file);
    CHECK(no_file->code() == -ENOENT);
    CHECK(no_file->error_code() == std::errc::no_such_file_or_directory);
    CHECK(std::string(no_file->what()).find("/nowhere/at-all") != std::string::npos);
    CHECK(code_of([&] { spawn_process({.argv = {file.path}}); }) == -EACCES);
    CHECK(code_of([] { spawn_process({.argv = {"no-such-program-here"}}); }) == -ENOENT);
    const auto no_folder =
        thrown<structio::error>([] { spawn_process({.argv = {"true"}, .cwd = "/nowhere"}); });
    REQUIRE(no_folder);
    CHECK(std::string(no_folder->what()).find("its folder /nowhere") != std::string::npos);
    CHECK(code_of([] { spawn_process({.argv = cat, .in = stdio::read_file("/nowhere")}); }) ==
          -ENOENT);
    CHECK(code_of([] { spawn_process({.argv = cat, .in = stdio::descriptor(1 << 20)}); }) ==
          -EBADF);
    CHECK(spawn_process({.argv = {"true"}}).wait().success());
  });
}

TEST_CASE("a stream that was taken from a process may outlive it", "[PROC-04]") {
  both_ways([] {
    std::optional<structio::any_stream> kept;
    {
      auto child = spawn_process({.argv = {"echo", "hello"}, .out = stdio::pipe()});
      CHECK(throws<structio::absent_error>([&] { child.take_in(); }));
      kept.emplace(child.take_out());
      CHECK(!child.has_out());
      CHECK(throws<structio::absent_error>([&] { child.take_out(); }));
      CHECK(throws<structio::absent_error>([&] { child.out(); }));
      CHECK(child.wait().success());
    }
    CHECK(receive_all(*kept) == "hello\n");
  });
}

TEST_CASE("a program without standard descriptors of its own starts children all the same") {
  run([] {
    warm_up();
    const int in = dup(0), out = dup(1);
    close(0);
    close(1);
    // The pipes get the numbers that are free now, each of which means something else in the child.
    auto child = spawn_process({.argv = cat, .in = stdio::pipe(), .out = stdio::pipe()});
    child.in().send_all("text");
    child.in().close();
    const std::string text = receive_all(child.out());
    child.out().close();
    const auto ending = child.wait();
    dup2(in, 0);
    dup2(out, 1);
    close(in);
    close(out);
    CHECK(text == "text");
    CHECK(ending.success());
  });
}

TEST_CASE("a group of its own gets the signals that are sent from here") {
  both_ways([] {
    for (const bool session : {false, true}) {
      auto child =
          spawn_shell("sleep 1000 & echo $$; wait",
                      {.out = stdio::pipe(), .new_group = !session, .new_session = session});
      CHECK(receive(child.out()) == std::to_string(child.pid()) + "\n");
      CHECK(getpgid(static_cast<pid_t>(child.pid())) == child.pid());
      CHECK((getsid(static_cast<pid_t>(child.pid())) == child.pid()) == session);
      CHECK(child.terminate());
      CHECK(receive_all(child.out()).empty());  // the sleeping one had it open as well
      CHECK(child.wait().signal == SIGTERM);
    }
  });
}

TEST_CASE("a child that is let go of is killed and reaped, and who waits is told") {
  both_ways([] {
    auto child = spawn_process({.argv = sleeper, .in = stdio::pipe()});
    const auto pid = static_cast<pid_t>(child.pid());
    open_nursery([&](nursery& n) {
      n.start_soon([raw = structio::process_ref(child.native())] {
        CHECK(throws<structio::closed_error>([&] { raw.wait(); }));
      });
      net_test::settle();
      { const process gone(std::move(child)); }
    });
    CHECK(no_child_left());
    CHECK(eventually([&] { return kill(pid, 0) != 0; }));
    auto one = spawn_process({.argv = sleeper});
    one = spawn_process({.argv = {"true"}});  // the first is killed
    CHECK(one.wait().success());
  });
}

TEST_CASE("a run that ends takes its children along; their objects may stay") {
  for (const bool without : {false, true}) {
    const nothing_left all;
    const without_pidfd as(without);
    std::optional<process> kept;
    run([&] {
      kept.emplace(spawn_process({.argv = sleeper, .in = stdio::pipe()}));
      CHECK_FALSE(structio::move_on_after(1ms, [&] { kept->wait(); }));
    });
    CHECK(no_child_left());
    CHECK(kept->poll()->unknown);
    CHECK(structio_process_kill(kept->native(), SIGTERM) < 0);
  }
}

TEST_CASE("a child that nobody waits for hides no deadlock") {
  for (const bool without : {false, true}) {
    const nothing_left all;
    const without_pidfd as(without);
    CHECK(throws<structio::deadlock>([] {
      run([] {
        auto child = spawn_process({.argv = sleeper, .in = stdio::pipe()});
        // Waiting was begun once, and given up.
        CHECK_FALSE(structio::move_on_after(1ms, [&] { child.wait(); }));
        structio::event never;
        never.wait();
      });
    }));
  }
}

TEST_CASE("where descriptors run out a child is not started, and nothing is lost",
          "[PROC-20][PROC-21]") {
  const nothing_left all;
  run([] {
    warm_up();
    int refused = 0;
    for (int spare = 0; spare < 12; ++spare) {
      const nothing_left each;
      const support::few_descriptors few(spare);
      const int code = code_of([] {
        auto child = spawn_process(
            {.argv = cat, .in = stdio::pipe(), .out = stdio::pipe(), .err = stdio::pipe()});
        child.in().close();
        CHECK(child.wait().success());
      });
      CHECK((code == 0 || code == -EMFILE));
      refused += code != 0;
    }
    CHECK(refused >= 5);
    CHECK(refused < 12);
  });
}
