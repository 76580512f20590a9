// What a child is given: descriptors, folder, environment; and where its program is looked for.
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>

#include "support/processes.hpp"

using namespace processes;
using structio::nursery;
using structio::open_nursery;

TEST_CASE("files, descriptors, folder and environment are what the child sees") {
  const temporary file;
  std::string passed_on(4096, 0);
  FILE* listed = popen("ls /proc/self/fd </dev/null 2>/dev/null", "r");
  REQUIRE(listed);
  passed_on.resize(fread(passed_on.data(), 1, passed_on.size(), listed));
  pclose(listed);
  both_ways([&] {
    const auto write = [&](const char* text, const stdio& to) {
      CHECK(spawn_process({.argv = {"echo", text}, .out = to}).wait().success());
    };
    write("one", stdio::write_file(file.path));
    write("two", stdio::append_file(file.path));
    auto reader =
        spawn_process({.argv = cat, .in = stdio::read_file(file.path), .out = stdio::pipe()});
    CHECK(receive_all(reader.out()) == "one\ntwo\n");
    write("three", stdio::write_file(file.path));
    CHECK(file.text() == "three\n");

    auto shell = spawn_shell("pwd; echo $COLOUR; cat", {.env = {{"COLOUR=blue", "PATH=/bin"}},
                                                        .cwd = "/",
                                                        .in = stdio::null(),
                                                        .out = stdio::pipe()});
    CHECK(receive_all(shell.out()) == "/\nblue\n");
    CHECK(spawn_shell("echo lost; exit 3", {.out = stdio::null()}).wait().exit_status == 3);
    // Nothing else of ours is open in a child, but what this program got to pass on.
    auto listing = spawn_process({.argv = {"ls", "/proc/self/fd"},
                                  .in = stdio::null(),
                                  .out = stdio::pipe(),
                                  .err = stdio::null()});
    CHECK(receive_all(listing.out()) == passed_on);
  });
}

TEST_CASE("variables are set and taken away beside those that a child gets anyhow") {
  const auto shown = [](const process_options& options) {
    process_options all = options;
    all.out = stdio::pipe();
    auto child = spawn_shell("echo $STRUCTIO_A-$STRUCTIO_B-$STRUCTIO_C", all);
    const std::string text = receive_all(child.out());
    CHECK(child.wait().success());
    return text;
  };
  setenv("STRUCTIO_A", "a", 1);
  setenv("STRUCTIO_B", "b", 1);
  both_ways([&] {
    CHECK(shown({}) == "a-b-\n");
    CHECK(shown({.extra_env = {"STRUCTIO_B", "STRUCTIO_C=c=c"}}) == "a--c=c\n");
    CHECK(shown({.extra_env = {"STRUCTIO_A=x", "STRUCTIO_AB=y", "STRUCTIO_A=z"}}) == "z-b-\n");
    CHECK(shown({.env = {{"STRUCTIO_B=only"}}, .extra_env = {"STRUCTIO_C=and"}}) == "-only-and\n");
    CHECK(shown({.env = {{}}}) == "--\n");
    const auto got = structio::run_shell("echo $STRUCTIO_C",
                                         {.extra_env = {"STRUCTIO_C=c"}, .capture_out = true});
    CHECK(got.out == "c\n");
  });
  unsetenv("STRUCTIO_A");
  unsetenv("STRUCTIO_B");
}

TEST_CASE("a child has the environment, and the PATH, of the moment at which it was asked for") {
  const temporary place;
  unlink(place.path.c_str());
  REQUIRE(mkfifo(place.path.c_str(), 0600) == 0);
  const std::string before = getenv("PATH");
  both_ways([&] {
    constexpr int most = 16;  // starts at once: the next has to wait
    setenv("STRUCTIO_A", "then", 1);
    std::string text;
    int ended = 0;
    open_nursery([&](nursery& n) {
      for (int i = 0; i < most; ++i) {
        n.start_soon([&] {
          auto child = spawn_process({.argv = {"true"}, .in = stdio::read_file(place.path)});
          CHECK(child.wait().success());
          ++ended;
        });
      }
      structio::testing::wait_all_tasks_blocked();
      n.start_soon([&] {
        auto child =
            spawn_process({.argv = {"sh", "-c", "echo $STRUCTIO_A"}, .out = stdio::pipe()});
        text = receive_all(child.out());
        CHECK(child.wait().success());
      });
      structio::testing::wait_all_tasks_blocked();
      setenv("STRUCTIO_A", "now", 1);
      setenv("PATH", "/nowhere", 1);
      n.start_soon([&] {
        // Each of the threads finds a writer, however late it comes; for both ways it never blocks.
        const int writing = open(place.path.c_str(), O_RDWR | O_CLOEXEC);
        eventually([&] {
          structio::checkpoint();
          return ended == most;
        });
        close(writing);
      });
    });
    setenv("PATH", before.c_str(), 1);
    CHECK(text == "then\n");
  });
  unsetenv("STRUCTIO_A");
}

TEST_CASE("a program is looked for in each folder of PATH") {
  const temporary script;
  chmod(script.path.c_str(), 0600);
  const std::string name = script.path.substr(script.path.rfind('/') + 1);
  const std::string before = getenv("PATH");
  both_ways([&] {
    setenv("PATH", ("/nowhere:/dev/null::" + before).c_str(), 1);
    CHECK(spawn_process({.argv = {"true"}, .cwd = "/"}).wait().success());
    setenv("PATH", "", 1);  // the child's folder
    CHECK(spawn_process({.argv = {"sh", "-c", ":"}, .cwd = "/bin"}).wait().success());
    CHECK(code_of([] { spawn_process({.argv = {"sh"}, .cwd = "/"}); }) == -ENOENT);
    setenv("PATH", "/tmp:/nowhere", 1);  // there, but no program
    CHECK(code_of([&] { spawn_process({.argv = {name}}); }) == -EACCES);
    unsetenv("PATH");
    CHECK(spawn_process({.argv = {"sh", "-c", ":"}}).wait().success());
    setenv("PATH", before.c_str(), 1);
    CHECK(code_of([] { spawn_process({.argv = {std::string(5000, 'x')}}); }) < 0);
  });
}

TEST_CASE("a child has further descriptors under the numbers that they have here") {
  both_ways([] {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    const std::string number = std::to_string(ends[1]);
    auto child = spawn_process({.argv = {"sh", "-c", "echo hello >/proc/self/fd/" + number},
                                .inherit = {ends[1], ends[1]}});
    close(ends[1]);
    CHECK(child.wait().success());
    char text[16];
    CHECK(read(ends[0], text, sizeof text) == 6);
    CHECK(read(ends[0], text, sizeof text) == 0);
    close(ends[0]);
    CHECK(code_of([&] { spawn_process({.argv = cat, .inherit = {1 << 20}}); }) == -EBADF);
    CHECK(code_of([&] {
            spawn_process({.argv = cat, .in = stdio::descriptor(0), .inherit = {ends[0], 1 << 20}});
          }) == -EBADF);
    CHECK(throws<std::invalid_argument>([] { spawn_process({.argv = cat, .inherit = {2}}); }));
    CHECK(throws<std::invalid_argument>([] { spawn_process({.argv = cat, .inherit = {-1}}); }));
  });
}

TEST_CASE("standard descriptors may be exchanged") {
  both_ways([] {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    // The pipe takes the places of our own input and output for a moment.
    const int in = dup(0), out = dup(1);
    dup2(ends[1], 0);
    dup2(ends[0], 1);
    auto child = spawn_process(
        {.argv = {"echo", "exchanged"}, .in = stdio::descriptor(1), .out = stdio::descriptor(0)});
    dup2(in, 0);
    dup2(out, 1);
    for (const int one : {in, out, ends[1]}) close(one);
    CHECK(child.wait().success());
    char text[16] = {};
    CHECK(read(ends[0], text, sizeof text) == 10);
    CHECK(std::string(text) == "exchanged\n");
    close(ends[0]);
  });
}
