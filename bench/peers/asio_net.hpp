// Asio under one name, `net`: the newest there is, Asio alone before Boost's copy, which Debian has
// in an older version. The channels of its coroutines are in both since 1.22 (Boost 1.78).
#pragma once

#if __has_include(<asio.hpp>)
#include <asio.hpp>
namespace net = asio;
using asio::error_code;
#if __has_include(<asio/experimental/channel.hpp>)
#include <asio/experimental/channel.hpp>
#define BENCH_ASIO_CHANNEL 1
#endif
#else
#include <boost/asio.hpp>
namespace net = boost::asio;
using boost::system::error_code;
#define ASIO_CONCURRENCY_HINT_UNSAFE BOOST_ASIO_CONCURRENCY_HINT_UNSAFE
#if __has_include(<boost/asio/experimental/channel.hpp>)
#include <boost/asio/experimental/channel.hpp>
#define BENCH_ASIO_CHANNEL 1
#endif
#endif

#include "bench.h"

// The executor of one loop by its own type: any_io_executor, the default, would hide it behind
// virtual calls and count references.
using executor = net::io_context::executor_type;
