// The one way tests include Catch2: version 2.13 (Debian) and version 3 (upstream) keep their
// headers in different places and differ in a few names, which are made alike here.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#define STRUCTIO_CATCH_VERSION 3
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
#else
#include <catch2/catch.hpp>
#define STRUCTIO_CATCH_VERSION 2
using Catch::Matchers::StartsWith;

/// Catch2 3 calls it so; version 2 calls it Contains.
inline auto ContainsSubstring(const std::string& part) {
  return Catch::Matchers::Contains(part);
}
#endif
