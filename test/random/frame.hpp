// The arguments of one random call, made by the types and names of its parameters. All memory is
// the call's own and of the very size that is told, and is freed when the call has returned: who
// reads or writes beyond it, or later, is seen by a sanitizer.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeindex>
#include <vector>

#include "random/calls.hpp"

namespace random_calls {

class frame {
 public:
  frame(caller& by, const call_entry& of) : c(by), entry(of) {}

  /// Memory that lasts as long as the call.
  void* bytes(std::size_t size) {
    memory_.emplace_back(std::malloc(size ? size : 1), std::free);
    return std::memset(memory_.back().get(), c.below(256), size ? size : 1);
  }
  template <class T>
  T* array(std::size_t count) {
    return static_cast<T*>(bytes(count * sizeof(T)));
  }

  void afterwards(std::function<void(std::int64_t)> what) { after_.push_back(std::move(what)); }
  void finish(std::int64_t result) {
    for (auto& what : after_) what(result);
  }

  /// A number of elements for the arrays that follow, until a size takes it up.
  std::size_t some(std::initializer_list<std::size_t> sizes) {
    if (!pending_) size_ = sizes.begin()[c.below(static_cast<int>(sizes.size()))];
    pending_ = true;
    return size_;
  }
  bool pending() const { return pending_; }
  std::size_t take_up() {
    pending_ = false;
    return c.chance(90) || size_ == 0 ? size_
                                      : static_cast<std::size_t>(c.below(static_cast<int>(size_)));
  }

  bool is(std::string_view name) const { return entry.name == name; }
  bool nothing() { return c.chance(3); }  ///< NULL where something is due

  const char* path();
  const char* text(std::string_view parameter);
  int descriptor();
  int fresh_descriptor();  ///< the call's to keep, and closed if that does not
  int signum();
  std::int64_t duration();
  std::uint64_t number(std::string_view parameter);
  item* to_send();
  item* slots(std::size_t count);

  caller& c;
  const call_entry& entry;
  bool keep_handles = true;  ///< what the call makes may be used by others

 private:
  const char* some_path();
  const char* some_text(std::string_view parameter);

  std::vector<std::unique_ptr<void, void (*)(void*)>> memory_;
  std::vector<std::function<void(std::int64_t)>> after_;
  std::size_t size_ = 0;
  bool pending_ = false;
};

template <class T>
concept counted = requires(T t) {
  t.struct_size;
};

// What an options struct says; options.cpp. Not declared for a type: all zero.
template <class T>
struct filler {
  static void fill(frame&, T&) {}
};

#define STRUCTIO_FILLED(type)             \
  template <>                             \
  struct filler<type> {                   \
    static void fill(frame& f, type& to); \
  };
STRUCTIO_FILLED(structio_buffered_options)
STRUCTIO_FILLED(structio_frame_options)
STRUCTIO_FILLED(structio_item_type)
STRUCTIO_FILLED(structio_copy_options)
STRUCTIO_FILLED(structio_stream_table)
STRUCTIO_FILLED(structio_file_open_options)
STRUCTIO_FILLED(structio_file_write_options)
STRUCTIO_FILLED(structio_allocator)
STRUCTIO_FILLED(structio_tcp_listen_options)
STRUCTIO_FILLED(structio_tcp_connect_options)
STRUCTIO_FILLED(structio_serve_options)
STRUCTIO_FILLED(structio_scope_options)
STRUCTIO_FILLED(structio_task_options)
STRUCTIO_FILLED(structio_process_options)
STRUCTIO_FILLED(structio_run_process_options)
STRUCTIO_FILLED(structio_process_result)
STRUCTIO_FILLED(structio_resolve_options)
STRUCTIO_FILLED(structio_run_options)
STRUCTIO_FILLED(structio_steps)
STRUCTIO_FILLED(structio_thread_options)
STRUCTIO_FILLED(structio_tls_context_options)
STRUCTIO_FILLED(structio_tls_stream_options)
STRUCTIO_FILLED(structio_tls_serve_options)
STRUCTIO_FILLED(structio_udp_options)
STRUCTIO_FILLED(structio_unix_datagram_options)
STRUCTIO_FILLED(structio_unix_listen_options)
STRUCTIO_FILLED(structio_descriptors)
STRUCTIO_FILLED(structio_watch_options)
STRUCTIO_FILLED(structio_virtual_clock_options)
STRUCTIO_FILLED(structio_memory_stream_hooks)
STRUCTIO_FILLED(structio_select_case)
STRUCTIO_FILLED(structio_packet)
STRUCTIO_FILLED(structio_piece)
STRUCTIO_FILLED(structio_address)
#undef STRUCTIO_FILLED

/// A struct that begins with its size: of our header, of an older one, of a newer one, or wrong.
template <counted T>
T* sized_struct(frame& f) {
  T whole{};
  filler<T>::fill(f, whole);
  std::size_t size = sizeof(T);
  const int kind = f.c.below(30);
  // (Items that are moved but not destroyed would be counted as lost.)
  if (kind == 0 && !std::is_same_v<T, structio_item_type>)
    size = sizeof(std::size_t) + 8 * static_cast<std::size_t>(f.c.below(4));
  if (kind == 1) size += 24;
  void* out = f.bytes(size);
  whole.struct_size = kind == 2 ? static_cast<std::size_t>(f.c.below(8)) : size;
  std::memcpy(out, &whole, size < sizeof(T) ? size : sizeof(T));
  return static_cast<T*>(out);
}

}  // namespace random_calls
