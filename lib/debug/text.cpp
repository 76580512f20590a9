// Numbers, durations and strings, without locale, memory or deep stacks.
#include "debug/text.hpp"

namespace structio::rt::debug {
namespace {

struct unit {
  std::uint64_t size;
  const char* name;
};

constexpr unit units[] = {{3'600'000'000'000, "h"},
                          {60'000'000'000, "min"},
                          {1'000'000'000, "s"},
                          {1'000'000, "ms"},
                          {1'000, "us"}};

/// How many bytes the UTF-8 sequence at `s` has: 0 when it is not a valid one.
unsigned sequence_length(const unsigned char* s) noexcept {
  unsigned length = 0;
  std::uint32_t least = 0;
  std::uint32_t value = 0;
  if (s[0] < 0x80) return 1;
  if ((s[0] & 0xe0) == 0xc0) {
    length = 2, least = 0x80, value = s[0] & 0x1fu;
  } else if ((s[0] & 0xf0) == 0xe0) {
    length = 3, least = 0x800, value = s[0] & 0x0fu;
  } else if ((s[0] & 0xf8) == 0xf0) {
    length = 4, least = 0x10000, value = s[0] & 0x07u;
  } else {
    return 0;
  }
  for (unsigned i = 1; i < length; ++i) {  // a terminator in between is no continuation
    if ((s[i] & 0xc0) != 0x80) return 0;
    value = value << 6 | (s[i] & 0x3fu);
  }
  const bool surrogate = value >= 0xd800 && value < 0xe000;
  return value < least || value > 0x10ffff || surrogate ? 0 : length;
}

}  // namespace

void writer::number(std::uint64_t n) noexcept {
  char digits[20];
  int count = 0;
  do {
    digits[count++] = static_cast<char>('0' + n % 10);
    n /= 10;
  } while (n != 0);
  while (count > 0) put(digits[--count]);
}

void writer::signed_number(std::int64_t n) noexcept {
  if (n < 0) put('-');
  number(n < 0 ? 0 - static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n));
}

void writer::duration(std::int64_t nanoseconds) noexcept {
  const auto n = static_cast<std::uint64_t>(nanoseconds);
  for (const unit& u : units) {
    if (n < u.size) continue;
    // Tenths while there are fewer than a hundred units.
    const std::uint64_t tenths = (n + u.size / 20) / (u.size / 10);
    number(tenths / 10);
    if (tenths < 1000 && tenths % 10 != 0) {
      put('.');
      put(static_cast<char>('0' + tenths % 10));
    }
    add(u.name);
    return;
  }
  number(n);
  add("ns");
}

void writer::clean(const char* text) noexcept {
  for (; *text; ++text) {
    const auto c = static_cast<unsigned char>(*text);
    put(c < 0x20 || c == 0x7f ? ' ' : *text);
  }
}

void writer::quoted(const char* text) noexcept {
  constexpr char hex[] = "0123456789abcdef";
  put('"');
  for (const auto* s = reinterpret_cast<const unsigned char*>(text); *s;) {
    const unsigned length = sequence_length(s);
    if (length == 0) {
      add("\\ufffd");
      ++s;
    } else if (*s == '"' || *s == '\\') {
      put('\\');
      put(static_cast<char>(*s++));
    } else if (*s < 0x20 || *s == 0x7f) {
      add("\\u00");
      put(hex[*s >> 4]);
      put(hex[*s++ & 15]);
    } else {
      for (unsigned i = 0; i < length; ++i) put(static_cast<char>(*s++));
    }
  }
  put('"');
}

}  // namespace structio::rt::debug
