// What the face needs of the C++ runtime: <cxxabi.h>, with a function of the Itanium C++ ABI that
// libc++abi has but does not declare. Included by unwinding.hpp, exceptions.hpp and run.hpp.
#pragma once

#include <cxxabi.h>

#ifdef _LIBCPPABI_VERSION
namespace __cxxabiv1 {
struct __cxa_eh_globals;
extern "C" __cxa_eh_globals* __cxa_get_globals();
}  // namespace __cxxabiv1
#endif
