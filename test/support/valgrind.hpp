// Lets a test step aside under Valgrind, where the kernel's limits and counts are not what they
// seem.
#pragma once

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
inline bool under_valgrind() {
  return RUNNING_ON_VALGRIND != 0;
}
#else
inline bool under_valgrind() {
  return false;
}
#endif
