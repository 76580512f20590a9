// Names to addresses and back; and resolvers and connectors of one's own, for tests above all.
//
//     for (const auto& a : structio::resolve("localhost", 80)) ...
#pragma once

#include <structio/structio_resolve.h>
#include <structio/detail/trampoline.hpp>
#include <structio/error.hpp>
#include <structio/net.hpp>
#include <structio/stream.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace structio {
inline namespace v0 {

enum class address_family : std::uint8_t {
  any = STRUCTIO_FAMILY_ANY,
  v4 = STRUCTIO_FAMILY_V4,
  v6 = STRUCTIO_FAMILY_V6,
};

/// A name to look up.
struct name_query {
  std::string host = {};     ///< a name or a numeric address; empty: this machine
  std::string service = {};  ///< a name such as "http"; empty: the port
  std::uint16_t port = 0;
  address_family family = address_family::any;
  bool listening = false;  ///< addresses to listen on
};

/// Looks up a name: numeric addresses, in the order in which they are to be tried. Checkpoint.
/// Cancelled: at once, nothing has happened. Throws `cancelled`, error (no such name),
/// std::invalid_argument (an address of the other family); what the run's resolver threw.
inline std::vector<tcp_address> resolve(const name_query& query) {
  structio_resolve_options raw{};
  raw.struct_size = sizeof raw;
  raw.host = query.host.empty() ? nullptr : detail::without_zeros(query.host, "a host").c_str();
  raw.service =
      query.service.empty() ? nullptr : detail::without_zeros(query.service, "a service").c_str();
  raw.port = query.port;
  raw.family = static_cast<std::uint8_t>(query.family);
  raw.listening = query.listening ? 1 : 0;
  structio_addresses* found = nullptr;
  const int status = detail::uncancelled_in_cleanup([&] { return structio_resolve(&raw, &found); });
  if (status < 0) detail::throw_in_flight(status);
  struct holder {
    structio_addresses* raw;
    ~holder() { structio_addresses_free(raw); }
  } const held{found};
  std::vector<tcp_address> all;
  const auto count = static_cast<std::size_t>(structio_addresses_count(found));
  for (std::size_t i = 0; i < count; ++i) {
    char host[64];
    tcp_address one;
    structio_addresses_at(found, i, host, sizeof host, &one.port, nullptr);
    one.host = host;
    all.push_back(std::move(one));
  }
  return all;
}
inline std::vector<tcp_address> resolve(const std::string& host, std::uint16_t port) {
  return resolve(name_query{host, {}, port, address_family::any, false});
}

/// The name of a numeric address. Checkpoint. Throws `cancelled`, error, std::invalid_argument (no
/// numeric address).
inline std::string resolve_name(const std::string& host) {
  char name[256];
  detail::without_zeros(host, "a host");
  detail::blocking(
      [&] { return structio_resolve_name(host.c_str(), 0, name, sizeof name, nullptr, 0); });
  return name;
}

/// As long as it lives, names are looked up by `fn(const name_query&)`, which returns addresses (a
/// port of 0 stands for the one asked for) and may wait and throw. Make and destroy it in tasks or
/// hooks of its run, the last made first.
class scoped_resolver {
 public:
  using function = std::function<std::vector<tcp_address>(const name_query&)>;

  explicit scoped_resolver(function fn) : fn_(std::move(fn)) {
    detail::check(structio_set_resolver(entry, this, &former_, &former_arg_));
  }
  scoped_resolver(const scoped_resolver&) = delete;
  scoped_resolver& operator=(const scoped_resolver&) = delete;
  ~scoped_resolver() { structio_set_resolver(former_, former_arg_, nullptr, nullptr); }

 private:
  static int entry(const structio_resolve_options* raw, structio_address_sink* sink,
                   void* arg) noexcept {
    return detail::enter_as_call([&] {
      name_query query;
      if (raw->host) query.host = raw->host;
      if (raw->service) query.service = raw->service;
      query.port = raw->port;
      query.family = static_cast<address_family>(raw->family);
      query.listening = raw->listening != 0;
      for (const tcp_address& one : static_cast<scoped_resolver*>(arg)->fn_(query)) {
        detail::check(structio_address_sink_add(sink, one.host.c_str(), one.port));
      }
    });
  }

  function fn_;
  structio_resolver_fn former_ = nullptr;
  void* former_arg_ = nullptr;
};

/// As long as it lives, connect_tcp makes its connections by `fn(const tcp_address&)`, which
/// returns a stream of any kind and may wait and throw.
class scoped_connector {
 public:
  using function = std::function<any_stream(const tcp_address&)>;

  explicit scoped_connector(function fn) : fn_(std::move(fn)) {
    detail::check(structio_set_connector(entry, this, &former_, &former_arg_));
  }
  scoped_connector(const scoped_connector&) = delete;
  scoped_connector& operator=(const scoped_connector&) = delete;
  ~scoped_connector() { structio_set_connector(former_, former_arg_, nullptr, nullptr); }

 private:
  static int entry(const char* host, std::uint16_t port, structio_stream** out,
                   void* arg) noexcept {
    return detail::enter_as_call([&] {
      *out = static_cast<scoped_connector*>(arg)->fn_(tcp_address{host, port}).release();
    });
  }

  function fn_;
  structio_connector_fn former_ = nullptr;
  void* former_arg_ = nullptr;
};

}  // namespace v0
}  // namespace structio
