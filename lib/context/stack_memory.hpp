// The operating system's part of stacks: reserving address space, giving pages back, making guards.
// Used by the stack pool and its slabs only; stack_memory.cpp is the file a port replaces.
#pragma once

#include <cstddef>

namespace structio::ctx::memory {

std::size_t page_size() noexcept;

/// Address space that takes memory only page by page as it is touched, never huge pages. Null when
/// there is none.
void* reserve(std::size_t bytes) noexcept;

/// False when the system refuses: unmapping a middle part makes one mapping more.
bool unreserve(void* memory, std::size_t bytes) noexcept;

/// Gives the pages back; the range stays reserved, its content is lost. Guards survive.
void discard(void* memory, std::size_t bytes) noexcept;

/// A guard that needs no mapping of its own (Linux 6.13 and later). False when the kernel does not
/// know it, or not for this memory (locked memory refuses it).
bool guard_by_madvise(void* memory, std::size_t bytes) noexcept;

/// A guard that costs two mappings of the process. False when it has no more.
bool guard_by_mprotect(void* memory, std::size_t bytes) noexcept;

/// Mappings that a process may have, or 0 when this system sets no such limit.
std::size_t mapping_limit() noexcept;

}  // namespace structio::ctx::memory
