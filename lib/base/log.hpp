// Log lines, quiet by default: STRUCTIO_LOG=debug|info|warn|error chooses the least level shown.
// A host program may take the lines itself with set_log_sink. Never called on a hot path.
#pragma once

namespace structio::base {

enum class log_level : int { debug = 0, info = 1, warn = 2, error = 3, off = 4 };

/// Called by any thread, several at once.
using log_sink = void (*)(void* arg, int level, const char* text);

/// Formats like printf and writes one line when `level` is enabled. Thread-safe.
[[gnu::format(printf, 2, 3)]] void log(log_level level, const char* format, ...) noexcept;

bool log_enabled(log_level level) noexcept;

/// Replaces the destination; null restores the standard one (stderr). Any thread; another one may
/// still be in the sink that was there.
void set_log_sink(log_sink sink, void* arg) noexcept;

/// Overrides what the environment said. Thread-safe.
void set_log_level(log_level level) noexcept;

}  // namespace structio::base
