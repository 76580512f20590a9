// Two ways to learn of an end, behind one operation.
#include "process/end_watch.hpp"

#include <atomic>

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "process/posix_child.hpp"
#include "reactor/uv_readiness.hpp"
#include "runtime/portal.hpp"
#include "thread/thread_cache.hpp"

namespace structio::rt::process {

// Comes back by a post; when the run has ended meanwhile, not at all: it may do so before the
// notice is given up, and so the two share it.
struct end_thread : post_node, thread::cache_job {
  portal_core* core = nullptr;
  std::int64_t pid = 0;
  end_notice* of = nullptr;   ///< the run's thread only; null: nobody wants to know any more
  std::atomic<int> users{2};  ///< the thread, and the notice

  void release() noexcept {
    if (users.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
    core->release();
    base::destroy(this);
  }

  static void arrived(runtime&, post_node& node) noexcept {
    auto& self = static_cast<end_thread&>(node);
    if (end_notice* notice = self.of) {
      notice->thread_ = nullptr;
      self.release();
      if (notice->by_thread_) notice->tell();
    }
    self.release();
  }
};

end_notice::end_notice(void (*told)(void* arg) noexcept, void* arg) noexcept
    : told_(told), arg_(arg) {
  done = [](reactor::operation& self, std::int64_t) noexcept {
    static_cast<end_notice&>(self).tell();
  };
}

// It has been taken off by whoever tells.
void end_notice::tell() noexcept {
  if (by_thread_) current_runtime()->door->outside.fetch_sub(1, std::memory_order_relaxed);
  begun_ = by_thread_ = false;
  told_(arg_);
}

int end_notice::begin(runtime& rt, std::int64_t pid, int pidfd) noexcept {
  if (begun_) return 0;
  int code = STRUCTIO_EUNSUPPORTED;
  if (pidfd >= 0) code = reactor::readiness_begin(rt.kernel, pidfd, reactor::ready_to_read, *this);
  if (code != 0) code = begin_thread(rt, pid);
  if (code == 0) begun_ = true;
  return code;
}

int end_notice::begin_thread(runtime& rt, std::int64_t pid) noexcept {
  if (!thread_) {
    auto* made = base::make<end_thread>();
    if (!made) return base::fail(STRUCTIO_ENOMEM, "no memory to wait for a child process");
    made->run = end_thread::arrived;
    made->core = rt.door;
    made->pid = pid;
    made->of = this;
    made->work = [](thread::cache_job& self) noexcept {
      block_until_ended(static_cast<end_thread&>(self).pid);
    };
    made->deliver = [](thread::cache_job& self) noexcept {
      auto& one = static_cast<end_thread&>(self);
      if (!one.core->post(one)) one.release();
    };
    thread::os_thread_name(made->name, "wait for child");
    rt.door->retain();
    if (const int code = thread::cache_submit(*made)) {
      made->release();
      made->release();
      return base::fail(code, "no thread to wait for a child process");
    }
    thread_ = made;
  }
  // For the run this is somebody outside who may still call.
  rt.door->outside.fetch_add(1, std::memory_order_relaxed);
  by_thread_ = true;
  return 0;
}

void end_notice::end(runtime& rt, int pidfd) noexcept {
  if (!begun_) return;
  begun_ = false;
  if (by_thread_) {
    by_thread_ = false;
    rt.door->outside.fetch_sub(1, std::memory_order_relaxed);
  } else {
    reactor::readiness_cancel(rt.kernel, pidfd, reactor::ready_to_read, *this);
  }
}

void end_notice::give_up(runtime& rt, int pidfd) noexcept {
  end(rt, pidfd);
  if (thread_) {
    thread_->of = nullptr;
    thread_->release();
  }
  thread_ = nullptr;
  if (pidfd >= 0) reactor::readiness_closing(rt.kernel, pidfd);
}

}  // namespace structio::rt::process
