// Folders, and what else is done with paths.
#include <structio/structio_directory.h>

#include "fs/path.hpp"
#include "fs/whole.hpp"
#include "object.hpp"

using namespace structio;
using namespace structio::capi;
namespace fs = structio::rt::fs;
namespace os = structio::rt::fs::os;

namespace {

constexpr uint32_t every_permission = 07777;

// The run of the task that calls, if there is a path; else null with a message.
rt::runtime* with(const char* call, const char* path) noexcept {
  if (path) return in_task(call);
  null_argument(call, "path");
  return nullptr;
}

rt::runtime* with(const char* call, const char* from, const char* to) noexcept {
  return with(call, from && to ? from : nullptr);
}

// fn() by a thread, for calls that answer with 0 or a code.
template <class Fn>
int plain(rt::runtime* r, const char* call, const char* path, Fn fn) noexcept {
  return r ? static_cast<int>(fs::on_path(*r, call, path, fn)) : refused();
}

// What fn(bytes) has written, as memory of the caller's.
template <class Fn>
int text(rt::runtime* r, const char* call, const char* path, char** out, Fn fn) noexcept {
  fs::bytes written;
  const int code = plain(r, call, path, [&]() noexcept { return fn(written); });
  if (code == 0) *out = written.take();
  return code;
}

int no_permissions(const char* call) noexcept {
  return fail(STRUCTIO_EINVALID, "%s: permissions are twelve bits", call);
}

bool is_prefix(const char* prefix, const char* call) noexcept {
  if (!prefix || !__builtin_strchr(prefix, '/')) return true;
  fail(STRUCTIO_EINVALID, "%s: a prefix has no separators", call);
  return false;
}

fs::entries* entries_in(structio_directory_entries* h, const char* call) noexcept {
  return handle<fs::entries>(base::handle_kind::directory_entries, h, call);
}

}  // namespace

int structio_directory_make(const char* path, uint32_t permissions, int parents) {
  constexpr const char* call = "structio_directory_make";
  if (permissions & ~every_permission) return no_permissions(call);
  const uint32_t wanted = permissions == 0 ? 0777 : permissions;
  return plain(with(call, path), call, path, [=]() noexcept {
    return parents ? os::make_directories(path, wanted) : os::make_directory(path, wanted);
  });
}

int structio_directory_list(const char* path, structio_directory_entries** out) {
  constexpr const char* call = "structio_directory_list";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  rt::runtime* r = with(call, path);
  if (!r) return refused();
  fs::entries* made = nullptr;
  if (const int code = fs::list(*r, path, made)) return code;
  *out = static_cast<structio_directory_entries*>(made->handle);
  return 0;
}

int structio_path_glob(const char* pattern, structio_directory_entries** out) {
  constexpr const char* call = "structio_path_glob";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  rt::runtime* r = with(call, pattern);
  if (!r) return refused();
  fs::entries* made = nullptr;
  if (const int code = fs::glob(*r, pattern, made)) return code;
  *out = static_cast<structio_directory_entries*>(made->handle);
  return 0;
}

int structio_directory_entries_next(structio_directory_entries* entries,
                                    structio_directory_entry* entry) {
  constexpr const char* call = "structio_directory_entries_next";
  if (!entry) return null_argument(call, "entry");
  if (!options_fit(entry, call)) return refused();
  fs::entries* e = entries_in(entries, call);
  if (!e) return refused();
  structio_directory_entry all{};
  if (!fs::next(*e, all.name, all.type)) return 0;
  tell(all, entry, call);
  return 1;
}

int64_t structio_directory_entries_count(structio_directory_entries* entries) {
  const fs::entries* e = entries_in(entries, "structio_directory_entries_count");
  return e ? static_cast<int64_t>(e->count) : refused();
}

int structio_directory_entries_free(structio_directory_entries* entries) {
  if (!entries) return 0;
  fs::entries* e = entries_in(entries, "structio_directory_entries_free");
  if (!e) return refused();
  fs::free(*e);
  return 0;
}

int structio_path_exists(const char* path) {
  rt::runtime* r = with("structio_path_exists", path);
  return r ? fs::exists(*r, path) : refused();
}

int structio_path_remove(const char* path) {
  constexpr const char* call = "structio_path_remove";
  return plain(with(call, path), call, path, [=]() noexcept { return os::remove(path); });
}

int64_t structio_path_remove_all(const char* path) {
  constexpr const char* call = "structio_path_remove_all";
  rt::runtime* r = with(call, path);
  if (!r) return refused();
  return fs::on_path(*r, call, path, [=]() noexcept { return os::remove_all(path, fs::told); });
}

int structio_path_rename(const char* from, const char* to) {
  constexpr const char* call = "structio_path_rename";
  return plain(with(call, from, to), call, from, [=]() noexcept { return os::rename(from, to); });
}

int64_t structio_path_copy_file(const char* from, const char* to, int replace) {
  rt::runtime* r = with("structio_path_copy_file", from, to);
  return r ? fs::copy_file(*r, from, to, replace != 0) : refused();
}

int structio_path_link(const char* existing, const char* name) {
  constexpr const char* call = "structio_path_link";
  return plain(with(call, existing, name), call, existing,
               [=]() noexcept { return os::link(existing, name); });
}

int structio_path_symlink(const char* link_text, const char* name) {
  constexpr const char* call = "structio_path_symlink";
  return plain(with(call, link_text, name), call, name,
               [=]() noexcept { return os::symlink(link_text, name); });
}

int structio_path_get_info(const char* path, int follow, structio_file_info* info) {
  constexpr const char* call = "structio_path_get_info";
  if (!info) return null_argument(call, "info");
  if (!options_fit(info, call)) return refused();
  structio_file_info all{};
  const int code = plain(with(call, path), call, path,
                         [&]() noexcept { return os::info_of(path, follow != 0, all); });
  return code < 0 ? code : tell(all, info, call);
}

int structio_path_set_permissions(const char* path, uint32_t permissions) {
  constexpr const char* call = "structio_path_set_permissions";
  if (permissions & ~every_permission) return no_permissions(call);
  return plain(with(call, path), call, path,
               [=]() noexcept { return os::set_permissions_of(path, permissions); });
}

int structio_path_set_times(const char* path, int64_t accessed, int64_t modified) {
  constexpr const char* call = "structio_path_set_times";
  return plain(with(call, path), call, path,
               [=]() noexcept { return os::set_times(path, accessed, modified); });
}

int structio_path_read_link(const char* path, char** out) {
  constexpr const char* call = "structio_path_read_link";
  if (!out) return null_argument(call, "text");
  *out = nullptr;
  return text(with(call, path), call, path, out,
              [=](fs::bytes& to) noexcept { return os::read_link(path, to); });
}

int structio_path_real(const char* path, char** out) {
  constexpr const char* call = "structio_path_real";
  if (!out) return null_argument(call, "real");
  *out = nullptr;
  return text(with(call, path), call, path, out,
              [=](fs::bytes& to) noexcept { return os::real(path, to); });
}

int structio_path_current(char** out) {
  constexpr const char* call = "structio_path_current";
  if (!out) return null_argument(call, "path");
  *out = nullptr;
  return text(in_task(call), call, nullptr, out,
              [](fs::bytes& to) noexcept { return os::current(to); });
}

int structio_path_home(char** out) {
  constexpr const char* call = "structio_path_home";
  if (!out) return null_argument(call, "path");
  *out = nullptr;
  return text(in_task(call), call, nullptr, out,
              [](fs::bytes& to) noexcept { return os::home(to); });
}

int structio_temporary_file_open(const char* folder, const char* prefix, structio_file** out,
                                 char** path) {
  constexpr const char* call = "structio_temporary_file_open";
  if (out) *out = nullptr;
  if (path) *path = nullptr;
  if (!out) return null_argument(call, "out");
  if (!path) return null_argument(call, "path");
  if (!is_prefix(prefix, call)) return refused();
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  fs::file* f = nullptr;
  fs::bytes name;
  if (const int code = fs::temporary_file(*r, folder, prefix, f, name)) return code;
  *out = static_cast<structio_file*>(f->handle);
  *path = name.take();
  return 0;
}

int structio_temporary_directory_make(const char* folder, const char* prefix, char** path) {
  constexpr const char* call = "structio_temporary_directory_make";
  if (!path) return null_argument(call, "path");
  *path = nullptr;
  if (!is_prefix(prefix, call)) return refused();
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  fs::bytes name;
  if (const int code = fs::temporary_directory(*r, folder, prefix, name)) return code;
  *path = name.take();
  return 0;
}
