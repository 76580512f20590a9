// Files that are open: an object of the run around a descriptor, worked on by threads.
//
// Always true: the descriptor is open as long as a thread may use it. Who closes the file waits
// until the calls under way have come back; who must not wait leaves the closing to the last of
// them.
#pragma once

#include <structio/structio_file.h>

#include <cstddef>
#include <cstdint>

#include "fs/os_file.hpp"
#include "runtime/run_object.hpp"
#include "runtime/wait_queue.hpp"

namespace structio::rt::stream {
struct byte_stream;
}

namespace structio::rt::fs {

struct file : run_object {
  std::int64_t descriptor = os::no_descriptor;
  void* handle = nullptr;        ///< null once freed
  std::uint32_t references = 1;  ///< the handle's, streams', those of calls under way
  std::uint32_t users = 1;       ///< the handle and streams: without any the file is closed
  std::uint32_t under_way = 0;   ///< calls that a thread works for
  bool at_position = false;      ///< a call is at the position, or waits for a token to be there
  bool closed = false;
  bool awaited = false;  ///< who closes waits for the calls
  wait_queue idle;
};

struct open_request {
  const char* path;
  std::uint32_t flags;
  std::uint32_t permissions;
  bool may_abandon;
};

/// Each as its function in structio_file.h; the handle has been looked up and the run checked.
int open(runtime& rt, const open_request& request, file*& out) noexcept;
int adopt(runtime& rt, std::int64_t descriptor, file*& out) noexcept;
int detach(file& f, std::int64_t& descriptor) noexcept;
/// `offset` below 0: at the position. `call` is for the message, here and below.
std::int64_t read(runtime& rt, file& f, void* buffer, std::size_t size, std::int64_t offset,
                  const char* call) noexcept;
std::int64_t write(runtime& rt, file& f, const void* data, std::size_t size, std::int64_t offset,
                   const char* call) noexcept;
std::int64_t seek(runtime& rt, file& f, std::int64_t offset, int from) noexcept;
int truncate(runtime& rt, file& f, std::int64_t size) noexcept;
int sync(runtime& rt, file& f, bool data_only) noexcept;
int try_lock(runtime& rt, file& f, int lock) noexcept;
int get_info(runtime& rt, file& f, structio_file_info& out, const char* call) noexcept;
int close(runtime& rt, file& f) noexcept;
/// The same, but neither looks for cancellation nor gives way of its own.
int close_without_looking(runtime& rt, file& f) noexcept;
void free(file& f) noexcept;

/// An object without a descriptor, with a handle; null, with a message, when memory is out.
file* make(runtime& rt) noexcept;

void release(file& f) noexcept;
/// One user less: the last one closes.
void leave(file& f) noexcept;

int closed(const char* call) noexcept;

/// A stream over the file. 0 or STRUCTIO_ECLOSED, STRUCTIO_ENOMEM.
int make_stream(runtime& rt, file& f, stream::byte_stream*& out) noexcept;

}  // namespace structio::rt::fs
