// What a cancelled call on files, paths and watches has done, against what the table of the ABI
// says of it: cancelled beforehand, and while it waits for its turn.
#include <functional>
#include <map>

#include "support/files.hpp"
#include "support/op_proof.hpp"

using namespace file_test;
using op_proof::aborted;
using op_proof::cancelled;
using op_proof::halves;
using names = std::vector<std::string>;

namespace {

/// A folder with a file "a" in it and a link to that, and what calls need.
struct world {
  fresh_folder folder;
  std::string a = (folder / "a").string();
  std::string b = (folder / "b").string();
  std::string link = (folder / "link").string();
  structio_file* file = nullptr;
  structio_file* made = nullptr;
  structio_directory_entries* entries = nullptr;
  structio_file_info info{};
  void* data = nullptr;
  std::size_t size = 0;
  char* text = nullptr;
  char buffer[8] = {'?', 0};

  world() {
    spill(a, "text");
    stdfs::create_symlink("a", link);
    structio_file_open_options options{};
    options.struct_size = sizeof options;
    options.flags = STRUCTIO_OPEN_READ | STRUCTIO_OPEN_WRITE;
    CHECK(structio_file_open(a.c_str(), &options, &file) == 0);
    info.struct_size = sizeof info;
  }
  world(const world&) = delete;
  world& operator=(const world&) = delete;
  ~world() {
    structio_file_free(file);
    structio_file_free(made);
    structio_directory_entries_free(entries);
    structio_memory_free(data);
    structio_memory_free(text);
  }

  /// Nothing is different from how it began.
  bool is_untouched() {
    int64_t position = -1;
    structio_file_descriptor(file, &position);
    position = ::lseek(static_cast<int>(position), 0, SEEK_CUR);
    return folder.names() == names{"a", "link"} && slurp(a) == "text" && position == 0 && !made &&
           !entries && !data && !text && info.size == 0 && buffer[0] == '?';
  }
};

using call = std::function<int64_t(world&)>;

const std::map<std::string, call>& calls() {
  static const std::map<std::string, call> all = {
      {"directory_list", [](world& w) { return structio_directory_list("/", &w.entries); }},
      {"directory_make", [](world& w) { return structio_directory_make(w.b.c_str(), 0, 1); }},
      {"file_get_info", [](world& w) { return structio_file_get_info(w.file, &w.info); }},
      {"file_open", [](world& w) { return structio_file_open(w.a.c_str(), nullptr, &w.made); }},
      {"file_read", [](world& w) { return structio_file_read(w.file, w.buffer, 4); }},
      {"file_read_all",
       [](world& w) { return structio_file_read_all(w.a.c_str(), 0, &w.data, &w.size); }},
      {"file_read_at", [](world& w) { return structio_file_read_at(w.file, w.buffer, 4, 0); }},
      {"file_seek", [](world& w) { return structio_file_seek(w.file, 2, STRUCTIO_SEEK_BEGIN); }},
      {"file_size", [](world& w) { return structio_file_size(w.file); }},
      {"file_sync", [](world& w) { return structio_file_sync(w.file, 1); }},
      {"file_truncate", [](world& w) { return structio_file_truncate(w.file, 1); }},
      {"file_try_lock", [](world& w) { return structio_file_try_lock(w.file, STRUCTIO_UNLOCK); }},
      {"file_write", [](world& w) { return structio_file_write(w.file, "x", 1); }},
      {"file_write_all",
       [](world& w) { return structio_file_write_all(w.a.c_str(), "x", 1, nullptr); }},
      {"file_write_at", [](world& w) { return structio_file_write_at(w.file, "x", 1, 0); }},
      {"path_copy_file",
       [](world& w) { return structio_path_copy_file(w.a.c_str(), w.b.c_str(), 0); }},
      {"path_current", [](world& w) { return structio_path_current(&w.text); }},
      {"path_exists", [](world& w) { return structio_path_exists(w.a.c_str()); }},
      {"path_get_info", [](world& w) { return structio_path_get_info(w.a.c_str(), 1, &w.info); }},
      {"path_glob", [](world& w) { return structio_path_glob("/*", &w.entries); }},
      {"path_home", [](world& w) { return structio_path_home(&w.text); }},
      {"path_link", [](world& w) { return structio_path_link(w.a.c_str(), w.b.c_str()); }},
      {"path_read_link", [](world& w) { return structio_path_read_link(w.link.c_str(), &w.text); }},
      {"path_real", [](world& w) { return structio_path_real(w.a.c_str(), &w.text); }},
      {"path_remove", [](world& w) { return structio_path_remove(w.a.c_str()); }},
      {"path_remove_all", [](world& w) { return structio_path_remove_all(w.a.c_str()); }},
      {"path_rename", [](world& w) { return structio_path_rename(w.a.c_str(), w.b.c_str()); }},
      {"path_set_permissions",
       [](world& w) { return structio_path_set_permissions(w.a.c_str(), 0600); }},
      {"path_set_times", [](world& w) { return structio_path_set_times(w.a.c_str(), 1, 1); }},
      {"path_symlink", [](world& w) { return structio_path_symlink("a", w.b.c_str()); }},
      {"temporary_directory_make",
       [](world& w) {
         return structio_temporary_directory_make(w.folder.path().c_str(), nullptr, &w.text);
       }},
      {"temporary_file_open",
       [](world& w) {
         return structio_temporary_file_open(w.folder.path().c_str(), nullptr, &w.made, &w.text);
       }},
  };
  return all;
}

void prove_calls() {
  for (const auto& [name, make] : calls()) {
    INFO(name);
    const call& fn = make;  // Clang 14 captures no structured bindings
    world w;
    CHECK(cancelled([&] { return fn(w); }) == aborted);
    CHECK(w.is_untouched());
    CHECK(halves([&] { CHECK(fn(w) >= 0); }) == 2);
  }
}

std::vector<op_proof::shown> shown_calls() {
  std::vector<op_proof::shown> all;
  for (const auto& [name, make] : calls()) {
    const auto effect =
        name == "path_remove_all" ? STRUCTIO_EFFECT_PREFIX : STRUCTIO_EFFECT_NOTHING;
    all.push_back({"structio_" + name, 1, static_cast<uint32_t>(effect)});
  }
  return all;
}

void prove_closing() {
  world w;
  CHECK(cancelled([&] { return structio_file_close(w.file); }) == aborted);
  CHECK(structio_file_size(w.file) == STRUCTIO_ECLOSED);
  CHECK(halves([&] { structio_file_close(w.file); }) == 2);
  CHECK(halves([&] { structio_file_size(w.file); }) == 2);
  CHECK(cancelled([&] { return structio_file_size(w.file); }) == aborted);
}

void prove_watching() {
  fresh_folder folder;
  structio_watch* watch = nullptr;
  structio_watch_event event{};
  event.struct_size = sizeof event;
  CHECK(structio_watch_open(folder.path().c_str(), nullptr, &watch) == 0);
  stdfs::create_directory(folder / "x");
  CHECK(cancelled([&] { return structio_watch_next(watch, &event); }) == aborted);
  CHECK(halves([&] { CHECK(structio_watch_next(watch, &event) == 0); }) == 2);
  CHECK(std::string(event.name) == "x");
  CHECK(cancelled([&] { return structio_watch_close(watch); }) == aborted);
  CHECK(halves([&] { CHECK(structio_watch_next(watch, &event) == STRUCTIO_ECLOSED); }) == 2);
  CHECK(halves([&] { structio_watch_close(watch); }) == 2);
  structio_watch_free(watch);
}

const op_proof::area on_files(shown_calls(), prove_calls);
const op_proof::area closing({{"structio_file_close", 1, STRUCTIO_EFFECT_CLOSED}}, prove_closing);
const op_proof::area watching(
    std::vector<op_proof::shown>{{"structio_watch_close", 1, STRUCTIO_EFFECT_CLOSED},
                                 {"structio_watch_next", 1, STRUCTIO_EFFECT_NOTHING}},
    prove_watching);

}  // namespace

TEST_CASE("a call that is cancelled while it waits for its turn has done nothing") {
  run([] {
    world w;
    structio::default_file_limiter().set_total(0);
    for (const auto& [name, make] : calls()) {
      INFO(name);
      int64_t status = 0;
      structio::move_on_after(0ms, [&, make = make] { status = make(w); });
      CHECK(status == STRUCTIO_ECANCELLED);
      CHECK(w.is_untouched());
    }
    structio::default_file_limiter().set_total(1);
    for (const auto& [name, make] : calls()) {
      INFO(name);
      world fresh;
      CHECK(make(fresh) >= 0);  // and leaves everything as the next one needs it
    }
  });
}
