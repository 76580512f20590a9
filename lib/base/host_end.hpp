// Interpreters end threads that come back to them during their own end by pthread_exit, in the
// middle of a callback. Nothing of ours can be unwound there: such a thread stays where it is, and
// goes with the process.
#pragma once

#include <cstddef>  // tells which C++ library this is

#ifdef __GLIBCXX__
#include <cxxabi.h>
#include <unistd.h>
#endif

namespace structio::base {

// A forced unwinding is caught by reference to no object at all, which sanitizers do not like.
/// What fn(arguments...) returns; it may be code of a host that ends the thread.
template <class Fn, class... Arguments>
__attribute__((no_sanitize("undefined"))) inline auto call_host(Fn fn, Arguments... arguments) {
#ifdef __GLIBCXX__
  try {
    return fn(arguments...);
  } catch (abi::__forced_unwind&) {
    for (;;) pause();  // it could not be caught for good, only let on
  }
#else
  return fn(arguments...);
#endif
}

}  // namespace structio::base
