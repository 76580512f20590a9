// Opening and closing. What is done with a file that is open is in file_io.cpp.
#include "fs/file.hpp"

#include <atomic>
#include <cstring>
#include <utility>

#include "base/handle_table.hpp"
#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "fs/work.hpp"
#include "runtime/cancel.hpp"
#include "runtime/failure.hpp"

namespace structio::rt::fs {
namespace {

constexpr const char* open_call = "structio_file_open";

void close_descriptor(file& f) noexcept {
  const std::int64_t descriptor = std::exchange(f.descriptor, os::no_descriptor);
  if (descriptor >= 0) os::close(descriptor);
}

// Closes at once, or leaves that to the last call that is under way.
void shut(file& f) noexcept {
  f.closed = true;
  if (f.under_way == 0) close_descriptor(f);
}

/// An open that may be left alone with its thread: on the heap, shared by both. Whoever is last
/// closes what nobody has taken.
struct shared_open {
  std::atomic<int> users{2};
  std::int64_t result = os::no_descriptor;
  std::uint32_t flags = 0;
  std::uint32_t permissions = 0;
  bytes path;

  static int run(void* arg) {
    auto& o = *static_cast<shared_open*>(arg);
    o.result = os::open(o.path.data(), o.flags, o.permissions);
    return 0;
  }
  static void release(void* arg) {
    auto* o = static_cast<shared_open*>(arg);
    if (o->users.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
    if (o->result >= 0) os::close(o->result);
    base::destroy(o);
  }
};

std::int64_t open_abandonable(runtime& rt, const open_request& request) noexcept {
  thread::job_request job{};
  if (const int code = default_tokens(rt, job.tokens)) return code;
  auto* o = base::make<shared_open>();
  if (!o || !o->path.add(request.path)) {
    base::destroy(o);
    return base::fail(STRUCTIO_ENOMEM, "no memory for what is shared with a thread");
  }
  o->flags = request.flags;
  o->permissions = request.permissions;
  job.fn = shared_open::run;
  job.arg = o;
  job.drop = shared_open::release;
  job.may_abandon = true;
  const int code = thread::run_in_thread(rt, job);
  const std::int64_t result = code < 0 ? code : std::exchange(o->result, os::no_descriptor);
  shared_open::release(o);
  if (code >= 0 && result < 0) no_message(result);
  return result;
}

// In a scope that nobody cancels, for which alone it is written.
int close_shielded(runtime& rt, file& f) noexcept {
  if (f.under_way > 0) {
    f.awaited = true;
    place p;
    wait_in_shielded(rt, f.idle, p, "calls on the file to end");
    f.awaited = false;
    // A deadlock may end that wait by force: the last of the calls closes.
    if (f.under_way > 0) return 0;
  }
  struct job {
    std::int64_t descriptor;
    int code;
  } j{std::exchange(f.descriptor, os::no_descriptor), 0};
  if (j.descriptor < 0) return 0;
  const auto close = [](void* arg) {
    auto& self = *static_cast<job*>(arg);
    self.code = os::close(std::exchange(self.descriptor, os::no_descriptor));
    return 0;
  };
  const int status = in_spare_thread(rt, close, &j);
  if (j.descriptor >= 0) close(&j);  // no thread was to be had
  return status == STRUCTIO_EINTERRUPTED ? status : j.code;
}

}  // namespace

int closed(const char* call) noexcept {
  return base::fail(STRUCTIO_ECLOSED, "%s: the file has been closed here", call);
}

file* make(runtime& rt) noexcept {
  auto* f = base::make<file>();
  if (f) f->handle = base::handle_make(base::handle_kind::file, f);
  if (!f || !f->handle) {
    base::destroy(f);
    base::fail(STRUCTIO_ENOMEM, "no memory for a file");
    return nullptr;
  }
  f->rt = &rt;
  f->orphan = [](run_object& self) noexcept { shut(static_cast<file&>(self)); };
  rt.objects.push_back(*f);
  f->idle.claim(rt);
  return f;
}

int open(runtime& rt, const open_request& request, file*& out) noexcept {
  out = nullptr;
  // The object first: a file that is open must not be closed again for want of memory.
  file* f = make(rt);
  if (!f) return STRUCTIO_ENOMEM;
  const std::int64_t result =
      request.may_abandon ? open_abandonable(rt, request) : work(rt, [&request]() noexcept {
        return os::open(request.path, request.flags, request.permissions);
      });
  if (result >= 0) {
    f->descriptor = result;
    out = f;
    return 0;
  }
  free(*f);
  return work_failed(open_call, request.path, result);
}

int adopt(runtime& rt, std::int64_t descriptor, file*& out) noexcept {
  out = make(rt);
  if (!out) return STRUCTIO_ENOMEM;
  out->descriptor = descriptor;
  return 0;
}

int detach(file& f, std::int64_t& descriptor) noexcept {
  constexpr const char* call = "structio_file_detach";
  if (f.closed) return closed(call);
  if (f.under_way > 0) return base::fail(STRUCTIO_EBUSY, "%s: a call is under way", call);
  f.closed = true;
  descriptor = std::exchange(f.descriptor, os::no_descriptor);
  return 0;
}

int close_without_looking(runtime& rt, file& f) noexcept {
  if (std::exchange(f.closed, true)) return 0;
  ++f.references;
  scope quiet;
  scope_set_shield(quiet, true);
  int code = scope_enter(rt, *rt.current, quiet);
  if (code == 0) {
    const int result = close_shielded(rt, f);
    failure* none = nullptr;
    scope_leave(quiet, 0, none);
    code = result;
    if (code < 0) failed("structio_file_close", nullptr, code);
  } else {
    shut(f);
  }
  release(f);
  return code;
}

int close(runtime& rt, file& f) noexcept {
  const int code = close_without_looking(rt, f);
  if (code < 0) return give_way_failing(rt, code);  // what is told otherwise stays to be told
  give_way(rt);
  return cancel_check(rt);
}

void leave(file& f) noexcept {
  if (--f.users == 0) shut(f);
}

void free(file& f) noexcept {
  if (!base::handle_drop(base::handle_kind::file, f.handle)) return;
  f.handle = nullptr;
  leave(f);
  release(f);
}

void release(file& f) noexcept {
  if (--f.references > 0) return;
  if (f.linked()) f.unlink();
  base::destroy(&f);
}

}  // namespace structio::rt::fs
