// Names and addresses, and the run's own resolver and connector.
#include <structio/structio_resolve.h>

#include "base/memory.hpp"
#include "net/dial.hpp"
#include "net/resolve.hpp"
#include "object.hpp"
#include "runtime/user_call.hpp"

using namespace structio;
using namespace structio::capi;
namespace net = structio::rt::net;

namespace {

net::address_list* addresses_of(const structio_addresses* h, const char* call) noexcept {
  return handle<net::address_list>(base::handle_kind::addresses, h, call);
}

/// What a resolver of the user's adds to.
struct sink {
  net::address_list& out;
  std::uint16_t port;
};

template <class Fn>
void (*erased(Fn fn) noexcept)() {
  return reinterpret_cast<void (*)()>(fn);
}

int ask_user(const reactor::name_query& query, net::address_list& out, const net::resolver& self) {
  structio_resolve_options asked{};
  asked.struct_size = sizeof asked;
  asked.host = query.host;
  asked.service = query.service;
  asked.port = query.port;
  asked.family = static_cast<std::uint8_t>(query.family);
  asked.listening = query.listening;
  sink adds{out, query.port};
  return rt::call_user(*rt::current_runtime(), [&] {
    return reinterpret_cast<structio_resolver_fn>(self.user_fn)(
        &asked, reinterpret_cast<structio_address_sink*>(&adds), self.arg);
  });
}

// A stream of the user's making, which has to be one of this run.
int connect_as_user(const net::address& to, rt::stream::byte_stream*& out,
                    const net::connector& self) {
  char host[64];
  std::uint16_t port = 0;
  if (const int code = net::format(to, host, sizeof host, &port)) return code;
  structio_stream* made = nullptr;
  int returned = 0;
  const int code = rt::call_user(*rt::current_runtime(), [&] {
    return returned =
               reinterpret_cast<structio_connector_fn>(self.user_fn)(host, port, &made, self.arg);
  });
  if (returned < 0) return code;
  const auto s = find<rt::stream::byte_stream>(base::handle_kind::stream, made,
                                               "structio_connector_fn", false);
  if (code < 0) {  // it has made one and failed all the same
    if (s.object) rt::stream::free(*s.object);
    return code;
  }
  out = s.object;
  return out ? 0 : refused();
}

/// Sets a resolver or connector of the run, and tells the former one.
template <class Part, class Fn>
int exchange(const char* call, int (*set)(rt::runtime&, const Part&, Part&) noexcept,
             const Part& given, Fn* former, void** former_arg) noexcept {
  rt::runtime* r = in_run(call);
  if (!r) return refused();
  Part before;
  if (const int code = set(*r, given, before)) return code;
  if (former) *former = reinterpret_cast<Fn>(before.user_fn);
  if (former_arg) *former_arg = before.arg;
  return 0;
}

}  // namespace

int structio_resolve(const structio_resolve_options* given, structio_addresses** out) {
  constexpr const char* call = "structio_resolve";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  if (!options_fit(given, call)) return refused();
  const structio_resolve_options options = whole(given);
  if (options.family != STRUCTIO_FAMILY_ANY && options.family != STRUCTIO_FAMILY_V4 &&
      options.family != STRUCTIO_FAMILY_V6) {
    return fail(STRUCTIO_EINVALID, "%s: %u is no address family", call, options.family);
  }
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  reactor::name_query query{};
  query.host = options.host && *options.host ? options.host : nullptr;
  query.service = options.service;
  query.port = options.port;
  query.family = static_cast<reactor::address_family>(options.family);
  query.listening = options.listening != 0;
  auto* list = base::make<net::address_list>();
  void* made = list ? base::handle_make(base::handle_kind::addresses, list) : nullptr;
  if (!made) {
    base::destroy(list);
    return fail(STRUCTIO_ENOMEM, "%s: no memory for addresses", call);
  }
  const int code = net::resolve(*r, query, *list);
  if (code == 0) {
    *out = static_cast<structio_addresses*>(made);
    return 0;
  }
  base::handle_drop(base::handle_kind::addresses, made);
  base::destroy(list);
  return code;
}

int64_t structio_addresses_count(const structio_addresses* addresses) {
  const auto* list = addresses_of(addresses, "structio_addresses_count");
  return list ? static_cast<int64_t>(list->size()) : refused();
}

int structio_addresses_at(const structio_addresses* addresses, size_t index, char* host,
                          size_t size, uint16_t* port, uint32_t* family) {
  constexpr const char* call = "structio_addresses_at";
  const auto* list = addresses_of(addresses, call);
  if (!list) return refused();
  if (index >= list->size()) {
    return fail(STRUCTIO_EABSENT, "%s: there are %zu addresses", call, list->size());
  }
  const net::address& a = (*list)[index];
  if (family) *family = net::is_v6(a) ? STRUCTIO_FAMILY_V6 : STRUCTIO_FAMILY_V4;
  return net::format(a, host, size, port);
}

int structio_addresses_free(structio_addresses* addresses) {
  if (!addresses) return 0;
  void* list = base::handle_drop(base::handle_kind::addresses, addresses);
  if (!list) return fail(STRUCTIO_ESTALE, "structio_addresses_free: freed before, or no addresses");
  base::destroy(static_cast<net::address_list*>(list));
  return 0;
}

int structio_resolve_name(const char* host, uint16_t port, char* name, size_t name_size,
                          char* service, size_t service_size) {
  constexpr const char* call = "structio_resolve_name";
  if (!host) return null_argument(call, "host");
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  net::address a;
  if (const int code = net::parse(host, port, a)) return code;
  return net::resolve_name(*r, a, name, name_size, service, service_size);
}

structio_limiter* structio_resolver_limiter(void) {
  rt::runtime* r = in_task_without_waiting("structio_resolver_limiter");
  return r ? reinterpret_cast<structio_limiter*>(net::resolver_limiter(*r)) : nullptr;
}

int structio_address_sink_add(structio_address_sink* to, const char* host, uint16_t port) {
  constexpr const char* call = "structio_address_sink_add";
  if (!to) return null_argument(call, "sink");
  if (!host) return null_argument(call, "host");
  auto& adds = *reinterpret_cast<sink*>(to);
  net::address a;
  if (const int code = net::parse(host, port ? port : adds.port, a)) return code;
  return adds.out.add(a) ? 0 : fail(STRUCTIO_ENOMEM, "%s: no memory for an address", call);
}

int structio_set_resolver(structio_resolver_fn resolver, void* arg, structio_resolver_fn* former,
                          void** former_arg) {
  const net::resolver given{resolver ? ask_user : nullptr, erased(resolver), arg};
  return exchange("structio_set_resolver", net::set_resolver, given, former, former_arg);
}

int structio_set_connector(structio_connector_fn connector, void* arg,
                           structio_connector_fn* former, void** former_arg) {
  const net::connector given{connector ? connect_as_user : nullptr, erased(connector), arg};
  return exchange("structio_set_connector", net::set_connector, given, former, former_arg);
}
