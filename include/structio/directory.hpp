// Folders, and what else is done with paths, by worker threads: names, links, permissions, times.
// Paths are std::filesystem's, whose own functions for them would hold up every task. Each function
// is a checkpoint and throws `cancelled` (nothing has happened, unless it says otherwise) and
// error.
#pragma once

#include <structio/structio_directory.h>
#include <structio/file.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace structio {
inline namespace v0 {

/// One thing in a folder.
struct directory_entry {
  std::filesystem::path name;  ///< without the folder
  /// Of a link, that it is one; unknown where the system did not say.
  std::filesystem::file_type type = std::filesystem::file_type::unknown;
};

namespace detail {

template <class Call>
auto on_path(const std::filesystem::path& path, Call&& call) {
  const std::string text = path_text(path);
  return blocking([&] { return call(text.c_str()); });
}

template <class Call>
auto on_paths(const std::filesystem::path& one, const std::filesystem::path& other, Call&& call) {
  const std::string text = path_text(other);
  return on_path(one, [&](const char* first) { return call(first, text.c_str()); });
}

inline std::filesystem::path take_path(char* memory) {
  const library_memory owned(memory);
  const std::string_view text(memory);
  return std::filesystem::path(std::u8string(text.begin(), text.end()));
}

/// The path that call(char**) hands out.
template <class Call>
std::filesystem::path path_from(Call&& call) {
  char* text = nullptr;
  blocking([&] { return call(&text); });
  return take_path(text);
}

struct entries_freer {
  void operator()(structio_directory_entries* raw) const noexcept {
    structio_directory_entries_free(raw);
  }
};

/// All entries behind a handle, which is freed.
inline std::vector<directory_entry> read_entries(structio_directory_entries* raw) {
  const std::unique_ptr<structio_directory_entries, entries_freer> owned(raw);
  std::vector<directory_entry> all;
  all.reserve(static_cast<std::size_t>(check(structio_directory_entries_count(raw))));
  structio_directory_entry entry{};
  entry.struct_size = sizeof entry;
  while (check(structio_directory_entries_next(raw, &entry)) == 1) {
    const std::string_view name(entry.name);
    all.push_back({std::u8string(name.begin(), name.end()), to_file_type(entry.type)});
  }
  return all;
}

inline file_info info_of(const std::filesystem::path& path, bool follow) {
  structio_file_info raw = empty_file_info();
  on_path(path, [&](const char* p) { return structio_path_get_info(p, follow ? 1 : 0, &raw); });
  return to_file_info(raw);
}

}  // namespace detail

/// What is in a folder, without "." and "..", read whole, in the system's order.
inline std::vector<directory_entry> directory_entries(const std::filesystem::path& folder) {
  structio_directory_entries* raw = nullptr;
  detail::on_path(folder, [&](const char* p) { return structio_directory_list(p, &raw); });
  return detail::read_entries(raw);
}

/// The paths that match a pattern of the shell (`*`, `?`, `[a-z]`), in order.
inline std::vector<std::filesystem::path> glob_paths(const std::filesystem::path& pattern) {
  structio_directory_entries* raw = nullptr;
  detail::on_path(pattern, [&](const char* p) { return structio_path_glob(p, &raw); });
  std::vector<std::filesystem::path> all;
  for (directory_entry& entry : detail::read_entries(raw)) all.push_back(std::move(entry.name));
  return all;
}

/// Makes a folder. Permissions are less the process's umask; none: all.
inline void make_directory(const std::filesystem::path& path,
                           std::filesystem::perms permissions = std::filesystem::perms::none) {
  detail::on_path(path, [&](const char* p) {
    return structio_directory_make(p, detail::to_c(permissions), 0);
  });
}

/// And those above it. No error when it is there already.
inline void make_directories(const std::filesystem::path& path,
                             std::filesystem::perms permissions = std::filesystem::perms::none) {
  detail::on_path(path, [&](const char* p) {
    return structio_directory_make(p, detail::to_c(permissions), 1);
  });
}

/// True when the path leads to something; a link that leads nowhere is nothing.
inline bool path_exists(const std::filesystem::path& path) {
  return detail::on_path(path, structio_path_exists) == 1;
}

/// What the path leads to; link_info(): the link itself, where it is one.
inline file_info path_info(const std::filesystem::path& path) {
  return detail::info_of(path, true);
}
inline file_info link_info(const std::filesystem::path& path) {
  return detail::info_of(path, false);
}

/// Removes a file, a link or an empty folder.
inline void remove_path(const std::filesystem::path& path) {
  detail::on_path(path, structio_path_remove);
}

/// Removes whatever is there, a folder with all that is in it; links are not followed. Returns how
/// many things. Cancelled, or failed: a part may be gone.
inline std::uint64_t remove_tree(const std::filesystem::path& path) {
  return static_cast<std::uint64_t>(detail::on_path(path, structio_path_remove_all));
}

/// Within one file system; a file or an empty folder that is there is replaced.
inline void rename_path(const std::filesystem::path& from, const std::filesystem::path& to) {
  detail::on_paths(from, to, structio_path_rename);
}

/// Copies a regular file with its permissions; `replace`: over one that is there, at one stroke.
/// Returns how many bytes. Cancelled, also in the midst of it: there is no copy.
inline std::uint64_t copy_file(const std::filesystem::path& from, const std::filesystem::path& to,
                               bool replace = false) {
  return static_cast<std::uint64_t>(
      detail::on_paths(from, to, [replace](const char* source, const char* target) {
        return structio_path_copy_file(source, target, replace ? 1 : 0);
      }));
}

/// Gives a file one more name; makes a link with this text, which is not looked at.
inline void make_link(const std::filesystem::path& existing, const std::filesystem::path& name) {
  detail::on_paths(existing, name, structio_path_link);
}
inline void make_symlink(const std::filesystem::path& text, const std::filesystem::path& name) {
  detail::on_paths(text, name, structio_path_symlink);
}

inline void set_permissions(const std::filesystem::path& path, std::filesystem::perms permissions) {
  detail::on_path(path, [&](const char* p) {
    return structio_path_set_permissions(p, detail::to_c(permissions));
  });
}

/// What is not given stays as it is.
struct file_times {
  std::optional<file_time> accessed = {};
  std::optional<file_time> modified = {};
};
inline void set_times(const std::filesystem::path& path, const file_times& times) {
  const auto raw = [](const std::optional<file_time>& time) {
    return time ? std::int64_t{time->time_since_epoch().count()} : STRUCTIO_TIME_KEEP;
  };
  detail::on_path(path, [&](const char* p) {
    return structio_path_set_times(p, raw(times.accessed), raw(times.modified));
  });
}

/// The text of a symbolic link; the path without links and dots.
inline std::filesystem::path read_link(const std::filesystem::path& path) {
  const std::string text = detail::path_text(path);
  return detail::path_from([&](char** out) { return structio_path_read_link(text.c_str(), out); });
}
inline std::filesystem::path real_path(const std::filesystem::path& path) {
  const std::string text = detail::path_text(path);
  return detail::path_from([&](char** out) { return structio_path_real(text.c_str(), out); });
}

/// The process's current folder; that of the user.
inline std::filesystem::path current_directory() {
  return detail::path_from(structio_path_current);
}
inline std::filesystem::path home_directory() {
  return detail::path_from(structio_path_home);
}

struct temporary_options {
  std::filesystem::path folder = {};  ///< empty: $TMPDIR, or the system's
  std::string prefix = "tmp";
};

/// A folder with a name that nobody else has, for the user alone. Its destructor removes it with
/// all that is in it on the thread of the run, and is silent when that fails: where that may take
/// long, or matters, remove() before.
class temporary_directory {
 public:
  explicit temporary_directory(const temporary_options& options = {})
      : path_(detail::path_from([&](char** out) {
          const std::string folder = detail::path_text(options.folder);
          return structio_temporary_directory_make(folder.empty() ? nullptr : folder.c_str(),
                                                   options.prefix.c_str(), out);
        })) {}
  temporary_directory(temporary_directory&& other) noexcept
      : path_(std::exchange(other.path_, {})) {}
  temporary_directory& operator=(temporary_directory&& other) noexcept {
    temporary_directory taken(std::move(other));  // goes with what was here before
    std::swap(path_, taken.path_);
    return *this;
  }
  ~temporary_directory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  /// Removes it, by a thread; again: nothing. Cancelled, or failed: the destructor tries again.
  void remove() {
    if (path_.empty()) return;
    remove_tree(path_);
    path_.clear();
  }

  /// Leaves it where it is, to the caller.
  std::filesystem::path keep() noexcept { return std::exchange(path_, {}); }

  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;  ///< empty once removed or kept
};

/// A file with a name that nobody else has, open both ways; the caller removes it.
struct temporary_file {
  file opened;
  std::filesystem::path path;
};
inline temporary_file open_temporary_file(const temporary_options& options = {}) {
  const std::string folder = detail::path_text(options.folder);
  structio_file* made = nullptr;
  char* path = nullptr;
  detail::blocking([&] {
    return structio_temporary_file_open(folder.empty() ? nullptr : folder.c_str(),
                                        options.prefix.c_str(), &made, &path);
  });
  file opened(made);
  return {std::move(opened), detail::take_path(path)};
}

}  // namespace v0
}  // namespace structio
