// What one episode of random calls has to call with: handles, alive, freed and of former episodes;
// storage of blocks; strings, numbers, descriptors. Shared by all threads of the episode.
#pragma once

#include <structio/structio.h>
#include <structio/structio_debug.h>
#include <structio/structio_testing.h>
#include <structio/structio_testing_stream.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <typeindex>
#include <unordered_map>
#include <vector>

namespace random_calls {

/// Splitmix64 (Steele, Lea, Flood, 2014): quick to begin, and there is one for each body of calls.
class random_engine {
 public:
  explicit random_engine(std::uint64_t seed) : state_(seed) {}

  std::uint64_t operator()() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }

  void stir(std::uint64_t by) { state_ ^= by << 17; }

 private:
  std::uint64_t state_;
};

/// Where a caller stands, which decides what may be called without being a race.
enum class place { task, hook, job, outside };

/// One body of calls: its own random numbers, so that what it does is not up to the order of tasks.
class caller {
 public:
  caller(std::uint64_t seed, int depth, bool guest);

  int below(int n) { return static_cast<int>(random() % static_cast<std::uint64_t>(n)); }
  bool chance(int percent) { return below(100) < percent; }

  template <class List>
  auto& any_of(List& list) {
    return list[static_cast<std::size_t>(below(static_cast<int>(std::size(list))))];
  }

  random_engine random;
  const int depth;
  const place where;
  const bool guest;  ///< on a thread for which the episode's run stands still
};

/// Handles and blocks are told apart by their types, most of which are incomplete.
template <class T>
std::type_index kind_of() {
  return typeid(T*);
}

/// Storage of one block, at an address of its own, so that a sanitizer sees who goes beyond it.
struct storage {
  void* memory;
  bool used = false;  ///< was made a block, and not ended since: must not be made one again
};

struct item {
  std::uint64_t id = 0;
  std::uint64_t filling[7] = {};
};

class world {
 public:
  world();
  ~world();
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  /// Handles are told apart by their type; `foreign` may come from another one.
  void* handle(std::type_index type, caller& c);
  void keep(std::type_index type, void* handle);

  /// A reference to a failure, for a call that may take it over; give it back by keep() if not.
  structio_failure* take_failure(caller& c);

  /// Storage for a block of this type: unused, or one that was made (or should have been).
  void* block(std::type_index type, std::size_t size, caller& c, bool unused);
  void set_used(std::type_index type, const void* memory, bool used);

  /// Numbers of items on their way: whatever becomes of them, each is destroyed once.
  std::uint64_t new_item();
  bool end_item(std::uint64_t id);
  std::size_t items_alive();

  void remember_port(std::uint16_t port);
  std::uint16_t port(caller& c);

  /// Frees every handle, ends every block; outside of runs, when no thread of the episode is left.
  void free_handles();
  void end_blocks();

  /// Cancels, wakes and opens whatever could hold a task; from a task or hook of the run.
  void let_go();

  /// Handles stay for the next episode, to which they are stale.
  static void carry_over(world& from, world& to);

  std::atomic<int> fuel{0};  ///< calls that are left
  std::atomic<std::uint64_t> made{0};
  std::array<int, 4> sockets{-1, -1, -1, -1};  ///< open as long as the episode
  std::vector<std::size_t> favoured;           ///< calls that this episode makes most of the time
  std::vector<std::size_t> makers;             ///< of them, those that make something
  bool may_die = false;                        ///< the process may end in the middle
  std::atomic<int> drops{0};

  /// Held (shared) by other threads while they call: meanwhile nobody frees what they may use.
  std::shared_mutex use;

 private:
  template <class Block, class Visit>
  void each(Visit visit);

  std::mutex lock_;
  std::unordered_map<std::type_index, std::vector<void*>> handles_;
  std::unordered_map<std::type_index, std::vector<storage>> blocks_;
  std::set<std::uint64_t> alive_;
  std::uint64_t items_made_ = 0;
  std::vector<std::uint16_t> ports_;
};

/// The episode; there is one at a time.
extern world* now;

/// Prints what was broken and ends the process.
[[noreturn]] void broken(const char* what, const char* call);

}  // namespace random_calls
