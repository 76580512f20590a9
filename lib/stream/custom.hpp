// Streams of the user's own making, by a table of his functions.
//
// Always true: each of his functions that waits runs in a scope that closing the stream cancels, so
// that he needs no signal of his own for that.
#pragma once

#include "runtime/cancel.hpp"
#include "stream/stream.hpp"

namespace structio::rt::stream {

/// As structio_stream_table; a null pointer where the stream cannot.
struct custom_functions {
  std::int64_t (*receive_some)(void* arg, void* buffer, std::size_t size);
  int (*send_all)(void* arg, const void* data, std::size_t size);
  int (*wait_send)(void* arg);
  int (*send_eof)(void* arg);
  int (*close)(void* arg);
  void (*destroy)(void* arg);
};

struct custom_stream : byte_stream {
  custom_functions functions{};
  stream_table own{};  ///< without what the user's lacks
  void* arg = nullptr;
  scope* receiving_in = nullptr;
  scope* sending_in = nullptr;
  bool close_called = false;
};

/// With a handle; null, with a message, when memory is out: then nothing was taken over.
custom_stream* custom_make(runtime& rt, const custom_functions& functions, void* arg) noexcept;

}  // namespace structio::rt::stream
