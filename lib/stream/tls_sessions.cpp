// The sessions that a client may resume.
#include <cstring>

#include "base/memory.hpp"
#include "stream/tls_state.hpp"

namespace structio::rt::stream {

namespace {
constexpr std::size_t most_sessions = 128;
}

session_store::~session_store() {
  while (entry* e = newest_) {
    newest_ = e->older;
    SSL_SESSION_free(e->session);
    base::destroy(e);
  }
}

session_store::entry* session_store::take(const char* name) noexcept {
  for (entry** at = &newest_; *at; at = &(*at)->older) {
    entry* e = *at;
    if (std::strcmp(e->name, name) != 0) continue;
    *at = e->older;
    --count_;
    return e;
  }
  return nullptr;
}

void session_store::drop_oldest() noexcept {
  entry** at = &newest_;
  while ((*at)->older) at = &(*at)->older;
  SSL_SESSION_free((*at)->session);
  base::destroy(*at);
  *at = nullptr;
  --count_;
}

bool session_store::put(const char* name, SSL_SESSION* session) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  entry* e = take(name);
  if (e) {
    SSL_SESSION_free(e->session);
  } else {
    e = base::make<entry>();
    if (!e) return false;
    std::strncpy(e->name, name, sizeof e->name - 1);
    e->name[sizeof e->name - 1] = 0;
  }
  e->session = session;
  e->older = newest_;
  newest_ = e;
  if (++count_ > most_sessions) drop_oldest();
  return true;
}

SSL_SESSION* session_store::get(const char* name) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  entry* e = take(name);
  if (!e) return nullptr;
  SSL_SESSION* session = e->session;
  // Seen twice, a ticket of TLS 1.3 would tell who listens in that it is the same client.
  if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION) {
    base::destroy(e);
    return session;
  }
  SSL_SESSION_up_ref(session);
  e->older = newest_;
  newest_ = e;
  ++count_;
  return session;
}

}  // namespace structio::rt::stream
