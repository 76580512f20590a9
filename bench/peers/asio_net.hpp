// Asio under one name, `net`: the newest there is, Asio alone before Boost's copy, which Debian has
// in an older version.
#pragma once

#if __has_include(<asio.hpp>)
#include <asio.hpp>
namespace net = asio;
using asio::error_code;
#else
#include <utility>  // which the Asio of Boost 1.74 forgets

#include <boost/asio.hpp>
namespace net = boost::asio;
using boost::system::error_code;
#define ASIO_CONCURRENCY_HINT_UNSAFE BOOST_ASIO_CONCURRENCY_HINT_UNSAFE
#endif

#include "bench.h"

// The executor of one loop by its own type: any_io_executor, the default, would hide it behind
// virtual calls and count references.
using executor = net::io_context::executor_type;
