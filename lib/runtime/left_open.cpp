// Closing what a function left open.
#include "runtime/left_open.hpp"

#include "base/message.hpp"
#include "base/status.hpp"

namespace structio::rt {
namespace {

// A function may as well have left a scope of its caller's; then nothing is to be closed.
bool is_around(const task& t, const scope* limit) noexcept {
  const scope* s = t.innermost;
  while (s != t.base && s != limit) s = s->outer;
  return s == limit;
}

}  // namespace

int close_what_is_open(task& t, const scope* limit, int status) noexcept {
  if (is_around(t, limit)) {
    const int found = scopes_abandon(t, limit);
    base::fail(STRUCTIO_EMISUSE,
               "task '%s' ended with %d cancel scope%s or nurser%s still open: leave each before "
               "returning",
               t.name, found, found == 1 ? "" : "s", found == 1 ? "y" : "ies");
  } else {
    base::fail(STRUCTIO_EMISUSE, "a function left a scope of its caller's in task '%s'", t.name);
  }
  return status < 0 && status != STRUCTIO_ECANCELLED ? status : STRUCTIO_EMISUSE;
}

}  // namespace structio::rt
