// For tests in which memory is lost on purpose: the leak checker is told not to look at what is
// allocated meanwhile.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define STRUCTIO_TEST_LSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STRUCTIO_TEST_LSAN 1
#endif
#endif

#ifdef STRUCTIO_TEST_LSAN
#include <sanitizer/lsan_interface.h>
#endif

namespace support {

class leaks_expected {
 public:
#ifdef STRUCTIO_TEST_LSAN
  leaks_expected() {
    __lsan_disable();
  }
  ~leaks_expected() {
    __lsan_enable();
  }
#else
  leaks_expected() {}
#endif
  leaks_expected(const leaks_expected&) = delete;
  leaks_expected& operator=(const leaks_expected&) = delete;
};

}  // namespace support
