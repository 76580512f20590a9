// Names to addresses. A numeric address is its own answer; names are looked up by worker threads,
// or by a function that the run was given for it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "net/address.hpp"
#include "reactor/posix_names.hpp"
#include "runtime/runtime.hpp"

namespace structio::rt::sync {
struct limiter_block;
}

namespace structio::rt::net {

/// Addresses in the order in which they are to be tried. It may travel to another thread.
class address_list {
 public:
  address_list() = default;
  address_list(const address_list&) = delete;
  address_list& operator=(const address_list&) = delete;
  ~address_list();

  /// False when memory is out.
  bool add(const address& a) noexcept;
  void swap(address_list& other) noexcept;
  /// Leaves each address once, where it first stood.
  void drop_repeated() noexcept;
  std::size_t size() const noexcept { return count_; }
  address& operator[](std::size_t i) noexcept { return items_[i]; }
  const address& operator[](std::size_t i) const noexcept { return items_[i]; }

 private:
  address* items_ = nullptr;
  std::size_t count_ = 0;
  std::size_t room_ = 0;
};

/// What looks a query up, in a task, and adds what it finds; it may wait. 0 or a code, with its
/// message.
struct resolver {
  int (*fn)(const reactor::name_query& query, address_list& out, const resolver& self) = nullptr;
  void (*user_fn)() = nullptr;  ///< what it stands for in the C ABI
  void* arg = nullptr;
};

/// Exchanges the run's resolver; `fn` null: the system's. 0 or STRUCTIO_ENOMEM.
int set_resolver(runtime& rt, const resolver& given, resolver& former) noexcept;

/// What the system's resolver works with at once, 16 unless changed; null when memory is out.
sync::limiter_block* resolver_limiter(runtime& rt) noexcept;

/// A checkpoint in any case. Cancelled: nothing has happened; a thread that is under way is left
/// alone with its work. 0 (then there is at least one address) or a code, with its message.
int resolve(runtime& rt, const reactor::name_query& query, address_list& out) noexcept;

/// The name of a numeric address and of its port. Checkpoint, as resolve.
int resolve_name(runtime& rt, const address& of, char* host, std::size_t host_size, char* service,
                 std::size_t service_size) noexcept;

}  // namespace structio::rt::net
