// Sending into a channel of another run: from plain threads, which block, and from tasks of other
// runs, which park. The channel itself is only ever touched on its own run's thread, where each
// item arrives by a post: what can go goes at once, what has to wait is waited for by a system task
// there.
//
// Always true: an item is the sender's until the call has succeeded; each send that was accepted by
// the portal is answered exactly once.
#pragma once

#include <atomic>
#include <cstdint>

#include "runtime/portal.hpp"
#include "runtime/run_object.hpp"

namespace structio::rt {
struct channel_end;
}

namespace structio::rt::thread {

struct remote_sender : run_object {
  struct farewell : post_node {
    remote_sender* of = nullptr;
  } bye;
  portal_core* core = nullptr;
  channel_end* end = nullptr;                ///< its own; null once it is closed; the run's thread
  std::atomic<std::uint32_t> references{2};  ///< of the handle and of the run
};

/// One for the sending end `tx` of a channel of the calling run. 0, STRUCTIO_ECLOSED,
/// STRUCTIO_ENOMEM.
int remote_sender_make(runtime& rt, const channel_end& tx, remote_sender*& out) noexcept;

/// See structio_remote_sender_send. `rt`: the run whose task is calling; null: a plain thread.
int remote_send(remote_sender& remote, runtime* rt, void* item) noexcept;

/// The handle is gone. Any thread.
void remote_sender_free(remote_sender& remote) noexcept;

}  // namespace structio::rt::thread
