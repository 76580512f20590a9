// Handles and blocks of an episode: found, kept, given back.
#include "random/world.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "random/calls.hpp"

namespace random_calls {

world* now = nullptr;

void broken(const char* what, const char* call) {
  std::fprintf(stderr, "random calls: %s: %s (%s)\n", call, what, structio_last_message());
  std::abort();
}

world::world() {
  for (std::size_t i = 0; i < sockets.size(); i += 2) {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, &sockets[i]) != 0) {
      sockets[i] = sockets[i + 1] = -1;
    }
  }
}

world::~world() {
  for (auto& [type, blocks] : blocks_) {
    for (const storage& s : blocks) std::free(s.memory);
  }
  for (const int fd : sockets) ::close(fd);
}

void* world::handle(std::type_index type, caller& c) {
  const std::lock_guard guard(lock_);
  if (c.chance(3)) return nullptr;
  if (c.chance(3) && !handles_.empty()) {  // of another kind
    auto other = handles_.begin();
    std::advance(other, c.below(static_cast<int>(handles_.size())));
    type = other->first;
  }
  std::vector<void*>& all = handles_[type];
  if (all.empty()) return nullptr;
  // The latest are the likeliest to be alive.
  const std::size_t last = all.size() < 4 || c.chance(20) ? all.size() : 4;
  return all[all.size() - 1 - static_cast<std::size_t>(c.below(static_cast<int>(last)))];
}

structio_failure* world::take_failure(caller& c) {
  const std::lock_guard guard(lock_);
  std::vector<void*>& all = handles_[kind_of<structio_failure>()];
  if (all.empty() || c.chance(3)) return nullptr;
  void* taken = c.any_of(all);
  all.erase(std::find(all.begin(), all.end(), taken));
  return static_cast<structio_failure*>(taken);
}

void world::keep(std::type_index type, void* handle) {
  const std::lock_guard guard(lock_);
  handles_[type].push_back(handle);
}

void* world::block(std::type_index type, std::size_t size, caller& c, bool unused) {
  const std::lock_guard guard(lock_);
  std::vector<storage>& all = blocks_[type];
  if (!unused && !all.empty() && c.chance(95)) {
    const std::size_t last = all.size() < 4 || c.chance(20) ? all.size() : 4;
    return all[all.size() - 1 - static_cast<std::size_t>(c.below(static_cast<int>(last)))].memory;
  }
  for (const storage& s : all) {
    if (!s.used && c.chance(30)) return s.memory;
  }
  all.push_back({std::calloc(1, size)});
  return all.back().memory;
}

void world::set_used(std::type_index type, const void* memory, bool used) {
  const std::lock_guard guard(lock_);
  for (storage& s : blocks_[type]) {
    if (s.memory == memory) s.used = used;
  }
}

std::uint64_t world::new_item() {
  const std::lock_guard guard(lock_);
  alive_.insert(++items_made_);
  return items_made_;
}

bool world::end_item(std::uint64_t id) {
  const std::lock_guard guard(lock_);
  return alive_.erase(id) == 1;
}

std::size_t world::items_alive() {
  const std::lock_guard guard(lock_);
  return alive_.size();
}

void world::remember_port(std::uint16_t port) {
  const std::lock_guard guard(lock_);
  if (port != 0) ports_.push_back(port);
}

std::uint16_t world::port(caller& c) {
  const std::lock_guard guard(lock_);
  return ports_.empty() || c.chance(10) ? std::uint16_t{0} : c.any_of(ports_);
}

template <class Block, class Visit>
void world::each(Visit visit) {
  std::vector<void*> all;
  {
    const std::lock_guard guard(lock_);
    for (const storage& s : blocks_[kind_of<Block>()]) all.push_back(s.memory);
  }
  for (void* memory : all) visit(static_cast<Block*>(memory));
}

void world::let_go() {
  each<structio_scope>([](structio_scope* s) {
    structio_scope_set_shield(s, 0);
    structio_scope_cancel(s, "the episode ends");
  });
  each<structio_nursery>([](structio_nursery* n) {
    structio_scope* s = structio_nursery_scope(n);
    if (!s) return;
    structio_scope_set_shield(s, 0);
    structio_scope_cancel(s, "the episode ends");
  });
  each<structio_waiter>([](structio_waiter* w) { structio_wake(w, STRUCTIO_ECANCELLED); });
}

void world::free_handles() {
  const auto all = [this](std::type_index type) {
    const std::lock_guard guard(lock_);
    // A failure's references count: what is given back is not ours to give back once more.
    return type == kind_of<structio_failure>() ? std::exchange(handles_[type], {}) : handles_[type];
  };
#define STRUCTIO_FREE(type, free) \
  for (void* handle : all(kind_of<type>())) free(static_cast<type*>(handle));
  STRUCTIO_FREE(structio_remote_sender, structio_remote_sender_free)
  STRUCTIO_FREE(structio_failure, structio_failure_free)
  STRUCTIO_FREE(structio_task, structio_task_free)
  STRUCTIO_FREE(structio_cancel_token, structio_cancel_token_free)
  STRUCTIO_FREE(structio_buffered, structio_buffered_free)
  STRUCTIO_FREE(structio_stream, structio_stream_free)
  STRUCTIO_FREE(structio_listener, structio_listener_free)
  STRUCTIO_FREE(structio_sender, structio_sender_free)
  STRUCTIO_FREE(structio_receiver, structio_receiver_free)
  STRUCTIO_FREE(structio_subscription, structio_subscription_free)
  STRUCTIO_FREE(structio_broadcast, structio_broadcast_free)
  STRUCTIO_FREE(structio_addresses, structio_addresses_free)
  STRUCTIO_FREE(structio_file, structio_file_free)
  STRUCTIO_FREE(structio_directory_entries, structio_directory_entries_free)
  STRUCTIO_FREE(structio_watch, structio_watch_free)
  STRUCTIO_FREE(structio_signal_receiver, structio_signal_free)
  STRUCTIO_FREE(structio_datagram, structio_datagram_free)
  STRUCTIO_FREE(structio_process, structio_process_free)
  STRUCTIO_FREE(structio_tls_context, structio_tls_context_free)
  STRUCTIO_FREE(structio_clock, structio_virtual_clock_free)
  STRUCTIO_FREE(structio_portal, structio_portal_free)
#undef STRUCTIO_FREE
}

void world::end_blocks() {
  each<structio_post>([](structio_post* b) { structio_post_destroy(b); });
  each<structio_local_token>([](structio_local_token* b) { structio_local_token_free(b); });
  each<structio_condition>([](structio_condition* b) { structio_condition_discard(b); });
  each<structio_event>([](structio_event* b) { structio_event_discard(b); });
  each<structio_mutex>([](structio_mutex* b) { structio_mutex_discard(b); });
  each<structio_semaphore>([](structio_semaphore* b) { structio_semaphore_discard(b); });
  each<structio_limiter>([](structio_limiter* b) { structio_limiter_discard(b); });
  each<structio_resource_guard>(
      [](structio_resource_guard* b) { structio_resource_guard_discard(b); });
  each<structio_lot>([](structio_lot* b) { structio_lot_destroy(b); });
  each<structio_sequencer>([](structio_sequencer* b) { structio_sequencer_destroy(b); });
  each<structio_scope>([](structio_scope* b) { structio_scope_destroy(b); });
}

void world::carry_over(world& from, world& to) {
  for (auto& [type, all] : from.handles_) {
    const std::size_t count = all.size() < 8 ? all.size() : 8;
    to.handles_[type].assign(all.end() - static_cast<std::ptrdiff_t>(count), all.end());
  }
}

}  // namespace random_calls
