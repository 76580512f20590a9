// Asio's C++20 coroutines, one program: `asio_co --workload NAME --n N`, or an echo server, which
// ends on SIGTERM. `switch` posts itself; tasks are joined by the handler that co_spawn takes;
// `cancel_all` emits one signal for each task, since Asio has no scopes.
#include <algorithm>
#include <chrono>
#include <coroutine>
#include <memory>
#include <vector>

#include "asio_net.hpp"
#if __has_include(<asio.hpp>)
#include <asio/experimental/channel.hpp>
#else
#include <boost/asio/experimental/channel.hpp>
#endif

using task = net::awaitable<void, executor>;
using token_type = net::use_awaitable_t<executor>;
using timer_type = net::basic_waitable_timer<std::chrono::steady_clock,
                                             net::wait_traits<std::chrono::steady_clock>, executor>;
using socket_type = net::basic_stream_socket<net::ip::tcp, executor>;
using acceptor_type = net::basic_socket_acceptor<net::ip::tcp, executor>;

static constexpr token_type token{};
static net::io_context loop(ASIO_CONCURRENCY_HINT_UNSAFE);  // one thread: no locks
static std::int64_t ran = 0;
static std::uint64_t seed = 1;

static void count_end(std::exception_ptr) {
  ++ran;
}

static std::int64_t run_all() {
  const std::int64_t begin = bench_cpu_now();
  loop.run();
  loop.restart();
  return bench_cpu_now() - begin;
}

static task yields(std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) co_await net::post(loop.get_executor(), token);
}

static std::int64_t switches(std::int64_t n) {
  for (int i = 0; i < 2; ++i) net::co_spawn(loop.get_executor(), yields(n / 2), count_end);
  return run_all();
}

static task trivial() {
  ++ran;
  co_return;
}

static task one_by_one(std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    co_await net::co_spawn(loop.get_executor(), trivial(), token);
  }
}

static std::int64_t spawn(std::int64_t n) {
  net::co_spawn(loop.get_executor(), one_by_one(n), [](std::exception_ptr) {});
  return run_all();
}

static void batch(std::int64_t size) {
  for (std::int64_t i = 0; i < size; ++i) {
    net::co_spawn(loop.get_executor(), yields(1), count_end);
  }
  run_all();
}

static std::int64_t batch_spawn(std::int64_t n) {
  batch(10'000);
  const std::int64_t begin = bench_cpu_now();
  ran = 0;
  while (ran < n) batch(10'000);
  return bench_cpu_now() - begin;
}

static task sleeps(std::int64_t ns) {
  timer_type timer(loop.get_executor(), std::chrono::nanoseconds(ns));
  co_await timer.async_wait(token);
}

static std::int64_t sleepers(std::int64_t n) {
  const std::int64_t begin = bench_cpu_now();
  for (std::int64_t i = 0; i < n; ++i) {
    net::co_spawn(loop.get_executor(), sleeps(bench_short_sleep(&seed)), count_end);
  }
  run_all();
  return bench_cpu_now() - begin;
}

static std::int64_t cancel_all(std::int64_t n) {
  const std::unique_ptr<net::cancellation_signal[]> signals(
      new net::cancellation_signal[std::size_t(n)]);
  for (std::int64_t i = 0; i < n; ++i) {
    net::co_spawn(loop.get_executor(), sleeps(bench_long_sleep(&seed)),
                  net::bind_cancellation_slot(signals[std::size_t(i)].slot(), count_end));
  }
  loop.poll();  // all sleep now
  const std::int64_t begin = bench_cpu_now();
  for (std::int64_t i = 0; i < n; ++i) {
    signals[std::size_t(i)].emit(net::cancellation_type::terminal);
  }
  run_all();
  return bench_cpu_now() - begin;
}

static void memory(std::int64_t n) {
  const std::int64_t before = bench_resident();
  for (std::int64_t i = 0; i < n; ++i) {
    net::co_spawn(loop.get_executor(), sleeps(bench_long_sleep(&seed)), count_end);
  }
  loop.poll();
  bench_report("memory_10k", "asio.co", double(bench_resident() - before) / double(n), "bytes", n);
  std::_Exit(0);
}

using channel_type = net::experimental::channel<executor, void(error_code, std::int64_t)>;

static std::int64_t sum = 0;

// What succeeds at once needs no coroutine of its own: try first, as one does with sockets.
static task ping(channel_type& there, channel_type& back, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    if (!there.try_send(error_code(), i)) co_await there.async_send(error_code(), i, token);
    sum += co_await back.async_receive(token);
  }
}
static task pong(channel_type& there, channel_type& back, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t item = co_await there.async_receive(token);
    if (!back.try_send(error_code(), item)) co_await back.async_send(error_code(), item, token);
  }
}
static task produce(channel_type& through, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    if (!through.try_send(error_code(), i)) co_await through.async_send(error_code(), i, token);
  }
}
static task consume(channel_type& through, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    if (through.try_receive([](error_code, std::int64_t item) { sum += item; })) continue;
    sum += co_await through.async_receive(token);
  }
}

static std::int64_t channels(std::int64_t n, bool buffered) {
  channel_type there(loop.get_executor(), buffered ? 128 : 0);
  channel_type back(loop.get_executor(), 0);
  const executor on = loop.get_executor();
  if (buffered) {
    net::co_spawn(on, produce(there, n), count_end);
    net::co_spawn(on, consume(there, n), count_end);
  } else {
    net::co_spawn(on, ping(there, back, n), count_end);
    net::co_spawn(on, pong(there, back, n), count_end);
  }
  const std::int64_t spent = run_all();
  if (sum != n * (n - 1) / 2) std::_Exit(1);
  return spent;
}
static task serve(socket_type socket) {
  constexpr std::size_t size = 64 * 1024;
  const std::unique_ptr<char[]> buffer(new char[size]);
  // By error code: the end of each connection as an exception would cost microseconds.
  error_code e;
  for (;;) {
    const std::size_t got = co_await socket.async_read_some(net::buffer(buffer.get(), size),
                                                            net::redirect_error(token, e));
    if (e) co_return;
    // Written on the spot; a coroutine of its own waits only for what the kernel did not take.
    std::size_t sent = socket.write_some(net::buffer(buffer.get(), got), e);
    if (e && e != net::error::would_block) co_return;
    if (sent == got) continue;
    co_await net::async_write(socket, net::buffer(buffer.get() + sent, got - sent),
                              net::redirect_error(token, e));
    if (e) co_return;
  }
}

static task accept(acceptor_type& acceptor) {
  for (;;) {
    socket_type socket = co_await acceptor.async_accept(token);
    socket.set_option(net::ip::tcp::no_delay(true));
    socket.non_blocking(true);
    net::co_spawn(loop.get_executor(), serve(std::move(socket)), net::detached);
  }
}

static int echo() {
  acceptor_type acceptor(loop.get_executor(), net::ip::tcp::v4());
  acceptor.set_option(net::socket_base::reuse_address(true));
  acceptor.bind({net::ip::address_v4::loopback(), 0});
  acceptor.listen(1024);
  bench_report_port("asio.co", acceptor.local_endpoint().port());
  net::co_spawn(loop.get_executor(), accept(acceptor), net::detached);
  loop.run();
  return 0;
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  const char* workload = bench_text_option(argc, argv, "--workload", "echo");
  const auto is = [workload](const char* name) { return strcmp(workload, name) == 0; };
  const bool many = is("sleepers") || is("cancel_all");
  const std::int64_t n = bench_option(argc, argv, "--n",
                                      many                ? 100'000
                                      : is("channel_128") ? 5'000'000
                                                          : 1'000'000);
  std::int64_t spent = 0;
  if (is("echo")) return echo();
  if (is("memory_10k")) memory(bench_option(argc, argv, "--n", 10'000));
  if (is("switch")) spent = switches(n);
  if (is("spawn")) spent = spawn(n);
  if (is("batch_spawn")) spent = batch_spawn(n);
  if (is("sleepers")) spent = sleepers(n);
  if (is("cancel_all")) spent = cancel_all(n);
  if (is("channel") || is("channel_128")) spent = channels(n, is("channel_128"));
  const double per = is("sleepers") ? 1000 : 1;
  bench_report(workload, "asio.co", double(spent) / double(n) / per,
               is("sleepers") ? "us CPU" : "ns", n);
}
