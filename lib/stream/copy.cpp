// The loop, and two of them in a nursery.
#include "stream/copy.hpp"

#include <cstdlib>
#include <new>

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/failure.hpp"
#include "runtime/nursery.hpp"
#include "runtime/wait.hpp"

namespace structio::rt::stream {
namespace {

struct direction {
  byte_stream* from;
  byte_stream* to;
  copy_request request;
  std::uint64_t* moved;
};

int copy_and_end(void* arg) {
  const direction d = *static_cast<direction*>(arg);
  runtime& rt = *current_runtime();
  if (const int code = copy(rt, *d.from, *d.to, d.request, *d.moved)) return code;
  return d.to->table->send_eof ? send_eof(rt, *d.to) : 0;
}

int start(nursery& n, const direction& d, const char* name) noexcept {
  spawn_request spawn;
  spawn.fn = copy_and_end;
  spawn.arg = const_cast<direction*>(&d);
  spawn.name = name;
  spawn.storage_size = sizeof d;
  spawn.storage_init = [](void* storage, void* from) {
    new (storage) direction(*static_cast<direction*>(from));
  };
  task* t = nullptr;
  return nursery_spawn(n, spawn, t);
}

}  // namespace

int copy(runtime& rt, byte_stream& from, byte_stream& to, const copy_request& request,
         std::uint64_t& moved) noexcept {
  moved = 0;
  void* buffer = base::allocate(request.buffer_size);
  if (!buffer) return base::fail(STRUCTIO_ENOMEM, "no memory for a copy's buffer");
  int code = 0;
  while (code == 0 && moved < request.limit) {
    const std::uint64_t left = request.limit - moved;
    const std::size_t size =
        left < request.buffer_size ? static_cast<std::size_t>(left) : request.buffer_size;
    const std::int64_t got = receive_some(rt, from, buffer, size);
    if (got <= 0) {
      code = static_cast<int>(got);
      break;
    }
    code = send_all(rt, to, buffer, static_cast<std::size_t>(got));
    if (code == 0) moved += static_cast<std::uint64_t>(got);
  }
  base::release(buffer);
  return code;
}

int proxy(runtime& rt, byte_stream& a, byte_stream& b, const copy_request& request,
          std::uint64_t& a_to_b, std::uint64_t& b_to_a) noexcept {
  a_to_b = b_to_a = 0;
  nursery both;
  if (const int code = nursery_open(rt, both, nursery_kind::hidden)) return code;
  int status = start(both, {&a, &b, request, &a_to_b}, "proxy: there");
  if (status == 0) status = start(both, {&b, &a, request, &b_to_a}, "proxy: back");
  failure* f = nullptr;
  status = nursery_close(both, status, f);
  status = unwrap_only(status, f);
  if (!f) return status;
  task& self = *rt.current;
  failure_release(self.in_flight);
  self.in_flight = f;
  if (status != STRUCTIO_ECANCELLED) {
    char line[300];
    failure_one_line(*f, line, sizeof line);
    base::fail(status, "%s", line);
  }
  return status;
}

}  // namespace structio::rt::stream
