// libuv's memory.
#pragma once

namespace structio::reactor {

/// From now on libuv takes its memory where the library does. Before anybody in the process has
/// used libuv.
void use_own_memory() noexcept;

}  // namespace structio::reactor
