// There by a post of the request, back by a post to the sender's run or by waking his thread; and a
// second post there when the sender is cancelled meanwhile.
#include "thread/remote_sender.hpp"

#include <utility>

#include "base/handle_table.hpp"
#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/failure.hpp"
#include "runtime/runtime.hpp"
#include "runtime/wait.hpp"
#include "sync/channel.hpp"
#include "thread/os_thread.hpp"

namespace structio::rt::thread {
namespace {

struct request;

struct request_node : post_node {
  request* of = nullptr;
};

struct request {
  remote_sender* remote = nullptr;
  void* item = nullptr;
  request_node there;
  request_node cancel;
  request_node back;

  // The channel's run only.
  scope* waits_in = nullptr;  ///< of the system task that waits
  bool unwanted = false;

  int status = 0;
  portal_core* home = nullptr;  ///< of the run that sends; null: a plain thread
  task* sender = nullptr;
  std::atomic<std::uint32_t> references{1};  ///< of a request on the heap

  os_lock lock;
  os_condition answered;
  bool is_answered = false;
};

void let_go(request& r) noexcept {
  if (r.references.fetch_sub(1, std::memory_order_acq_rel) == 1) base::destroy(&r);
}

// The last that the channel's run does with a request.
void answer(request& r, int status) noexcept {
  r.status = status;
  if (r.home) {
    r.home->post(r.back);  // its task waits, so that run lives
    return;
  }
  const os_guard held(r.lock);
  r.is_answered = true;
  r.answered.signal();
}

int wait_to_send(runtime& rt, request& r) noexcept {
  if (r.unwanted) return STRUCTIO_ECANCELLED;
  scope around;
  if (const int code = scope_enter(rt, *rt.current, around)) return code;
  r.waits_in = &around;
  const int code = channel_send(rt, *r.remote->end, r.item);
  r.waits_in = nullptr;
  failure* none = nullptr;
  scope_leave(around, code, none);
  // What is cancelled from elsewhere is the run, which is ending.
  return code == STRUCTIO_ECANCELLED && !r.unwanted ? STRUCTIO_ERUNFINISHED : code;
}

int system_body(void* arg) noexcept {
  auto& r = *static_cast<request*>(arg);
  answer(r, wait_to_send(*current_runtime(), r));
  return 0;
}

void arrived(runtime& rt, post_node& node) noexcept {
  request& r = *static_cast<request_node&>(node).of;
  if (rt.ending) return answer(r, STRUCTIO_ERUNFINISHED);
  const int code = channel_try_send(*r.remote->end, r.item);
  if (code != STRUCTIO_EWOULDBLOCK) return answer(r, code);
  spawn_request waiting;
  waiting.fn = system_body;
  waiting.arg = &r;
  waiting.name = "remote sender";
  task* made = nullptr;
  if (const int failed = system_spawn(rt, waiting, made)) answer(r, failed);
}

void cancelled(runtime&, post_node& node) noexcept {
  request& r = *static_cast<request_node&>(node).of;
  r.unwanted = true;
  if (r.waits_in) {
    scope_cancel(*r.waits_in, cancel_source::explicit_call, nullptr, "the sender was cancelled");
  }
  let_go(r);
}

void came_back(runtime&, post_node& node) noexcept {
  request& r = *static_cast<request_node&>(node).of;
  wake(*r.sender, r.status);
}

// The abort function of the task that sends: what is under way is asked back, and waited for.
int ask_back(void* arg) noexcept {
  auto& r = *static_cast<request*>(arg);
  r.references.fetch_add(1, std::memory_order_relaxed);
  if (!r.remote->core->post(r.cancel)) let_go(r);
  return abort_later;
}

void prepare(request& r, remote_sender& remote, void* item) noexcept {
  r.remote = &remote;
  r.item = item;
  r.there.run = arrived;
  r.cancel.run = cancelled;
  r.back.run = came_back;
  r.there.of = r.cancel.of = r.back.of = &r;
}

int explain(int status) noexcept {
  if (status == STRUCTIO_ERUNFINISHED) {
    return base::fail(status, "the run that the channel belongs to is ending or has ended");
  }
  return status < 0 ? channel_explain(channel_side::sending, status) : status;
}

int send_from_thread(remote_sender& remote, void* item) noexcept {
  request r;
  prepare(r, remote, item);
  if (!remote.core->post(r.there)) return explain(STRUCTIO_ERUNFINISHED);
  const os_guard held(r.lock);
  while (!r.is_answered) r.answered.wait(r.lock);
  return explain(r.status);
}

int send_from_task(runtime& rt, remote_sender& remote, void* item) noexcept {
  auto* r = base::make<request>();
  if (!r) return base::fail(STRUCTIO_ENOMEM, "no memory for a message to another run");
  prepare(*r, remote, item);
  r->home = rt.door;
  r->sender = rt.current;
  if (!remote.core->post(r->there)) {
    let_go(*r);
    give_way(rt);
    return explain(STRUCTIO_ERUNFINISHED);
  }
  rt.door->outside.fetch_add(1, std::memory_order_relaxed);  // the other run will answer
  int status = static_cast<int>(park(rt, "a channel of another run", ask_back, r));
  rt.door->outside.fetch_sub(1, std::memory_order_relaxed);
  let_go(*r);
  if (status == STRUCTIO_ECANCELLED && rt.current->wait.abort_asked) {
    return take_abort(*rt.current);
  }
  return explain(status);
}

void end_in_run(remote_sender& remote) noexcept {
  channel_end* e = std::exchange(remote.end, nullptr);
  base::handle_drop(base::handle_kind::sender, e->handle);
  channel_free(*e);
}

void release(remote_sender& remote) noexcept {
  if (remote.references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  remote.core->release();
  base::destroy(&remote);
}

void said_farewell(runtime&, post_node& node) noexcept {
  remote_sender& remote = *static_cast<remote_sender::farewell&>(node).of;
  remote.unlink();
  end_in_run(remote);
  release(remote);
}

}  // namespace

int remote_sender_make(runtime& rt, const channel_end& tx, remote_sender*& out) noexcept {
  auto* made = base::make<remote_sender>();
  if (!made) return base::fail(STRUCTIO_ENOMEM, "no memory for a remote sender");
  if (const int code = channel_clone(tx, made->end)) {
    base::destroy(made);
    return code;
  }
  made->bye.run = said_farewell;
  made->bye.of = made;
  made->core = rt.door;
  made->core->retain();
  made->core->outside.fetch_add(1, std::memory_order_relaxed);
  made->rt = &rt;
  made->frees_itself = true;
  made->orphan = [](run_object& self) noexcept {
    auto& remote = static_cast<remote_sender&>(self);
    end_in_run(remote);
    release(remote);
  };
  rt.objects.push_back(*made);
  out = made;
  return 0;
}

int remote_send(remote_sender& remote, runtime* rt, void* item) noexcept {
  if (!rt) return send_from_thread(remote, item);
  if (rt->door == remote.core) return channel_send(*rt, *remote.end, item);
  if (const int code = cancel_check(*rt)) return code;
  return send_from_task(*rt, remote, item);
}

void remote_sender_free(remote_sender& remote) noexcept {
  // Refused: the run is ending, and takes its end away by itself.
  remote.core->post(remote.bye);
  remote.core->let_go();
  release(remote);
}

}  // namespace structio::rt::thread
