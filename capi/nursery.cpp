// Nurseries, starting tasks, task handles.
#include "runtime/nursery.hpp"

#include "check.hpp"
#include "runtime/cell.hpp"
#include "runtime/failure.hpp"
#include "runtime/spawn.hpp"

using namespace structio;
using namespace structio::capi;

namespace {

// Stands in the storage of a nursery that could not be opened, so that the usual way out, which
// closes it with the status of opening, returns that status and nothing else.
constexpr std::uint64_t never_opened = 0x6e65766572;

rt::nursery* nursery_in(const structio_nursery* storage, const char* call) noexcept {
  return block<rt::nursery>(storage, call, "nursery");
}

// A nursery in which the calling thread may start tasks.
rt::nursery* home_in(structio_nursery* storage, structio_task_fn fn, const char* call) noexcept {
  rt::nursery* n = nursery_in(storage, call);
  if (!n) return nullptr;
  if (!fn) {
    null_argument(call, "fn");
    return nullptr;
  }
  rt::runtime* r = in_run(call);
  if (!r) return nullptr;
  if (n->state == rt::nursery_state::closed) {
    fail(STRUCTIO_ECLOSED, "%s: the nursery has ended: start tasks before its block is over", call);
    return nullptr;
  }
  if (n->rt != r) {
    other_run(call);
    return nullptr;
  }
  if (n->kind == rt::nursery_kind::hidden) {
    fail(STRUCTIO_EMISUSE, "%s: a task that is being started lives here only until it is ready",
         call);
    return nullptr;
  }
  return n;
}

bool request_from(const structio_task_options* given, structio_task_fn fn, void* arg,
                  rt::spawn_request& request, const char* call) noexcept {
  if (!options_fit(given, call)) return false;
  request.fn = fn;
  request.arg = arg;
  if (!given) return true;
  const structio_task_options options = whole(given);
  request.name = options.name;
  request.stack_size = options.stack_size;
  request.storage_size = options.storage_size;
  request.storage_init = options.storage_init;
  if (options.storage_size > 0 && !options.storage_init) {
    fail(STRUCTIO_EINVALID, "%s: storage_size without storage_init", call);
    return false;
  }
  return true;
}

int close_refused(const rt::nursery& n, const rt::task& self) noexcept {
  constexpr const char* call = "structio_nursery_close";
  if (n.state == rt::nursery_state::closed) {
    return fail(STRUCTIO_EMISUSE, "%s: the nursery was closed before", call);
  }
  if (n.owner != &self) {
    return fail(STRUCTIO_EMISUSE, "%s: the nursery is another task's: who opens it must close it",
                call);
  }
  return 0;
}

[[gnu::noinline]] int start_plainly(rt::nursery& n, structio_task_fn fn, void* arg) noexcept {
  rt::spawn_request request;
  request.fn = fn;
  request.arg = arg;
  rt::task* t = nullptr;
  return rt::nursery_spawn(n, request, t);
}

rt::task_cell* cell_in(structio_task* h, const char* call) noexcept {
  return handle<rt::task_cell>(base::handle_kind::task, h, call);
}

}  // namespace

int structio_nursery_open(structio_nursery* storage) {
  rt::runtime* r = rt::current_runtime();
  const bool usual = storage && r && r->current && r->confined_to == rt::confined::no &&
                     !is_open_block(*r->current, storage);
  if (!usual) [[unlikely]]
    return structio_nursery_open_with(storage, nullptr);
  rt::nursery_open_plain(*r, *r->current, storage);
  return 0;
}

int structio_nursery_open_with(structio_nursery* storage, const structio_scope_options* options) {
  constexpr const char* call = "structio_nursery_open";
  static_assert(sizeof(rt::nursery) <= sizeof(structio_nursery));
  if (!storage) return null_argument(call, "nursery");
  rt::runtime* r = in_body(call);
  if (r && is_open_block(*r->current, storage)) {
    return fail(STRUCTIO_EMISUSE, "%s: the nursery is open already: close it first", call);
  }
  storage->opaque[0] = never_opened;
  if (!r) return refused();
  auto& n = *new (storage) rt::nursery;
  int code = 0;
  if (options) code = structio_scope_init(structio_nursery_scope(storage), options);
  if (code == 0) code = rt::nursery_open(*r, n, rt::nursery_kind::user);
  if (code != 0) storage->opaque[0] = never_opened;
  return code;
}

namespace {

// The usual case, in which there is nothing to refuse and nothing in flight.
bool closes_well(const rt::runtime* r, const structio_nursery* storage, int status,
                 structio_failure* const* failure) noexcept {
  if (!r || !r->current || r->confined_to != rt::confined::no || status < 0) return false;
  const rt::task& self = *r->current;
  const rt::nursery* n = self.open_nurseries;
  return n && n == reinterpret_cast<const rt::nursery*>(storage) &&
         n->magic == rt::nursery::magic_value && self.innermost == &n->around &&
         !n->around.pinned && (failure ? !*failure : !self.in_flight);
}

void hand_over(rt::task& self, rt::failure* f, structio_failure** failure) noexcept {
  if (failure) {
    *failure = f ? static_cast<structio_failure*>(f->handle) : nullptr;
  } else {
    self.in_flight = f;
  }
}

[[gnu::noinline]] int close_with_care(structio_nursery* storage, int status,
                                      structio_failure** failure) noexcept {
  constexpr const char* call = "structio_nursery_close";
  if (storage && storage->opaque[0] == never_opened && status < 0) return status;
  rt::nursery* n = nursery_in(storage, call);
  if (!n) return refused();
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  if (n->around.abandoned) {  // an outer one was closed before it, which has been reported
    n->around.abandoned = false;
    return status;
  }
  rt::task& self = *r->current;
  if (const int code = close_refused(*n, self)) return code;
  if (const int code = calls_inside(n->around, self, call)) return code;
  rt::failure* f = nullptr;
  if (!failure) {
    f = self.in_flight;
    self.in_flight = nullptr;
  } else if (*failure && !(f = handle<rt::failure>(base::handle_kind::failure, *failure, call))) {
    status = refused();  // the body has failed all the same, and the children must be awaited
  }
  const bool misnested = self.innermost != &n->around;
  if (misnested) {
    rt::scopes_abandon(self, &n->around);
    rt::failure_drop(f);
    status =
        fail(STRUCTIO_EMISUSE,
             "%s: a scope or nursery inside it is still open: leave the inner one first", call);
  }
  int result = rt::nursery_close(*n, status, f);
  if (misnested) result = rt::unwrap_only(result, f);
  hand_over(self, f, failure);
  return result;
}

}  // namespace

int structio_nursery_close(structio_nursery* storage, int status, structio_failure** failure) {
  rt::runtime* r = rt::current_runtime();
  if (!closes_well(r, storage, status, failure)) [[unlikely]]
    return close_with_care(storage, status, failure);
  rt::task& self = *r->current;
  rt::nursery& n = *self.open_nurseries;
  if (rt::nursery_close_well(*r, self, n)) [[likely]]
    return 0;
  rt::failure* f = nullptr;
  const int result = rt::nursery_sum_up(n, f);
  hand_over(self, f, failure);
  return result;
}

structio_scope* structio_nursery_scope(structio_nursery* storage) {
  rt::nursery* n = nursery_in(storage, "structio_nursery_scope");
  return n ? reinterpret_cast<structio_scope*>(&n->around) : nullptr;
}

int structio_nursery_start_soon(structio_nursery* storage, structio_task_fn fn, void* arg) {
  rt::nursery* n = home_in(storage, fn, "structio_nursery_start_soon");
  if (!n) return refused();
  return rt::nursery_spawn_quickly(*n, fn, arg) ? 0 : start_plainly(*n, fn, arg);
}

int structio_nursery_spawn(structio_nursery* storage, const structio_task_options* options,
                           structio_task_fn fn, void* arg) {
  constexpr const char* call = "structio_nursery_spawn";
  rt::nursery* n = home_in(storage, fn, call);
  rt::spawn_request request;
  if (!n || !request_from(options, fn, arg, request, call)) return refused();
  rt::task* t = nullptr;
  return rt::nursery_spawn(*n, request, t);
}

int structio_nursery_start(structio_nursery* storage, const structio_task_options* options,
                           structio_task_fn fn, void* arg, void** value) {
  constexpr const char* call = "structio_nursery_start";
  rt::nursery* n = home_in(storage, fn, call);
  rt::spawn_request request;
  if (!n || !request_from(options, fn, arg, request, call)) return refused();
  rt::runtime* r = in_task(call);
  return r ? rt::nursery_start(*r, *n, request, value) : refused();
}

int structio_started(void* value) {
  rt::runtime* r = in_body("structio_started");
  return r ? rt::task_started(*r, value) : refused();
}

int structio_nursery_start_service(structio_nursery* storage, const structio_task_options* options,
                                   structio_task_fn fn, void* arg) {
  constexpr const char* call = "structio_nursery_start_service";
  rt::nursery* n = home_in(storage, fn, call);
  rt::spawn_request request;
  if (!n || !request_from(options, fn, arg, request, call)) return refused();
  rt::task* t = nullptr;
  return rt::nursery_spawn_with_cell(*n, request, true, t);
}

int structio_nursery_start_task(structio_nursery* storage, const structio_task_options* options,
                                structio_task_fn fn, void* arg, structio_task** out) {
  constexpr const char* call = "structio_nursery_start_task";
  if (!out) return null_argument(call, "handle");
  *out = nullptr;
  rt::nursery* n = home_in(storage, fn, call);
  rt::spawn_request request;
  if (!n || !request_from(options, fn, arg, request, call)) return refused();
  // The handle before the task: once a task is ready there is no way back.
  void* h = base::handle_make(base::handle_kind::task, nullptr);
  if (!h) return fail(STRUCTIO_ENOMEM, "%s: no memory for a handle", call);
  rt::task* t = nullptr;
  if (const int code = rt::nursery_spawn_with_cell(*n, request, false, t)) {
    base::handle_drop(base::handle_kind::task, h);
    return code;
  }
  base::handle_assign(h, t->cell);
  ++t->cell->references;
  *out = static_cast<structio_task*>(h);
  return 0;
}

int structio_task_join(structio_task* task, structio_failure** failure) {
  constexpr const char* call = "structio_task_join";
  if (failure) *failure = nullptr;
  rt::task_cell* cell = cell_in(task, call);
  if (!cell) return refused();
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  if (cell->rt && cell->rt != r) return other_run(call);
  ++cell->references;  // the handle may be freed while we wait
  int code = rt::cell_join(*r, *cell);
  if (code == 0) {
    code = cell->status;
    if (failure && cell->why) {
      *failure = static_cast<structio_failure*>(rt::failure_retain(cell->why)->handle);
    }
  }
  rt::cell_release(*cell);
  return code;
}

int structio_task_cancel(structio_task* task, const char* reason) {
  constexpr const char* call = "structio_task_cancel";
  rt::task_cell* cell = cell_in(task, call);
  if (!cell) return refused();
  rt::runtime* r = in_run(call);
  if (!r) return refused();
  if (cell->rt && cell->rt != r) return other_run(call);
  if (!cell->done) {
    rt::scope_cancel(cell->own, rt::cancel_source::explicit_call, r->current, reason);
  }
  return 0;
}

int structio_task_done(structio_task* task) {
  const rt::task_cell* cell = cell_in(task, "structio_task_done");
  return cell ? cell->done : refused();
}

int structio_task_get_id(structio_task* task, structio_task_id* id) {
  constexpr const char* call = "structio_task_get_id";
  const rt::task_cell* cell = cell_in(task, call);
  if (!cell) return refused();
  if (!id) return null_argument(call, "id");
  *id = cell->id;
  return 0;
}

int structio_task_free(structio_task* task) {
  constexpr const char* call = "structio_task_free";
  if (!task) return 0;
  rt::task_cell* cell = cell_in(task, call);
  if (!cell) return refused();
  if (cell->rt && cell->rt != rt::current_runtime()) return other_run(call);
  if (!base::handle_drop(base::handle_kind::task, task)) return refused();
  rt::cell_release(*cell);
  return 0;
}

int structio_start_system_task(const structio_task_options* options, structio_task_fn fn,
                               void* arg) {
  constexpr const char* call = "structio_start_system_task";
  if (!fn) return null_argument(call, "fn");
  rt::runtime* r = in_run(call);
  rt::spawn_request request;
  if (!r || !request_from(options, fn, arg, request, call)) return refused();
  rt::task* t = nullptr;
  return rt::system_spawn(*r, request, t);
}
