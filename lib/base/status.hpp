// Status codes inside the library: `int`, negative on failure. The names come from the public list,
// so that the C ABI hands them out unchanged. Codes of the operating system pass through as they
// are.
#pragma once

#include <structio/structio_errors.h>

namespace structio::base {

/// Text of one of our own codes, or null when the code is not ours.
const char* own_error_text(int code) noexcept;

/// Name of one of our own codes ("STRUCTIO_ECANCELLED"), or null when the code is not ours.
const char* own_error_name(int code) noexcept;

}  // namespace structio::base
