// Files when memory runs out, at every single allocation of the task's thread: each call says so or
// has done what it was asked for, and nothing is left of it, no descriptor, no handle, no file.
#include <structio/structio.h>

#include <cstdlib>
#include <string>

#include "faults/debris.hpp"
#include "faults/failing_malloc.hpp"
#include "support/c_blocks.hpp"
#include "support/catch.hpp"

using namespace c_tasks;

namespace {

constexpr int of_the_system = -12;

struct world {
  std::string folder;
  std::string a;
  std::string b;
  int strange = 0;
  const char* where = "";

  // True when the call did what it was asked for.
  bool note(std::int64_t status, const char* call) {
    if (status >= 0) return true;
    if (status != STRUCTIO_ENOMEM && status != of_the_system && strange == 0) {
      strange = static_cast<int>(status);
      where = call;
    }
    return false;
  }
};

void use_a_file(world& w, structio_file* file) {
  structio_stream* stream = nullptr;
  char byte = 0;
  w.note(structio_file_write(file, "x", 1), "write");
  w.note(structio_file_read_at(file, &byte, 1, 0), "read_at");
  w.note(structio_file_stream(file, &stream), "stream");
  structio_stream_free(stream);
  w.note(structio_file_close(file), "close");
  structio_file_free(file);
}

void use_everything(world& w) {
  structio_file_open_options options{};
  options.struct_size = sizeof options;
  options.flags = STRUCTIO_OPEN_READ | STRUCTIO_OPEN_WRITE | STRUCTIO_OPEN_CREATE;
  structio_file* file = nullptr;
  if (w.note(structio_file_open(w.a.c_str(), &options, &file), "open")) use_a_file(w, file);
  options.abandon_on_cancel = 1;
  if (w.note(structio_file_open(w.a.c_str(), &options, &file), "open")) use_a_file(w, file);
  void* data = nullptr;
  std::size_t size = 0;
  w.note(structio_file_write_all(w.a.c_str(), "text", 4, nullptr), "write_all");
  w.note(structio_file_read_all(w.a.c_str(), 0, &data, &size), "read_all");
  structio_memory_free(data);
  structio_directory_entries* entries = nullptr;
  w.note(structio_directory_list(w.folder.c_str(), &entries), "list");
  structio_directory_entries_free(entries);
  w.note(structio_path_copy_file(w.a.c_str(), w.b.c_str(), 1), "copy_file");
  structio_watch* watch = nullptr;
  structio_watch_event event{};
  event.struct_size = sizeof event;
  if (w.note(structio_watch_open(w.folder.c_str(), nullptr, &watch), "watch")) {
    if (w.note(structio_path_remove_all(w.b.c_str()), "remove_all")) {
      structio_scope s;
      structio_scope_options soon = scope_options();
      soon.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
      soon.deadline = STRUCTIO_MILLISECONDS(1);
      scope_block(
          s, [&] { return structio_watch_next(watch, &event); }, soon);
    }
    structio_watch_close(watch);
    structio_watch_free(watch);
  }
}

}  // namespace

TEST_CASE("files without memory") {
  std::string name = "/tmp/structio-memory-XXXXXX";
  REQUIRE(mkdtemp(name.data()) != nullptr);
  world w;
  w.folder = name;
  w.a = name + "/a";
  w.b = name + "/b";
  const auto round = [&](std::int64_t fails_at) {
    bool reached = false;
    auto body = [&] {
      // What a run makes once is made.
      use_everything(w);
      CHECK(w.strange == 0);
      const debris before = debris::now();
      {
        const failing_malloc::window window(fails_at);
        use_everything(w);
        reached = fails_at > 0 && window.reached();
      }
      const debris after = debris::now();
      CHECK(after.descriptors == before.descriptors);
      CHECK(after.handles == before.handles);
      structio_path_remove_all(w.a.c_str());
      structio_path_remove_all(w.b.c_str());
      return 0;
    };
    CHECK(run(body) == 0);
    return reached;
  };
  round(0);
  std::int64_t rounds = 1;
  while (rounds < 500 && round(rounds)) ++rounds;
  INFO(w.where);
  CHECK(w.strange == 0);
  CHECK((rounds > 10 || !failing_malloc::in_charge()));
  CHECK(rmdir(name.c_str()) == 0);
}
