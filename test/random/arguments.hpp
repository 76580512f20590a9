// argument<T>(frame, name): one argument of a random call.
#pragma once

#include <cstdio>

#include "random/callbacks.hpp"

namespace random_calls {

// What exists by handle, and what in storage of the caller's.
template <class T>
inline constexpr bool is_handle = false;
template <class T>
inline constexpr bool is_block = false;

#define STRUCTIO_HANDLE(type) \
  template <>                 \
  inline constexpr bool is_handle<type> = true;
STRUCTIO_HANDLE(structio_failure)
STRUCTIO_HANDLE(structio_task)
STRUCTIO_HANDLE(structio_portal)
STRUCTIO_HANDLE(structio_cancel_token)
STRUCTIO_HANDLE(structio_listener)
STRUCTIO_HANDLE(structio_stream)
STRUCTIO_HANDLE(structio_clock)
STRUCTIO_HANDLE(structio_sender)
STRUCTIO_HANDLE(structio_receiver)
STRUCTIO_HANDLE(structio_broadcast)
STRUCTIO_HANDLE(structio_subscription)
STRUCTIO_HANDLE(structio_remote_sender)
STRUCTIO_HANDLE(structio_addresses)
STRUCTIO_HANDLE(structio_buffered)
STRUCTIO_HANDLE(structio_file)
STRUCTIO_HANDLE(structio_directory_entries)
STRUCTIO_HANDLE(structio_watch)
STRUCTIO_HANDLE(structio_signal_receiver)
STRUCTIO_HANDLE(structio_datagram)
STRUCTIO_HANDLE(structio_process)
STRUCTIO_HANDLE(structio_tls_context)
#undef STRUCTIO_HANDLE

#define STRUCTIO_BLOCK(type) \
  template <>                \
  inline constexpr bool is_block<type> = true;
STRUCTIO_BLOCK(structio_scope)
STRUCTIO_BLOCK(structio_nursery)
STRUCTIO_BLOCK(structio_lot)
STRUCTIO_BLOCK(structio_waiter)
STRUCTIO_BLOCK(structio_local_token)
STRUCTIO_BLOCK(structio_event)
STRUCTIO_BLOCK(structio_mutex)
STRUCTIO_BLOCK(structio_semaphore)
STRUCTIO_BLOCK(structio_condition)
STRUCTIO_BLOCK(structio_limiter)
STRUCTIO_BLOCK(structio_resource_guard)
STRUCTIO_BLOCK(structio_post)
STRUCTIO_BLOCK(structio_scope_watch)
STRUCTIO_BLOCK(structio_sequencer)
#undef STRUCTIO_BLOCK

void close_descriptor(std::int64_t descriptor);

/// The call makes a block of this parameter's storage, which must not be one already.
inline bool makes_block(const frame& f, std::string_view parameter) {
  const std::string_view name = f.entry.name;
  if (name.ends_with("_init"))
    return !(name == "structio_condition_init" && parameter == "mutex") &&
           !(name == "structio_post_init" && parameter == "portal");
  return name.starts_with("structio_nursery_open") || parameter == "watch" || parameter == "token";
}

inline bool ends_block(std::string_view name) {
  return name.ends_with("_destroy") || name.ends_with("_discard") ||
         name == "structio_scope_leave" || name == "structio_nursery_close" ||
         name.ends_with("_reset") || name == "structio_local_token_free" ||
         name == "structio_scope_watch_remove";
}

template <class T>
T* block_argument(frame& f, std::string_view parameter) {
  const bool makes = makes_block(f, parameter) &&
                     !(std::is_same_v<T, structio_local_token> && !f.entry.name.ends_with("_set"));
  const bool watch = std::is_same_v<T, structio_scope_watch> && !f.is("structio_scope_on_cancel");
  auto* block = static_cast<T*>(now->block(kind_of<T>(), sizeof(T), f.c, makes && !watch));
  if (traced()) std::fprintf(stderr, "  storage %p\n", static_cast<void*>(block));
  if (makes && !watch) {
    // Taken at once: another task may look for storage before this call has returned.
    now->set_used(kind_of<T>(), block, true);
    f.afterwards([block](std::int64_t result) {
      if (result < 0) now->set_used(kind_of<T>(), block, false);
    });
  } else if (ends_block(f.entry.name)) {
    f.afterwards([block](std::int64_t result) {
      if (result == 0) now->set_used(kind_of<T>(), block, false);
    });
  }
  return block;
}

/// So that others can connect and send there.
template <class T>
void learn_port(T*) {}
void learn_port(structio_listener* listener);
void learn_port(structio_datagram* socket);

/// Where a handle comes out: none may when the call fails (rule 12).
template <class T>
T** out_handle(frame& f) {
  T** slot = f.array<T*>(1);
  std::memset(static_cast<void*>(slot), 0x5a, sizeof *slot);
  T* const before = *slot;
  f.afterwards([slot, before, &f](std::int64_t result) {
    // What has failed may come out by this way. An older struct of options may have no such field.
    if (result < 0 && ((*slot == before && !f.is("structio_run")) ||
                       (*slot && !std::is_same_v<T, structio_failure>))) {
      broken("a failed call did not set its out parameter to NULL", f.entry.name.data());
    }
    if (*slot == before || !*slot) return;
    now->keep(kind_of<T>(), *slot);
    learn_port(*slot);
  });
  return slot;
}

template <class T>
T* some_handle(caller& c) {
  return static_cast<T*>(now->handle(kind_of<T>(), c));
}

/// A failure of which a reference may go over to the library.
inline structio_failure* given_failure(frame& f) {
  structio_failure* given = now->take_failure(f.c);
  if (f.is("structio_failure_raise")) {
    // It is the library's, whatever comes of the call.
    f.afterwards([&f](std::int64_t) {
      structio_failure* in_flight = f.c.chance(50) ? structio_failure_take() : nullptr;
      if (in_flight) now->keep(kind_of<structio_failure>(), in_flight);
    });
  } else {
    f.afterwards([given](std::int64_t result) {
      if (result < 0 && given) now->keep(kind_of<structio_failure>(), given);
    });
  }
  return given;
}

template <class T>
T** handle_array(frame& f) {
  const std::size_t count = f.some({0, 1, 2, 3});
  T** all = f.array<T*>(count);
  for (std::size_t i = 0; i < count; ++i) {
    if constexpr (std::is_same_v<T, structio_failure>) {
      all[i] = given_failure(f);
    } else {
      all[i] = some_handle<T>(f.c);
    }
  }
  return all;
}

const structio_payload_type* some_payload_type(caller& c);

/// What a call may put into a struct for its caller to free.
template <class T>
void give_back(frame&, T*) {}

inline void give_back(frame& f, structio_process_result* result) {
  if (f.is("structio_process_result_free")) return;
  f.afterwards([result](std::int64_t) { structio_process_result_free(result); });
}

inline void give_back(frame& f, structio_descriptors* all) {
  f.afterwards([all](std::int64_t result) {
    for (std::size_t i = 0; result >= 0 && i < all->count && i < all->capacity; ++i) {
      close_descriptor(all->array[i]);
    }
  });
}

/// A failure: some calls take over a reference, one gives one more.
inline structio_failure* failure_argument(frame& f) {
  if (f.is("structio_failure_free") || f.is("structio_failure_raise") ||
      f.is("structio_failure_split")) {
    return given_failure(f);
  }
  auto* failure = some_handle<structio_failure>(f.c);
  if (f.is("structio_failure_retain")) {
    f.afterwards([failure](std::int64_t got) {
      if (got) now->keep(kind_of<structio_failure>(), failure);
    });
  }
  return failure;
}

/// Memory of the caller's, by what it is called.
inline void* memory_argument(frame& f, std::string_view p) {
  static int names[3] = {};
  if (p == "item") return f.to_send();
  if (p == "slot") return f.slots(1);
  if (p == "slots") return f.slots(f.some({0, 1, 3, 9}));
  const bool of_socket = f.entry.header == "socket";
  if (p == "arg" || (p == "value" && !of_socket)) return pack(f.c);
  if (p == "steps") return sized_struct<structio_steps>(f);
  if (p == "memory") return nullptr;
  if (p == "borrower" || p == "key") return &names[f.c.below(3)];
  return f.bytes(f.some({0, 1, 2, 16, 64, 300, 5000, 70000}));
}

/// Structs without a size of their own, several in a row.
template <class T>
T* row_of(frame& f) {
  const std::size_t count = f.some({0, 1, 2, 3, 5});
  T* all = f.array<T>(count);
  for (std::size_t i = 0; i < count; ++i) {
    all[i] = T{};
    filler<T>::fill(f, all[i]);
  }
  return all;
}

/// Arrays of numbers by their names; else where a number comes out.
template <class T>
T* numbers(frame& f, std::string_view p) {
  if (p == "signals" || p == "descriptors" || p == "ids") {
    const std::size_t count = f.some({0, 1, 2, 3});
    T* all = f.array<T>(count);
    for (std::size_t i = 0; i < count; ++i) {
      all[i] = static_cast<T>(p == "signals" ? f.signum() : f.descriptor());
    }
    return all;
  }
  T* out = f.array<T>(1);
  if (p == "size" && f.pending()) *out = static_cast<T>(f.take_up());  // the room there is
  if (f.is("structio_file_detach")) {
    f.afterwards([out](std::int64_t result) {
      if (result == 0) close_descriptor(static_cast<std::int64_t>(*out));
    });
  }
  if (std::is_same_v<T, std::uint16_t>) {
    *out = 0;
    f.afterwards([out](std::int64_t result) {
      if (result == 0) now->remember_port(static_cast<std::uint16_t>(*out));
    });
  }
  return out;
}

/// What bodies are called with, or where a pointer comes out.
inline void** pointers(frame& f, std::string_view p) {
  if (p == "args" || p == "addresses") {
    const std::size_t count = f.some({0, 1, 2, 4});
    void** all = f.array<void*>(count);
    for (std::size_t i = 0; i < count; ++i) all[i] = pack(f.c);
    return all;
  }
  void** out = f.array<void*>(1);
  *out = nullptr;
  if (p == "data") {  // of structio_file_read_all
    f.afterwards([out](std::int64_t result) {
      if (result >= 0) structio_memory_free(*out);
    });
  }
  return out;
}

inline char** out_text(frame& f) {
  char** out = f.array<char*>(1);
  *out = nullptr;
  f.afterwards([out, &f](std::int64_t result) {
    if (result < 0 && *out) broken("a failed call gave out memory", f.entry.name.data());
    structio_memory_free(*out);
  });
  return out;
}

inline structio_task_fn* functions(frame& f) {
  const std::size_t count = f.some({0, 1, 2, 4});
  auto* all = f.array<structio_task_fn>(count);
  for (std::size_t i = 0; i < count; ++i) all[i] = f.nothing() ? nullptr : body;
  return all;
}

/// Where handles come out.
template <class T>
T** handles_out(frame& f, std::string_view p) {
  if (p == "listeners") {
    const std::size_t count = f.some({0, 1, 2, 4});
    T** all = f.array<T*>(count);
    std::memset(static_cast<void*>(all), 0, count * sizeof(T*));
    f.afterwards([all, count](std::int64_t) {
      for (std::size_t i = 0; i < count; ++i) {
        if (all[i]) now->keep(kind_of<T>(), all[i]);
      }
    });
    return all;
  }
  if constexpr (std::is_same_v<T, structio_failure>) {
    const bool leaves = f.is("structio_scope_leave") || f.is("structio_nursery_close");
    if (leaves || f.is("structio_failure_add_while")) {  // what is there goes in, too
      T** slot = f.array<T*>(1);
      *slot = leaves && f.c.chance(70) ? nullptr : now->take_failure(f.c);
      f.afterwards([slot](std::int64_t) {
        if (*slot) now->keep(kind_of<T>(), *slot);
      });
      return slot;
    }
  }
  return out_handle<T>(f);
}

template <class T>
T* block_or_limiter(frame& f, std::string_view p) {
  if constexpr (std::is_same_v<T, structio_limiter>) {
    if (!makes_block(f, p) && f.c.chance(10)) {
      return f.c.chance(50) ? structio_default_thread_limiter() : structio_default_file_limiter();
    }
  }
  return block_argument<T>(f, p);
}

template <class T>
inline constexpr bool is_in_rows = false;
template <>
inline constexpr bool is_in_rows<structio_select_case> = true;
template <>
inline constexpr bool is_in_rows<structio_packet> = true;
template <>
inline constexpr bool is_in_rows<structio_piece> = true;

/// What a pointer to something that the caller has points to.
template <class T>
std::remove_const_t<T>* pointee(frame& f, std::string_view p) {
  using plain = std::remove_const_t<T>;
  if constexpr (std::is_same_v<plain, structio_address_sink>) {
    return nullptr;  // there is one within a resolver only
  } else if constexpr (is_block<plain>) {
    return block_or_limiter<plain>(f, p);
  } else if constexpr (counted<plain>) {
    if (std::is_const_v<T> && f.c.chance(20)) return nullptr;
    plain* whole = sized_struct<plain>(f);
    give_back(f, whole);
    return whole;
  } else if constexpr (is_in_rows<plain>) {
    return row_of<plain>(f);
  } else if constexpr (std::is_same_v<plain, structio_address>) {
    auto* address = f.array<plain>(1);
    *address = plain{};
    if (std::is_const_v<T>) filler<plain>::fill(f, *address);
    return address;
  } else if constexpr (std::is_same_v<plain, char>) {
    if (std::is_const_v<T>) return const_cast<char*>(f.text(p));
    return static_cast<char*>(f.bytes(f.some({0, 1, 2, 16, 64, 300})));
  } else if constexpr (std::is_void_v<plain>) {
    return memory_argument(f, p);
  } else if constexpr (std::is_integral_v<plain>) {
    return numbers<plain>(f, p);
  } else if constexpr (std::is_same_v<plain, structio_task_fn>) {
    return functions(f);
  } else if constexpr (std::is_same_v<plain, void*>) {
    return pointers(f, p);
  } else if constexpr (std::is_same_v<plain, char*>) {
    return out_text(f);
  } else if constexpr (std::is_same_v<plain, structio_borrower>) {
    return f.array<plain>(f.some({0, 1, 3}));
  } else if constexpr (std::is_same_v<plain, structio_nursery*>) {
    return f.array<plain>(f.some({0, 1, 4}));  // where nurseries come out
  } else if constexpr (std::is_pointer_v<plain> && is_handle<std::remove_pointer_t<plain>>) {
    using named = std::remove_pointer_t<plain>;
    return std::is_const_v<T> ? handle_array<named>(f) : handles_out<named>(f, p);
  } else {
    return f.array<plain>(1);
  }
}

template <class T>
T* pointer_argument(frame& f, std::string_view p) {
  using plain = std::remove_const_t<T>;
  if constexpr (std::is_same_v<T, structio_failure>) {  // not const: a reference matters
    return failure_argument(f);
  } else if constexpr (is_handle<plain>) {
    return some_handle<plain>(f.c);
  } else if constexpr (std::is_same_v<plain, structio_payload_type>) {
    return some_payload_type(f.c);
  } else {
    return f.nothing() ? nullptr : pointee<T>(f, p);
  }
}

template <class T>
T argument(frame& f, std::string_view p) {
  if constexpr (std::is_function_v<std::remove_pointer_t<T>>) {
    return f.nothing() ? nullptr : callback<T>(f);
  } else if constexpr (std::is_pointer_v<T>) {
    return pointer_argument<std::remove_pointer_t<T>>(f, p);
  } else if constexpr (std::is_same_v<T, double>) {
    static const double rates[] = {0, 1, 1000, -1, 1e300, __builtin_nan("")};
    return f.c.any_of(rates);
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    if (p == "descriptor") return f.descriptor();
    static constexpr std::string_view counts[] = {"capacity", "initial", "max", "total",
                                                  "result",   "offset",  "size"};
    for (std::string_view name : counts) {
      if (p == name) return static_cast<T>(f.number(p));
    }
    return f.duration();
  } else if constexpr (std::is_same_v<T, std::uint16_t>) {
    return now->port(f.c);
  } else if constexpr (std::is_same_v<T, int>) {
    if (p == "signum") return f.signum();
    if (p == "descriptor") return f.descriptor();
    return static_cast<T>(f.number(p));
  } else {
    return f.pending() && sizeof(T) == sizeof(std::size_t) ? static_cast<T>(f.take_up())
                                                           : static_cast<T>(f.number(p));
  }
}

}  // namespace random_calls
