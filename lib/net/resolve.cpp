// The system's resolver in worker threads, and the run's own.
#include "net/resolve.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "net/exchange.hpp"
#include "net/tcp.hpp"
#include "runtime/wait.hpp"
#include "thread/run_limiter.hpp"

namespace structio::rt::net {
namespace {

constexpr char limiter_key = 0;
constexpr char resolver_key = 0;
constexpr std::int64_t lookups_at_once = 16;

thread::run_limiter* limiter_of(runtime& rt) noexcept {
  return thread::find_or_make_limiter(rt, &limiter_key, "names", lookups_at_once);
}

int no_memory() noexcept {
  return base::fail(STRUCTIO_ENOMEM, "no memory for looking up a name");
}

/// What a thread works on. The task that waits for it and the job have a half each: who is
/// cancelled leaves the thread alone with it.
struct lookup {
  std::atomic<int> halves{2};
  char* host = nullptr;
  char* service = nullptr;
  reactor::name_query query{};
  address of;  ///< for names of addresses
  address_list found;
  char name[256];
  char name_of_service[64];
  int code = 0;
  bool memory_out = false;

  ~lookup() {
    base::release(host);
    base::release(service);
  }
  void let_go() noexcept {
    if (halves.fetch_sub(1, std::memory_order_acq_rel) == 1) base::destroy(this);
  }
};

bool keep(const sockaddr_storage& found, void* arg) noexcept {
  auto& l = *static_cast<lookup*>(arg);
  address a;
  std::memcpy(a.storage, &found, sizeof a.storage);
  if (l.found.add(a)) return true;
  l.memory_out = true;
  return false;
}

// Has a thread call `fn` with the look-up. 0, or why it did not come back.
int in_thread(runtime& rt, lookup& l, int (*fn)(void*)) noexcept {
  thread::job_request job{};
  job.fn = fn;
  job.arg = &l;
  job.drop = [](void* arg) { static_cast<lookup*>(arg)->let_go(); };
  job.may_abandon = true;
  thread::run_limiter* own = limiter_of(rt);
  if (!own) {
    l.let_go();
    return STRUCTIO_ENOMEM;
  }
  job.tokens = own->source();
  return thread::run_in_thread(rt, job);
}

int lookup_failed(int code, const char* host) noexcept {
  return base::fail(code, "cannot find '%.200s': %s", host ? host : "(this machine)",
                    error_text(code));
}

int ask_system(runtime& rt, const reactor::name_query& query, address_list& out) noexcept {
  auto* l = base::make<lookup>();
  if (!l) return no_memory();
  l->query = query;
  // The thread may outlive the caller's text.
  bool copied = true;
  if (query.host) copied = (l->query.host = l->host = base::copy_text(query.host)) != nullptr;
  if (query.service) {
    copied = copied && (l->query.service = l->service = base::copy_text(query.service)) != nullptr;
  }
  if (!copied) {
    base::destroy(l);
    return no_memory();
  }
  int code = in_thread(rt, *l, [](void* arg) {
    auto& self = *static_cast<lookup*>(arg);
    self.code = reactor::look_up(self.query, keep, &self);
    return 0;
  });
  if (code == 0) {
    code = l->memory_out ? no_memory() : l->code;
    if (code != 0 && !l->memory_out) lookup_failed(code, query.host);
    out.swap(l->found);
  }
  l->let_go();
  return code;
}

bool fits(const address& a, reactor::address_family family) noexcept {
  return family == reactor::address_family::any ||
         (family == reactor::address_family::v6) == is_v6(a);
}

// What needs no looking up: true, with the answer or a refusal in `code`.
bool answered_at_once(const reactor::name_query& query, address_list& out, int& code) noexcept {
  if (query.service || !query.host) return false;
  address a;
  std::memset(&a, 0, sizeof a);
  if (!is_numeric(query.host, query.port, a)) return false;
  if (!fits(a, query.family)) {
    code = base::fail(STRUCTIO_EINVALID, "'%.60s' is an address of the other family", query.host);
  } else {
    code = out.add(a) ? 0 : no_memory();
  }
  return true;
}

}  // namespace

int set_resolver(runtime& rt, const resolver& given, resolver& former) noexcept {
  return exchange_part(rt, &resolver_key, given, former) == 0 ? 0 : no_memory();
}

sync::limiter_block* resolver_limiter(runtime& rt) noexcept {
  thread::run_limiter* own = limiter_of(rt);
  return own ? &own->block() : nullptr;
}

int resolve(runtime& rt, const reactor::name_query& query, address_list& out) noexcept {
  int code = 0;
  if (answered_at_once(query, out, code)) {
    if (const int attend = cancel_check(rt)) return attend;
    if (code < 0) return give_way_failing(rt, code);
    give_way(rt);
    return 0;
  }
  if (const resolver* own = part_of<resolver>(rt, &resolver_key); own && own->fn) {
    const resolver called = *own;  // it may be exchanged meanwhile
    if ((code = cancel_check(rt)) != 0) return code;
    code = called.fn(query, out, called);
    if (code < 0) return give_way_failing(rt, code);
    give_way(rt);
  } else {
    code = ask_system(rt, query, out);
  }
  if (code == 0 && out.size() == 0) {
    return base::fail(STRUCTIO_EABSENT, "no address was found for '%.200s'",
                      query.host ? query.host : "(this machine)");
  }
  return code;
}

int resolve_name(runtime& rt, const address& of, char* host, std::size_t host_size, char* service,
                 std::size_t service_size) noexcept {
  auto* l = base::make<lookup>();
  if (!l) return no_memory();
  std::memcpy(&l->of, &of, sizeof of);
  int code = in_thread(rt, *l, [](void* arg) {
    auto& self = *static_cast<lookup*>(arg);
    self.code = reactor::look_up_name(self.of.full(), self.name, self.name_of_service);
    return 0;
  });
  if (code == 0 && (code = l->code) != 0) {
    base::fail(code, "the address has no name: %s", error_text(code));
  }
  if (code == 0) {
    if (host && host_size > 0) std::snprintf(host, host_size, "%s", l->name);
    if (service && service_size > 0) std::snprintf(service, service_size, "%s", l->name_of_service);
  }
  l->let_go();
  return code;
}

}  // namespace structio::rt::net
