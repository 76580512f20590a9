// Programs from start to end: fed, captured, checked, in a row.
#include "support/few_descriptors.hpp"
#include "support/op_proof.hpp"
#include "support/processes.hpp"

using namespace processes;
using structio::exception_group;
using structio::nursery;
using structio::open_nursery;
using structio::pipeline;
using structio::process_error;
using structio::run_process;
using structio::run_shell;
using structio::start_process;

TEST_CASE("a program is fed and captured") {
  both_ways([] {
    const std::string data = net_test::pattern(300'000);
    const auto same = run_process({.argv = cat, .input = data, .capture_out = true});
    CHECK(same.ending.success());
    CHECK(same.out == data);
    CHECK(same.err.empty());
    const auto both = run_shell("cat; echo err >&2; exit 3",
                                {.input = "in", .capture_out = true, .capture_err = true});
    CHECK(both.ending.exit_status == 3);
    CHECK(both.out == "in");
    CHECK(both.err == "err\n");
    // Without any input there is none, and an empty one is the same.
    CHECK(run_process({.argv = cat, .capture_out = true}).out.empty());
    CHECK(run_process({.argv = cat, .input = "", .capture_out = true}).out.empty());
  });
}

TEST_CASE("options that contradict each other are refused, and say why", "[PROC-07]") {
  run([] {
    const auto refused = [](const run_process_options& options, const char* why) {
      const auto caught = thrown<std::invalid_argument>([&] { run_process(options); });
      REQUIRE(caught);
      INFO(caught->what());
      CHECK(std::string(caught->what()).find(why) != std::string::npos);
    };
    refused({.argv = cat, .in = stdio::pipe()}, "nobody could use a pipe");
    refused({.argv = cat, .out = stdio::pipe()}, "nobody could use a pipe");
    refused({.argv = cat, .err = stdio::pipe()}, "nobody could use a pipe");
    refused({.argv = cat, .out = stdio::null(), .capture_out = true}, "the output is captured");
    refused({.argv = cat, .out = stdio::inherit(), .capture_out = true}, "the output is captured");
    refused({.argv = cat, .err = stdio::inherit(), .capture_err = true},
            "error output is captured");
    refused({.argv = cat, .in = stdio::null(), .input = "x"}, "there is input");
    refused({.argv = {}}, "argv");
    refused({.argv = {"", "x"}}, "argv[0] is empty");
    refused({.argv = {"true", std::string("a\0b", 3)}}, "character 0");
    refused({.argv = {"true"}, .out = stdio::to_stdout()}, "only err");
    refused({.argv = {"true"}, .grace = -1s}, "negative");
  });
}

TEST_CASE("a list of arguments and a command of the shell have an entry each", "[PROC-11]") {
  run([] {
    CHECK(run_process({.argv = {"echo", "$HOME *"}, .capture_out = true}).out == "$HOME *\n");
    CHECK(run_shell("echo $((1 + 1)) \"$0\"", {.capture_out = true}).out == "2 /bin/sh\n");
    CHECK(throws<std::invalid_argument>([] { run_shell("true", {.argv = {"true"}}); }));
    CHECK(throws<std::invalid_argument>([] { spawn_shell("true", {.argv = {"true"}}); }));
  });
}

TEST_CASE("a child that does not read all of its input is no failure", "[PROC-09]") {
  both_ways([] {
    const std::string much(128 * 1024, 'x');
    CHECK(run_process({.argv = {"true"}, .input = much, .check = true}).ending.success());
    CHECK(run_shell("exec 0<&-; echo done", {.input = much, .capture_out = true}).out == "done\n");
  });
}

TEST_CASE("the error output can be captured with the output, in order", "[PROC-10]") {
  run([] {
    const auto merged =
        run_shell("echo a; echo b >&2; echo c", {.err = stdio::to_stdout(), .capture_out = true});
    CHECK(merged.out == "a\nb\nc\n");
    CHECK(merged.err.empty());
  });
}

TEST_CASE("a checked failure is an exception with all that is known", "[PROC-20]") {
  both_ways([] {
    warm_up();
    const nothing_left inside;
    const auto status = thrown<process_error>([] {
      run_shell("echo out; echo first >&2; echo 'no such thing' >&2; exit 7",
                {.capture_out = true, .capture_err = true, .check = true});
    });
    REQUIRE(status);
    CHECK(status->code() == STRUCTIO_EPROCESS);
    CHECK(status->ending().exit_status == 7);
    CHECK(status->out() == "out\n");
    CHECK(status->err() == "first\nno such thing\n");
    CHECK(std::string(status->what()) == "/bin/sh exited with status 7: first\nno such thing");
    const auto killed = thrown<process_error>([] { run_shell("kill -9 $$", {.check = true}); });
    REQUIRE(killed);
    CHECK(killed->ending().signal == SIGKILL);
    CHECK(std::string(killed->what()).find("was killed by signal 9 (Killed)") != std::string::npos);
    CHECK(run_shell("exit 7").ending.exit_status == 7);
    CHECK(code_of([] { run_process({.argv = {"/nowhere"}, .check = true}); }) == -ENOENT);
    CHECK(code_of([] { run_process({.argv = {"/etc"}, .capture_out = true}); }) == -EACCES);
  });
}

TEST_CASE("more output than the limit ends the child") {
  both_ways([] {
    CHECK(run_process({.argv = {"echo", "12345"}, .capture_out = true, .capture_limit = 6}).out ==
          "12345\n");
    CHECK(code_of([] {
            run_process({.argv = {"yes"}, .capture_out = true, .capture_limit = 100'000});
          }) == STRUCTIO_ELIMIT);
    CHECK(code_of([] {
            run_process({.argv = {"echo", "12345"}, .capture_out = true, .capture_limit = 5});
          }) == STRUCTIO_ELIMIT);
  });
}

TEST_CASE("started in a nursery, the process is there at once, and fails in the nursery",
          "[PROC-19]") {
  both_ways([] {
    std::optional<process> child;
    const auto group = thrown<exception_group>([&] {
      open_nursery([&](nursery& n) {
        child.emplace(start_process(
            n, {.argv = {"sh", "-c", "read x; exit 2"}, .in = stdio::pipe(), .check = true}));
        CHECK_FALSE(child->poll());
        child->in().send_all("go\n");
        child->wait();
      });
    });
    REQUIRE(group);
    CHECK(group->size() == 1);
    CHECK(face::count<process_error>(*group) == 1);
    CHECK(child->poll()->exit_status == 2);

    // What cannot be started is the caller's own error.
    open_nursery([](nursery& n) {
      CHECK(code_of([&] { start_process(n, {.argv = {"/nowhere"}}); }) == -ENOENT);
    });
  });
}

TEST_CASE("letting go of a started process ends its run", "[PROC-19]") {
  both_ways([] {
    const auto group = thrown<exception_group>(
        [] { open_nursery([](nursery& n) { start_process(n, {.argv = sleeper}); }); });
    REQUIRE(group);
    CHECK(face::count<structio::closed_error>(*group) == 1);
  });
}

TEST_CASE("two programs in a row") {
  both_ways([] {
    const auto [numbers, lines] = pipeline({.argv = {"seq", "10000"}, .check = true},
                                           {.argv = {"wc", "-l"}, .capture_out = true});
    CHECK(numbers.ending.success());
    CHECK(std::stoi(lines.out) == 10000);
    // The first is told by SIGPIPE that nobody reads: no failure.
    const auto [endless, head] =
        pipeline({.argv = {"yes"}, .check = true},
                 {.argv = {"head", "-n", "2"}, .capture_out = true, .check = true});
    CHECK(endless.ending.signal == SIGPIPE);
    CHECK(head.out == "y\ny\n");
    const auto [fed, eaten] =
        pipeline({.argv = cat, .input = "text", .check = true}, {.argv = cat, .capture_out = true});
    CHECK(eaten.out == "text");
  });
}

TEST_CASE("of two programs in a row each failure is told") {
  both_ways([] {
    const auto failed = [](const char* a, const char* b) {
      const auto caught = thrown<process_error>([&] {
        pipeline({.argv = {"sh", "-c", a}, .check = true},
                 {.argv = {"sh", "-c", b}, .check = true});
      });
      return caught ? caught->ending().exit_status : 0;
    };
    CHECK(failed("exit 3", "exit 0") == 3);
    CHECK(failed("exit 0", "exit 4") == 4);
    CHECK(failed("exit 3", "cat; exit 4") == 4);
    const auto [a, b] =
        pipeline({.argv = {"sh", "-c", "exit 3"}}, {.argv = {"sh", "-c", "exit 4"}});
    CHECK(a.ending.exit_status == 3);
    CHECK(b.ending.exit_status == 4);
    CHECK(code_of([] { pipeline({.argv = {"/nowhere"}}, {.argv = cat}); }) == -ENOENT);
    CHECK(code_of([] { pipeline({.argv = {"yes"}}, {.argv = {"/nowhere"}}); }) == -ENOENT);
    CHECK(throws<std::invalid_argument>(
        [] { pipeline({.argv = cat, .out = stdio::null()}, {.argv = cat}); }));
    CHECK(
        throws<std::invalid_argument>([] { pipeline({.argv = cat}, {.argv = cat, .input = ""}); }));
  });
}

TEST_CASE("where descriptors run out every failure comes out, and nothing is lost", "[PROC-21]") {
  run([] {
    warm_up();
    int refused = 0;
    for (int spare = 0; spare < 14; ++spare) {
      const nothing_left each;
      const support::few_descriptors few(spare);
      int code = 0;
      try {
        code = code_of(
            [] { pipeline({.argv = cat, .input = "x"}, {.argv = cat, .capture_out = true}); });
      } catch (const exception_group& both) {
        for (std::size_t i = 0; i < both.size(); ++i) CHECK(both[i].code() == -EMFILE);
        code = -EMFILE;
      }
      CHECK((code == 0 || code == -EMFILE));
      refused += code != 0;
    }
    CHECK(refused >= 4);
    CHECK(refused < 14);
  });
}

TEST_CASE("many programs at once") {
  both_ways([] {
    int done = 0;
    open_nursery([&](nursery& n) {
      for (int i = 0; i < 40; ++i) {
        n.start_soon([&done, i] {
          const std::string text = std::to_string(i);
          done += run_process({.argv = {"echo", text}, .capture_out = true, .check = true}).out ==
                  text + "\n";
        });
      }
    });
    CHECK(done == 40);
  });
}
