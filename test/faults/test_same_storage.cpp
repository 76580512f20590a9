// Storage that a user's function has left behind: a scope that was entered in a frame which is gone
// lies where a later call has its own. White-box, since only the inside knows where that will be.
#include "runtime/runtime.hpp"
#include "support/c_blocks.hpp"
#include "support/catch.hpp"

using namespace c_tasks;

namespace {

const void* place = nullptr;  // where structio_move_on_after keeps its scope, called from `call_it`
bool reached = false;

int look(void*) {
  reached = true;
  place = structio::rt::current_runtime()->current->innermost;
  return 0;
}

[[gnu::noinline]] int call_it() {
  volatile char above[256];  // the frame of the call lies in the midst of what `covers` covers
  above[0] = 0;
  const int status = structio_move_on_after(STRUCTIO_SECONDS(1), look, nullptr, nullptr);
  asm volatile("" ::"r"(above) : "memory");  // this frame stays as long as the call lasts
  return status;
}

// Enters a scope at that place, and leaves it open.
[[gnu::noinline]] int leave_open_there() {
  alignas(64) volatile char covers[4096];
  covers[0] = 0;
  auto* there = static_cast<structio_scope*>(const_cast<void*>(place));
  const int made = structio_scope_init(there, nullptr);
  const int status = made == 0 ? structio_scope_enter(there) : made;
  asm volatile("" ::"r"(covers) : "memory");
  return status;
}

}  // namespace

TEST_CASE("a timeout is refused where its scope would lie upon one that was left open",
          "[native]") {
  int first = -1, left_open = -1, second = 0;
  const int status = run([&] {
    first = call_it();
    left_open = leave_open_there();
    reached = false;
    second = call_it();
    return 0;
  });
  CHECK(first == 0);
  CHECK(left_open == 0);
  CHECK(second == STRUCTIO_EMISUSE);
  CHECK_FALSE(reached);
  CHECK(status == STRUCTIO_EMISUSE);  // for the scope that the main task has not left
}
