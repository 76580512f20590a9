// Copying from and to the pipes of a child.
#include "process/capture.hpp"

#include <cstdlib>
#include <new>

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"

namespace structio::rt::process {
namespace {

struct direction {
  transfers* of;
  int number;
};

bool grow(captured& to) noexcept {
  const std::size_t room = to.room < 4096 ? 4096 : to.room * 2;
  auto* larger = static_cast<char*>(base::reallocate(to.data, room));
  if (!larger) return false;
  to.data = larger;
  to.room = room;
  return true;
}

// The child may end without having read it all: that is its own business.
int feed(transfers& t, stream::byte_stream& to) noexcept {
  const int code =
      stream::send_all(*current_runtime(), to, t.request->input, t.request->input_size);
  return code == STRUCTIO_EBROKEN || code == STRUCTIO_ECLOSED ? 0 : code;
}

int take(transfers& t, stream::byte_stream& from, captured& to) noexcept {
  const std::size_t limit = t.request->capture_limit;
  for (;;) {
    if (to.room - to.size < 1024 && !grow(to)) {
      return base::fail(STRUCTIO_ENOMEM, "no memory for what %s writes", t.of->name);
    }
    const std::int64_t got =
        stream::receive_some(*current_runtime(), from, to.data + to.size, to.room - to.size - 1);
    if (got == 0 || got == STRUCTIO_ECLOSED || got == STRUCTIO_EBROKEN) return 0;
    if (got < 0) return static_cast<int>(got);
    to.size += static_cast<std::size_t>(got);
    to.data[to.size] = 0;
    if (limit == 0 || to.size <= limit) continue;
    to.size = limit;
    to.data[limit] = 0;
    t.over_limit = true;
    scope_cancel(t.home->around, cancel_source::explicit_call, current_runtime()->current,
                 "a program has written more than the limit");
    return 0;
  }
}

int transfer(void* arg) {
  const direction self = *static_cast<direction*>(arg);
  transfers& t = *self.of;
  stream::byte_stream* s = pipe_of(*t.of, self.number);
  if (!s) return 0;
  const int code = self.number == 0 ? feed(t, *s) : take(t, *s, t.result->outputs[self.number - 1]);
  // Which is the end for a child that reads, and tells one that writes on that nobody listens.
  if ((s = pipe_of(*t.of, self.number))) stream::free(*s);
  return code;
}

int begin(transfers& t, int number, const char* name) noexcept {
  direction one{&t, number};
  spawn_request spawn;
  spawn.fn = transfer;
  spawn.arg = &one;
  spawn.name = name;
  spawn.storage_size = sizeof one;
  spawn.storage_init = [](void* storage, void* from) {
    new (storage) direction(*static_cast<direction*>(from));
  };
  task* made = nullptr;
  return nursery_spawn(*t.home, spawn, made);
}

}  // namespace

int begin_transfers(transfers& t) noexcept {
  for (int i = 0; i < 2; ++i) {
    if (!t.request->capture[i]) continue;
    captured& to = t.result->outputs[i];
    if (!grow(to)) return base::fail(STRUCTIO_ENOMEM, "no memory for what a program writes");
    to.data[0] = 0;
    if (const int code = begin(t, i + 1, i == 0 ? "capture stdout" : "capture stderr")) return code;
  }
  return t.request->input_size > 0 ? begin(t, 0, "feed stdin") : 0;
}

}  // namespace structio::rt::process
