// Log lines, quiet by default: STRUCTIO_LOG=debug|info|warn|error chooses the least level shown.
// A host program may take the lines itself with set_log_sink. Never called on a hot path.
#pragma once

#include <cstdint>

namespace structio::base {

/// Values as in enum structio_log_level. `unset`: what the environment says, or the build.
enum class log_level : std::uint32_t { unset, debug, info, warn, error, off };

/// Called by any thread, several at once.
using log_sink = void (*)(std::uint32_t level, const char* text, void* arg);

/// Formats like printf and writes one line when `level` is enabled. Thread-safe.
[[gnu::format(printf, 2, 3)]] void log(log_level level, const char* format, ...) noexcept;

bool log_enabled(log_level level) noexcept;

/// Replaces the destination; null restores the standard one (stderr). Lines below `least` are not
/// written; `unset`: what the environment says. Returns once no other thread is in the sink that
/// was there. False, and nothing is changed, in a sink. Any thread.
bool set_log_sink(log_sink sink, void* arg, log_level least = log_level::unset) noexcept;

}  // namespace structio::base
