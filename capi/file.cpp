// Files that are open, and whole ones.
#include "fs/file.hpp"
#include "base/memory.hpp"

#include <structio/structio_file.h>

#include "fs/whole.hpp"
#include "fs/work.hpp"
#include "object.hpp"
#include "stream/stream.hpp"
#include "sync/limiter.hpp"

using namespace structio;
using namespace structio::capi;
namespace fs = structio::rt::fs;

namespace {

constexpr uint32_t every_flag = STRUCTIO_OPEN_READ | STRUCTIO_OPEN_WRITE | STRUCTIO_OPEN_APPEND |
                                STRUCTIO_OPEN_CREATE | STRUCTIO_OPEN_EXCLUSIVE |
                                STRUCTIO_OPEN_TRUNCATE;
constexpr uint32_t every_permission = 07777;

found<fs::file> file_in(structio_file* h, const char* call, bool task = true) noexcept {
  return find<fs::file>(base::handle_kind::file, h, call, task);
}

// 0, or the refusal of flags that mean nothing together.
int check_flags(uint32_t flags, const char* call) noexcept {
  if (flags & ~every_flag) return fail(STRUCTIO_EINVALID, "%s: unknown flags", call);
  if ((flags & STRUCTIO_OPEN_EXCLUSIVE) && !(flags & STRUCTIO_OPEN_CREATE)) {
    return fail(STRUCTIO_EINVALID, "%s: EXCLUSIVE goes with CREATE only", call);
  }
  if ((flags & STRUCTIO_OPEN_TRUNCATE) && !(flags & (STRUCTIO_OPEN_WRITE | STRUCTIO_OPEN_APPEND))) {
    return fail(STRUCTIO_EINVALID, "%s: TRUNCATE goes with WRITE or APPEND only", call);
  }
  return 0;
}

int check_permissions(uint32_t& permissions, uint32_t usual, const char* call) noexcept {
  if (permissions == 0) permissions = usual;
  if ((permissions & ~every_permission) == 0) return 0;
  return fail(STRUCTIO_EINVALID, "%s: permissions are twelve bits", call);
}

// For what moves bytes: the file, or none with a message.
found<fs::file> transfer(structio_file* file, const void* memory, size_t size, int64_t offset,
                         const char* call) noexcept {
  if (!memory && size > 0) {
    null_argument(call, "the buffer");
    return {};
  }
  if (offset < 0) {
    fail(STRUCTIO_EINVALID, "%s: the offset is negative", call);
    return {};
  }
  return file_in(file, call);
}

structio_file* handle_of(fs::file* f) noexcept {
  return static_cast<structio_file*>(f->handle);
}

}  // namespace

structio_limiter* structio_default_file_limiter(void) {
  rt::runtime* r = in_run("structio_default_file_limiter");
  return r ? reinterpret_cast<structio_limiter*>(fs::default_limiter(*r)) : nullptr;
}

void structio_memory_free(void* memory) {
  base::release(memory);
}

int structio_file_open(const char* path, const structio_file_open_options* given,
                       structio_file** out) {
  constexpr const char* call = "structio_file_open";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  if (!path) return null_argument(call, "path");
  if (!options_fit(given, call)) return refused();
  structio_file_open_options options = whole(given);
  if (const int code = check_flags(options.flags, call)) return code;
  if (const int code = check_permissions(options.permissions, 0666, call)) return code;
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  fs::file* f = nullptr;
  const int code =
      fs::open(*r, {path, options.flags, options.permissions, options.abandon_on_cancel != 0}, f);
  if (code == 0) *out = handle_of(f);
  return code;
}

int structio_file_adopt(int64_t descriptor, structio_file** out) {
  constexpr const char* call = "structio_file_adopt";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  rt::runtime* r = in_run(call);
  if (!r) return refused();
  if (const int code = fs::os::check_open(descriptor)) return fs::failed(call, nullptr, code);
  fs::file* f = nullptr;
  const int code = fs::adopt(*r, descriptor, f);
  if (code == 0) *out = handle_of(f);
  return code;
}

int structio_file_detach(structio_file* file, int64_t* descriptor) {
  constexpr const char* call = "structio_file_detach";
  if (!descriptor) return null_argument(call, "descriptor");
  const auto f = file_in(file, call, false);
  return f.object ? fs::detach(*f.object, *descriptor) : refused();
}

int structio_file_descriptor(structio_file* file, int64_t* descriptor) {
  constexpr const char* call = "structio_file_descriptor";
  if (!descriptor) return null_argument(call, "descriptor");
  const auto f = file_in(file, call, false);
  if (!f.object) return refused();
  if (f.object->closed) return fs::closed(call);
  *descriptor = f.object->descriptor;
  return 0;
}

int64_t structio_file_read_at(structio_file* file, void* buffer, size_t size, int64_t offset) {
  constexpr const char* call = "structio_file_read_at";
  const auto f = transfer(file, buffer, size, offset, call);
  return f.object ? fs::read(*f.run, *f.object, buffer, size, offset, call) : refused();
}

int64_t structio_file_write_at(structio_file* file, const void* data, size_t size, int64_t offset) {
  constexpr const char* call = "structio_file_write_at";
  const auto f = transfer(file, data, size, offset, call);
  return f.object ? fs::write(*f.run, *f.object, data, size, offset, call) : refused();
}

int64_t structio_file_read(structio_file* file, void* buffer, size_t size) {
  constexpr const char* call = "structio_file_read";
  const auto f = transfer(file, buffer, size, 0, call);
  return f.object ? fs::read(*f.run, *f.object, buffer, size, -1, call) : refused();
}

int64_t structio_file_write(structio_file* file, const void* data, size_t size) {
  constexpr const char* call = "structio_file_write";
  const auto f = transfer(file, data, size, 0, call);
  return f.object ? fs::write(*f.run, *f.object, data, size, -1, call) : refused();
}

int64_t structio_file_seek(structio_file* file, int64_t offset, int from) {
  constexpr const char* call = "structio_file_seek";
  if (from < STRUCTIO_SEEK_BEGIN || from > STRUCTIO_SEEK_END) {
    return fail(STRUCTIO_EINVALID, "%s: see enum structio_seek_from", call);
  }
  const auto f = file_in(file, call);
  return f.object ? fs::seek(*f.run, *f.object, offset, from) : refused();
}

int64_t structio_file_size(structio_file* file) {
  constexpr const char* call = "structio_file_size";
  const auto f = file_in(file, call);
  if (!f.object) return refused();
  structio_file_info info{};
  const int code = fs::get_info(*f.run, *f.object, info, call);
  return code < 0 ? code : static_cast<int64_t>(info.size);
}

int structio_file_truncate(structio_file* file, int64_t size) {
  constexpr const char* call = "structio_file_truncate";
  if (size < 0) return fail(STRUCTIO_EINVALID, "%s: the size is negative", call);
  const auto f = file_in(file, call);
  return f.object ? fs::truncate(*f.run, *f.object, size) : refused();
}

int structio_file_sync(structio_file* file, int data_only) {
  const auto f = file_in(file, "structio_file_sync");
  return f.object ? fs::sync(*f.run, *f.object, data_only != 0) : refused();
}

int structio_file_try_lock(structio_file* file, int lock) {
  constexpr const char* call = "structio_file_try_lock";
  if (lock < STRUCTIO_UNLOCK || lock > STRUCTIO_LOCK_EXCLUSIVE) {
    return fail(STRUCTIO_EINVALID, "%s: see enum structio_lock", call);
  }
  const auto f = file_in(file, call);
  return f.object ? fs::try_lock(*f.run, *f.object, lock) : refused();
}

int structio_file_get_info(structio_file* file, structio_file_info* info) {
  constexpr const char* call = "structio_file_get_info";
  if (!info) return null_argument(call, "info");
  if (!options_fit(info, call)) return refused();
  const auto f = file_in(file, call);
  if (!f.object) return refused();
  structio_file_info all{};
  const int code = fs::get_info(*f.run, *f.object, all, call);
  return code < 0 ? code : tell(all, info, call);
}

int structio_file_close(structio_file* file) {
  const auto f = file_in(file, "structio_file_close");
  return f.object ? fs::close(*f.run, *f.object) : refused();
}

int structio_file_free(structio_file* file) {
  constexpr const char* call = "structio_file_free";
  if (!file) return 0;
  auto* f = handle<fs::file>(base::handle_kind::file, file, call);
  if (!f || !may_free(*f, call)) return refused();
  fs::free(*f);
  return 0;
}

int structio_file_stream(structio_file* file, structio_stream** out) {
  constexpr const char* call = "structio_file_stream";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  const auto f = file_in(file, call, false);
  if (!f.object) return refused();
  rt::stream::byte_stream* s = nullptr;
  const int code = fs::make_stream(*f.run, *f.object, s);
  if (code == 0) *out = static_cast<structio_stream*>(s->handle);
  return code;
}

int structio_file_read_all(const char* path, size_t limit, void** data, size_t* size) {
  constexpr const char* call = "structio_file_read_all";
  if (!data) return null_argument(call, "data");
  *data = nullptr;
  if (!size) return null_argument(call, "size");
  *size = 0;
  if (!path) return null_argument(call, "path");
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  fs::bytes content;
  if (const int code = fs::read_all(*r, path, limit, content)) return code;
  *size = content.size();
  *data = content.take();
  return 0;
}

int structio_file_write_all(const char* path, const void* data, size_t size,
                            const structio_file_write_options* given) {
  constexpr const char* call = "structio_file_write_all";
  if (!path) return null_argument(call, "path");
  if (!data && size > 0) return null_argument(call, "data");
  if (!options_fit(given, call)) return refused();
  structio_file_write_options options = whole(given);
  if (options.mode > STRUCTIO_WRITE_APPEND) {
    return fail(STRUCTIO_EINVALID, "%s: see enum structio_write_mode", call);
  }
  if (const int code = check_permissions(options.permissions, 0666, call)) return code;
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  return fs::write_all(*r,
                       {path, data, size, options.mode, options.permissions, options.no_sync == 0});
}
