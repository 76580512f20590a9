// Folders and paths: made, listed, renamed, linked, removed; what is temporary goes.
#include <cerrno>
#include <map>
#include <set>

#include "support/files.hpp"

using namespace file_test;
using names = std::vector<std::string>;
using stdfs::file_type;

TEST_CASE("a folder is read whole, and then told without waiting", "[FILE-07][FILE-08]") {
  fresh_folder folder;
  run([&] {
    CHECK(structio::directory_entries(folder.path()).empty());
    spill(folder / "file", "x");
    stdfs::create_directory(folder / "folder");
    stdfs::create_symlink("file", folder / "link");
    make_fifo(folder);
    std::map<std::string, file_type> found;
    for (const auto& entry : structio::directory_entries(folder.path())) {
      found[entry.name.string()] = entry.type;
    }
    const std::map<std::string, file_type> expected{{"file", file_type::regular},
                                                    {"folder", file_type::directory},
                                                    {"link", file_type::symlink},
                                                    {"fifo", file_type::fifo}};
    CHECK(found == expected);
    CHECK(code_of([&] { structio::directory_entries(folder / "file"); }) == -ENOTDIR);
    CHECK(code_of([&] { structio::directory_entries(folder / "none"); }) == -ENOENT);

    std::set<std::string> many;
    for (int i = 0; i < 1000; ++i) {
      const std::string name = "n" + std::to_string(i);
      stdfs::create_hard_link(folder / "file", folder / "folder" / name);
      many.insert(name);
    }
    for (const auto& entry : structio::directory_entries(folder / "folder")) {
      CHECK(many.erase(entry.name.string()) == 1);
    }
    CHECK(many.empty());
  });
}

TEST_CASE("paths that match a pattern", "[FILE-08]") {
  fresh_folder folder;
  run([&] {
    for (const char* name : {"b1", "a1", "a2", ".a3"}) spill(folder / name, "");
    stdfs::create_directory(folder / "d");
    spill(folder / "d" / "a1", "");
    const auto found = structio::glob_paths(folder / "a*");
    CHECK(found == std::vector<stdfs::path>{folder / "a1", folder / "a2"});
    CHECK(structio::glob_paths(folder / "*" / "a?").size() == 1);
    CHECK(structio::glob_paths(folder / "c*").empty());
  });
}

TEST_CASE("folders are made, alone or with those above") {
  fresh_folder folder;
  run([&] {
    structio::make_directory(folder / "a", stdfs::perms::owner_all);
    CHECK(stdfs::status(folder / "a").permissions() == stdfs::perms::owner_all);
    CHECK(code_of([&] { structio::make_directory(folder / "a"); }) == -EEXIST);
    CHECK(code_of([&] { structio::make_directory(folder / "b" / "c"); }) == -ENOENT);
    structio::make_directories(folder / "b" / "c" / "d");
    structio::make_directories(folder / "b" / "c" / "d");
    structio::make_directories((folder / "b").string() + "//e///");
    CHECK(stdfs::is_directory(folder / "b" / "e"));
    spill(folder / "f", "");
    CHECK(code_of([&] { structio::make_directories(folder / "f"); }) == -EEXIST);
    CHECK(code_of([&] { structio::make_directories(folder / "f" / "g"); }) == -ENOTDIR);
    structio::make_directories("/");
    CHECK(code_of([&] { structio::make_directories(""); }) == -ENOENT);
  });
}

TEST_CASE("a tree is removed, and nothing that links lead to") {
  fresh_folder folder;
  run([&] {
    spill(folder / "kept", "x");
    stdfs::create_directories(folder / "t" / "a" / "b");
    stdfs::create_directories(folder / "t" / "c");
    spill(folder / "t" / "1", "");
    spill(folder / "t" / "a" / "2", "");
    spill(folder / "t" / "a" / "b" / "3", "");
    stdfs::create_symlink("../kept", folder / "t" / "link");
    stdfs::create_directory(folder / "outside");
    spill(folder / "outside" / "x", "");
    stdfs::create_symlink("../outside", folder / "t" / "to_folder");
    CHECK(structio::remove_tree(folder / "t") == 9);
    CHECK(structio::remove_tree(folder / "t") == 0);
    CHECK(slurp(folder / "outside" / "x").empty());
    stdfs::create_symlink("outside", folder / "link");
    CHECK(structio::remove_tree(folder / "link") == 1);
    CHECK(structio::remove_tree(folder / "kept") == 1);
    CHECK(folder.names() == names{"outside"});
    CHECK(code_of([&] { structio::remove_tree(folder / "outside" / "x" / "y"); }) == -ENOTDIR);
  });
}

TEST_CASE("a tree is removed however deep or wide it is, with few descriptors") {
  fresh_folder folder;
  run([&] {
    const int before = open_descriptors();
    const stdfs::path start = stdfs::current_path();
    stdfs::create_directory(folder / "deep");
    // Deeper than a path may be long.
    const int home = ::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    REQUIRE(chdir((folder / "deep").c_str()) == 0);
    const std::string name(200, 'd');
    constexpr int depth = 60;
    for (int i = 0; i < depth; ++i) {
      REQUIRE(mkdir(name.c_str(), 0700) == 0);
      REQUIRE(chdir(name.c_str()) == 0);
    }
    REQUIRE(fchdir(home) == 0);
    ::close(home);
    stdfs::create_directory(folder / "deep" / "wide");
    for (int i = 0; i < 300; ++i) {
      spill(folder / "deep" / "wide" / std::to_string(i), "");
    }
    CHECK(structio::remove_tree(folder / "deep") == 1 + depth + 1 + 300);
    CHECK(open_descriptors() == before);
    CHECK(folder.names().empty());
    if (!is_root()) {
      stdfs::create_directories(folder / "a" / "b");
      spill(folder / "a" / "b" / "c", "");
      chmod((folder / "a" / "b").c_str(), 0500);
      CHECK(code_of([&] { structio::remove_tree(folder / "a"); }) == -EACCES);
      chmod((folder / "a" / "b").c_str(), 0700);
    }
  });
}

TEST_CASE("names: renamed, removed, linked, looked for") {
  fresh_folder folder;
  run([&] {
    spill(folder / "a", "x");
    CHECK(structio::path_exists(folder / "a"));
    CHECK_FALSE(structio::path_exists(folder / "b"));
    CHECK_FALSE(structio::path_exists(folder / "a" / "b"));
    structio::rename_path(folder / "a", folder / "b");
    CHECK(folder.names() == names{"b"});
    CHECK(code_of([&] { structio::rename_path(folder / "a", folder / "b"); }) == -ENOENT);
    structio::make_link(folder / "b", folder / "c");
    CHECK(structio::path_info(folder / "c").links == 2);
    CHECK(structio::path_info(folder / "c").inode == structio::path_info(folder / "b").inode);
    CHECK(code_of([&] { structio::make_link(folder / "b", folder / "c"); }) == -EEXIST);
    structio::make_symlink("b", folder / "s");
    std::string far;
    while (far.size() < 3000) far += "nowhere/";
    structio::make_symlink(far, folder / "lost");
    CHECK(structio::read_link(folder / "s") == "b");
    CHECK(structio::read_link(folder / "lost") == far);
    CHECK(code_of([&] { structio::read_link(folder / "b"); }) == -EINVAL);
    CHECK(structio::path_info(folder / "s").type == file_type::regular);
    CHECK(structio::link_info(folder / "s").type == file_type::symlink);
    CHECK_FALSE(structio::path_exists(folder / "lost"));
    CHECK(code_of([&] { structio::path_info(folder / "none"); }) == -ENOENT);
    CHECK(structio::real_path(folder / "s") == stdfs::canonical(folder / "b"));
    CHECK(structio::real_path(folder.path() / "." / ".." / folder.path().filename()) ==
          stdfs::canonical(folder.path()));
    for (const char* name : {"b", "c", "s", "lost"}) structio::remove_path(folder / name);
    stdfs::create_directories(folder / "d" / "e");
    CHECK(code_of([&] { structio::remove_path(folder / "d"); }) == -ENOTEMPTY);
    structio::remove_path(folder / "d" / "e");
    structio::remove_path(folder / "d");
    CHECK(code_of([&] { structio::remove_path(folder / "d"); }) == -ENOENT);
    CHECK(folder.names().empty());
  });
}

TEST_CASE("permissions and times are set") {
  fresh_folder folder;
  spill(folder / "a", "x");
  run([&] {
    structio::set_permissions(folder / "a", stdfs::perms::owner_read);
    CHECK(structio::path_info(folder / "a").permissions == stdfs::perms::owner_read);
    const structio::file_time old(-1'500'000'001ns);
    const structio::file_time then(1'234'567'890'123'456'000ns);
    structio::set_times(folder / "a", {.accessed = old, .modified = then});
    CHECK(structio::path_info(folder / "a").modified == then);
    CHECK(structio::path_info(folder / "a").accessed == old);
    structio::set_times(folder / "a", {.accessed = then});
    CHECK(structio::path_info(folder / "a").modified == then);
    CHECK(structio::path_info(folder / "a").accessed == then);
    const std::string path = (folder / "a").string();
    CHECK(structio_path_set_times(path.c_str(), STRUCTIO_TIME_KEEP, STRUCTIO_TIME_NOW) == 0);
    CHECK(structio::path_info(folder / "a").modified > then);
    CHECK(structio_path_set_permissions(path.c_str(), 0200000) == STRUCTIO_EINVALID);
    CHECK(structio_directory_make(path.c_str(), 0200000, 0) == STRUCTIO_EINVALID);
    CHECK(code_of([&] { structio::set_times(folder / "none", {.accessed = then}); }) == -ENOENT);
  });
}

TEST_CASE("the folders that everybody has", "[FILE-10]") {
  run([] {
    CHECK(structio::current_directory() == stdfs::current_path());
    const char* home = getenv("HOME");
    if (home && *home) CHECK(structio::home_directory() == home);
    const std::string kept = home ? home : "";
    unsetenv("HOME");
    CHECK(structio::home_directory().is_absolute());
    if (home) setenv("HOME", kept.c_str(), 1);
  });
}

TEST_CASE("what is temporary has a name of its own, and goes") {
  fresh_folder folder;
  run([&] {
    {
      structio::temporary_directory a({.folder = folder.path(), .prefix = "work"});
      structio::temporary_directory b({.folder = folder.path(), .prefix = "work"});
      CHECK(a.path() != b.path());
      CHECK(a.path().filename().string().substr(0, 5) == "work-");
      CHECK(stdfs::status(a.path()).permissions() == stdfs::perms::owner_all);
      structio::make_directories(a.path() / "x" / "y");
      structio::write_file(a.path() / "x" / "f", "text");
      b.remove();
      b.remove();
      CHECK(folder.names().size() == 1);
      b = std::move(a);
      CHECK(folder.names().size() == 1);
    }
    CHECK(folder.names().empty());
    structio::temporary_directory kept({.folder = folder.path()});
    const stdfs::path path = kept.keep();
    { const structio::temporary_directory gone(std::move(kept)); }
    CHECK(stdfs::is_directory(path));
    stdfs::remove(path);

    auto temporary = structio::open_temporary_file({.folder = folder.path()});
    temporary.opened.write_all("x");
    CHECK(slurp(temporary.path) == "x");
    CHECK(folder.names() == names{temporary.path.filename().string()});
    structio::remove_path(temporary.path);
    setenv("TMPDIR", folder.path().c_str(), 1);
    {
      const structio::temporary_directory there;
      CHECK(folder.names().size() == 1);
    }
    unsetenv("TMPDIR");
    CHECK(throws<std::invalid_argument>([&] { structio::temporary_directory({.prefix = "a/b"}); }));
    CHECK(code_of([&] { structio::temporary_directory({.folder = folder / "none"}); }) == -ENOENT);
    CHECK(folder.names().empty());
  });
}

TEST_CASE("removing a tree is cancelled in the midst of it, and leaks nothing") {
  fresh_folder folder;
  run(
      [&] {
        const int before = open_descriptors();
        for (int i = 0; i < 20; ++i) {
          for (int j = 0; j < 20; ++j) {
            const auto deep = folder / "t" / std::to_string(j) / "x";
            stdfs::create_directories(deep);
            spill(deep / "f", "");
          }
          cut_after(i, [&] { structio::remove_tree(folder / "t"); });
          CHECK(open_descriptors() == before);
        }
        structio::remove_tree(folder / "t");
        CHECK(folder.names().empty());
      },
      1);
}
