// What takes more than one call to the system.
#include "fs/path.hpp"

#include <cstring>

#include "base/handle_table.hpp"
#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"

namespace structio::rt::fs {
namespace {

// "FOLDER/PREFIX-XXXXXX", for the system to fill in.
int temporary_name(const char* folder, const char* prefix, bytes& path) noexcept {
  if (folder) {
    if (!path.add(folder)) return STRUCTIO_ENOMEM;
    if (path.size() > 0 && path.data()[path.size() - 1] != '/' && !path.add("/")) {
      return STRUCTIO_ENOMEM;
    }
  } else if (const int code = os::temporary_folder(path)) {
    return code;
  }
  return path.add(prefix ? prefix : "tmp") && path.add("-XXXXXX") ? 0 : STRUCTIO_ENOMEM;
}

// What fill(entries) finds.
template <class Fill>
int collect(runtime& rt, const char* call, const char* path, entries*& out, Fill fill) noexcept {
  out = nullptr;
  auto* made = base::make<entries>();
  if (made) made->handle = base::handle_make(base::handle_kind::directory_entries, made);
  if (!made || !made->handle) {
    base::destroy(made);
    return base::fail(STRUCTIO_ENOMEM, "%s: no memory for the entries", call);
  }
  const std::int64_t code = on_path(rt, call, path, [&]() noexcept { return fill(*made); });
  if (code < 0) {
    free(*made);
    return static_cast<int>(code);
  }
  out = made;
  return 0;
}

}  // namespace

int exists(runtime& rt, const char* path) noexcept {
  const auto fn = [path]() noexcept -> std::int64_t {
    structio_file_info info{};
    const int code = os::info_of(path, true, info);
    if (code == os::no_such_file || code == os::not_a_directory) return 0;
    return code < 0 ? code : 1;
  };
  return static_cast<int>(on_path(rt, "structio_path_exists", path, fn));
}

int list(runtime& rt, const char* path, entries*& out) noexcept {
  return collect(rt, "structio_directory_list", path, out, [path](entries& into) noexcept {
    return os::list(path, into.names, into.count, told);
  });
}

int glob(runtime& rt, const char* pattern, entries*& out) noexcept {
  return collect(rt, "structio_path_glob", pattern, out, [pattern](entries& into) noexcept {
    return os::glob(pattern, into.names, into.count);
  });
}

bool next(entries& from, const char*& name, std::uint32_t& type) noexcept {
  if (from.at >= from.names.size()) return false;
  const char* entry = from.names.data() + from.at;
  type = static_cast<unsigned char>(*entry);
  name = entry + 1;
  from.at += std::strlen(name) + 2;
  return true;
}

void free(entries& e) noexcept {
  base::handle_drop(base::handle_kind::directory_entries, e.handle);
  base::destroy(&e);
}

int temporary_file(runtime& rt, const char* folder, const char* prefix, file*& out,
                   bytes& path) noexcept {
  out = nullptr;
  file* f = make(rt);
  if (!f) return STRUCTIO_ENOMEM;
  const auto fn = [&]() noexcept -> std::int64_t {
    if (const int code = temporary_name(folder, prefix, path)) return code;
    return os::make_unique_file(path.data());
  };
  const std::int64_t result = on_path(rt, "structio_temporary_file_open", folder, fn);
  if (result < 0) {
    free(*f);
    return static_cast<int>(result);
  }
  f->descriptor = result;
  out = f;
  return 0;
}

int temporary_directory(runtime& rt, const char* folder, const char* prefix, bytes& path) noexcept {
  const auto fn = [&]() noexcept -> std::int64_t {
    if (const int code = temporary_name(folder, prefix, path)) return code;
    return os::make_unique_directory(path.data());
  };
  return static_cast<int>(on_path(rt, "structio_temporary_directory_make", folder, fn));
}

}  // namespace structio::rt::fs
