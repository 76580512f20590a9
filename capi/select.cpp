// Select: the caller's cases as branches of the library, each in its own opaque part.
#include "sync/select.hpp"

#include <structio/structio_select.h>

#include <cstdio>

#include "check.hpp"
#include "item.hpp"
#include "reactor/ready_set.hpp"
#include "sync_block.hpp"

using namespace structio;
using namespace structio::capi;

namespace {

constexpr const char* call = "structio_select";

static_assert(sizeof(rt::select_branch) <= sizeof(structio_select_case::opaque));
static_assert(alignof(rt::select_branch) <= alignof(structio_select_case));

// Each of these makes a branch of one kind, switched on or left off; 0, or a code with a message.

int as_channel(const structio_select_case& c, rt::runtime& r, rt::select_branch& b,
               rt::select_kind kind) noexcept {
  if (!c.object) return 0;
  const bool receives = kind == rt::select_kind::receive;
  auto* end = handle<rt::channel_end>(
      receives ? base::handle_kind::receiver : base::handle_kind::sender, c.object, call);
  if (!end) return refused();
  if (end->of->rt != &r) return wrong_run(end->of->rt, call);
  if (!c.item) return null_argument(call, "item");
  b.kind = kind;
  b.end = end;
  b.place.item = c.item;
  return 0;
}

int as_event(const structio_select_case& c, rt::select_branch& b) noexcept {
  if (!c.object) return 0;
  const auto e = find_for_task<event>(static_cast<const structio_event*>(c.object), call);
  if (!e) return refused();
  b.kind = rt::select_kind::event;
  b.event = e.object;
  return 0;
}

int as_end(const structio_select_case& c, rt::runtime& r, rt::select_branch& b) noexcept {
  if (!c.object) return 0;
  auto* cell = handle<rt::task_cell>(base::handle_kind::task, c.object, call);
  if (!cell) return refused();
  if (cell->rt && cell->rt != &r) return other_run(call);
  if (cell->id == r.current->id()) {
    return fail(STRUCTIO_EMISUSE, "%s: a task cannot wait for its own end", call);
  }
  b.kind = rt::select_kind::end;
  b.cell = cell;
  return 0;
}

int as_moment(std::int64_t moment, rt::select_branch& b) noexcept {
  if (moment == STRUCTIO_FOREVER) return 0;
  b.kind = rt::select_kind::moment;
  b.moment = moment;
  return 0;
}

int as_descriptor(const structio_select_case& c, rt::select_branch& b,
                  std::uint8_t direction) noexcept {
  b.kind = rt::select_kind::descriptor;
  b.descriptor = c.descriptor;
  b.direction = direction;
  return 0;
}

int make_branch(const structio_select_case& c, rt::runtime& r, rt::select_branch& b) noexcept {
  switch (c.kind) {
    case STRUCTIO_SELECT_NONE: return 0;
    case STRUCTIO_SELECT_RECEIVE: return as_channel(c, r, b, rt::select_kind::receive);
    case STRUCTIO_SELECT_SEND: return as_channel(c, r, b, rt::select_kind::send);
    case STRUCTIO_SELECT_EVENT: return as_event(c, b);
    case STRUCTIO_SELECT_MOMENT: return as_moment(c.moment, b);
    case STRUCTIO_SELECT_TIMEOUT:
      if (c.moment < 0) return fail(STRUCTIO_EINVALID, "%s: the timeout is negative", call);
      return as_moment(base::deadline_after(r.now(), c.moment), b);
    case STRUCTIO_SELECT_READABLE: return as_descriptor(c, b, reactor::ready_to_read);
    case STRUCTIO_SELECT_WRITABLE: return as_descriptor(c, b, reactor::ready_to_write);
    case STRUCTIO_SELECT_END: return as_end(c, r, b);
    default: return fail(STRUCTIO_EINVALID, "%s: there is no kind of number %u", call, c.kind);
  }
}

// The last message, with the case that it is about.
int in_case(std::size_t index, int code) noexcept {
  char text[320];
  std::snprintf(text, sizeof text, "%s", base::last_message());
  return fail(code, "%s (in case %zu)", text, index);
}

}  // namespace

int64_t structio_select(structio_select_case* cases, size_t count,
                        const structio_select_options* given) {
  if (!cases && count > 0) return null_argument(call, "cases");
  if (!options_fit(given, call)) return refused();
  const structio_select_options options = whole(given);
  if (options.flags & ~(STRUCTIO_SELECT_NOWAIT | STRUCTIO_SELECT_IN_ORDER)) {
    return fail(STRUCTIO_EINVALID, "%s: unknown flags %#x", call, options.flags);
  }
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  for (std::size_t i = 0; i < count; ++i) {
    auto& branch = *new (cases[i].opaque) rt::select_branch;
    if (const int code = make_branch(cases[i], *r, branch)) return in_case(i, code);
  }
  rt::select_request request;
  request.branches.first = cases ? reinterpret_cast<std::byte*>(cases->opaque) : nullptr;
  request.branches.stride = sizeof *cases;
  request.branches.count = count;
  request.wait = !(options.flags & STRUCTIO_SELECT_NOWAIT);
  request.in_order = (options.flags & STRUCTIO_SELECT_IN_ORDER) != 0;
  int status = 0;
  const std::int64_t taken = rt::select(*r, request, status);
  if (taken >= 0) cases[taken].status = status;
  return taken;
}
