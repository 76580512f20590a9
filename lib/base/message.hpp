// The one-line explanation behind a status: what structio_last_message hands out. One per thread; a
// function that refuses a call writes it and returns the code in one statement.
#pragma once

namespace structio::base {

/// Remembers the formatted line for this thread and returns `code`.
[[gnu::format(printf, 2, 3)]] int fail(int code, const char* format, ...) noexcept;

/// The last line of this thread; never null.
const char* last_message() noexcept;

/// As if nothing had failed yet on this thread.
void forget_message() noexcept;

/// The code that the last line belongs to; 0 when nothing has failed yet.
int last_code() noexcept;

}  // namespace structio::base
