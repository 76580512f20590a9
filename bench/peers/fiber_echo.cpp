// Boost.Fiber's echo server on Asio: the scheduler of each thread waits in the io_context whenever
// no fiber is ready, and completion handlers make fibers ready again. Ends on SIGTERM.
#include <boost/fiber/algo/algorithm.hpp>
#include <boost/fiber/all.hpp>
#include <boost/fiber/pooled_fixedsize_stack.hpp>
#include <memory>

#include "asio_net.hpp"

namespace fibers = boost::fibers;
using socket_type = net::basic_stream_socket<net::ip::tcp, executor>;
using acceptor_type = net::basic_socket_acceptor<net::ip::tcp, executor>;

static net::io_context loop(ASIO_CONCURRENCY_HINT_UNSAFE);  // one thread: no locks

// Round robin. The usual integration runs the loop in a fiber of its own and polls between fibers;
// waiting here instead costs no fiber, and no system call while events of the last wait are left.
class asio_round_robin : public fibers::algo::algorithm {
 public:
  void awakened(fibers::context* ready) noexcept override { ready->ready_link(ready_); }
  fibers::context* pick_next() noexcept override {
    if (ready_.empty()) return nullptr;
    fibers::context* first = &ready_.front();
    ready_.pop_front();
    return first;
  }
  bool has_ready_fibers() const noexcept override { return !ready_.empty(); }
  // One handler: the fiber that it wakes runs at once, while its data are warm.
  void suspend_until(const std::chrono::steady_clock::time_point& until) noexcept override {
    if (until == std::chrono::steady_clock::time_point::max()) {
      loop.run_one();
    } else {
      loop.run_one_until(until);
    }
  }
  void notify() noexcept override {}  // only for other threads

 private:
  fibers::scheduler::ready_queue_type ready_;
};

struct outcome {
  error_code error;
  std::size_t count = 0;
};

// Starts an operation and waits for its handler, which never runs within the start.
template <class Start>
static outcome await(Start start) {
  outcome result;
  fibers::context* self = fibers::context::active();
  start([&result, self](error_code error, std::size_t count = 0) {
    result = {error, count};
    fibers::context::active()->schedule(self);
  });
  self->suspend();
  return result;
}

static void serve(socket_type socket) {
  constexpr std::size_t size = 64 * 1024;
  const std::unique_ptr<char[]> buffer(new char[size]);
  for (;;) {
    const outcome got = await([&](auto done) {
      socket.async_read_some(net::buffer(buffer.get(), size), std::move(done));
    });
    if (got.error) return;
    // Written on the spot; the fiber waits only for what the kernel did not take.
    error_code e;
    const std::size_t sent = socket.write_some(net::buffer(buffer.get(), got.count), e);
    if (e && e != net::error::would_block) return;
    if (sent == got.count) continue;
    const outcome rest = await([&](auto done) {
      net::async_write(socket, net::buffer(buffer.get() + sent, got.count - sent), std::move(done));
    });
    if (rest.error) return;
  }
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  fibers::use_scheduling_algorithm<asio_round_robin>();
  // A handler only wakes its fiber; the loop must not end before that has begun the next operation.
  const auto guard = net::make_work_guard(loop);
  acceptor_type acceptor(loop.get_executor(), net::ip::tcp::v4());
  acceptor.set_option(net::socket_base::reuse_address(true));
  acceptor.bind({net::ip::address_v4::loopback(), 0});
  acceptor.listen(1024);
  bench_report_port("boost.fiber", acceptor.local_endpoint().port());
  fibers::pooled_fixedsize_stack stacks(32 * 1024);  // reused: mapping one costs microseconds
  for (;;) {
    socket_type socket(loop.get_executor());
    if (await([&](auto done) { acceptor.async_accept(socket, std::move(done)); }).error) continue;
    socket.set_option(net::ip::tcp::no_delay(true));
    socket.non_blocking(true);
    fibers::fiber(fibers::launch::post, std::allocator_arg, stacks, serve, std::move(socket))
        .detach();
  }
}
