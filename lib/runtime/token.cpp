// One post for each token at most: it carries its own node, so that a signal handler need not
// allocate.
#include "runtime/token.hpp"

#include "base/memory.hpp"
#include "runtime/cancel.hpp"
#include "runtime/runtime.hpp"

namespace structio::rt {
namespace {

void arrived(runtime&, post_node& node) noexcept {
  auto& token = static_cast<token_node&>(node);
  if (token.target) {
    scope_cancel(*token.target, cancel_source::explicit_call, nullptr, "by a cancel token");
  }
  token_release(token);
}

void matters_no_more(token_node& token) noexcept {
  if (token.matters.exchange(false, std::memory_order_acq_rel)) token.core->let_go();
}

}  // namespace

token_node* token_make(runtime& rt, scope& s) noexcept {
  auto* token = base::make<token_node>();
  if (!token) return nullptr;
  token->run = arrived;
  token->core = rt.door;
  token->core->retain();
  token->core->outside.fetch_add(1, std::memory_order_relaxed);
  token->target = &s;
  token->references.store(2, std::memory_order_relaxed);  // the caller's and the scope's
  token->next_of_scope = s.tokens;
  s.tokens = token;
  s.laden = true;
  return token;
}

bool token_cancel(token_node& token) noexcept {
  token.references.fetch_add(1, std::memory_order_relaxed);  // for the way through the portal
  const int posted = token.core->post_first(token, token.asked);
  if (posted != 1) token_release(token);  // not the last: the caller has one
  return posted >= 0;
}

void token_release(token_node& token) noexcept {
  if (token.references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  token.core->release();
  base::destroy(&token);
}

void token_free(token_node& token) noexcept {
  matters_no_more(token);
  token_release(token);
}

void tokens_detach(scope& s) noexcept {
  while (token_node* token = s.tokens) {
    s.tokens = token->next_of_scope;
    token->target = nullptr;
    matters_no_more(*token);
    token_release(*token);
  }
}

}  // namespace structio::rt
