// Channels between runs.
#include <structio/structio_remote.h>

#include "check.hpp"
#include "sync/channel.hpp"
#include "thread/remote_sender.hpp"

using namespace structio;
using namespace structio::capi;

namespace {

rt::thread::remote_sender* remote_in(const structio_remote_sender* h, const char* call) noexcept {
  return handle<rt::thread::remote_sender>(base::handle_kind::remote_sender, h, call);
}

}  // namespace

int structio_remote_sender_new(structio_sender* tx, structio_remote_sender** out) {
  constexpr const char* call = "structio_remote_sender_new";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  auto* end = handle<rt::channel_end>(base::handle_kind::sender, tx, call);
  rt::runtime* r = end ? in_run(call) : nullptr;
  if (!r) return refused();
  if (end->of->rt != r) return other_run(call);
  rt::thread::remote_sender* made = nullptr;
  if (const int code = rt::thread::remote_sender_make(*r, *end, made)) return code;
  void* h = base::handle_make(base::handle_kind::remote_sender, made);
  if (!h) {
    rt::thread::remote_sender_free(*made);
    return fail(STRUCTIO_ENOMEM, "%s: no memory", call);
  }
  *out = static_cast<structio_remote_sender*>(h);
  return 0;
}

int structio_remote_sender_send(structio_remote_sender* h, void* item) {
  constexpr const char* call = "structio_remote_sender_send";
  if (!item) return null_argument(call, "item");
  rt::thread::remote_sender* remote = remote_in(h, call);
  if (!remote) return refused();
  rt::runtime* r = rt::current_runtime();
  if (r && !in_task(call)) return refused();
  return rt::thread::remote_send(*remote, r, item);
}

int structio_remote_sender_free(structio_remote_sender* h) {
  if (!h) return 0;
  auto* remote = static_cast<rt::thread::remote_sender*>(
      base::handle_drop(base::handle_kind::remote_sender, h));
  if (!remote) {
    return fail(STRUCTIO_ESTALE, "structio_remote_sender_free: the handle was freed before");
  }
  rt::thread::remote_sender_free(*remote);
  return 0;
}
