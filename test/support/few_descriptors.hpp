// A process that has no descriptors left, for as long as an object lives.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support/catch.hpp"

namespace support {

/// Leaves room for `spare` more descriptors, whose numbers are the lowest that are free.
class few_descriptors {
 public:
  explicit few_descriptors(int spare = 0) {
    REQUIRE(getrlimit(RLIMIT_NOFILE, &usual_) == 0);
    rlimit low = usual_;
    const int next = lowest_free(spare);
    low.rlim_cur = static_cast<rlim_t>(next);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
  }
  few_descriptors(const few_descriptors&) = delete;
  few_descriptors& operator=(const few_descriptors&) = delete;
  ~few_descriptors() { setrlimit(RLIMIT_NOFILE, &usual_); }

 private:
  /// The number that would be given out after `spare` others.
  static int lowest_free(int spare) {
    const int number = ::open("/dev/null", O_RDONLY);
    REQUIRE(number >= 0);
    const int result = spare == 0 ? number : lowest_free(spare - 1);
    ::close(number);
    return result;
  }

  rlimit usual_{};
};

}  // namespace support
