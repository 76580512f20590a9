// What paths lead to, as the operating system has it: calls that block, for worker threads, as in
// os_file.hpp. What takes long asks `stop` now and then, and ends with what that answers if it is
// not 0.
#pragma once

#include <structio/structio_directory.h>

#include "fs/os_file.hpp"

namespace structio::rt::fs::os {

int info_of(const char* path, bool follow, structio_file_info& out) noexcept;

int make_directory(const char* path, std::uint32_t permissions) noexcept;
/// And those above; one that is there is as good.
int make_directories(const char* path, std::uint32_t permissions) noexcept;

/// For each entry a byte with its type, its name, a zero; `count` of them.
int list(const char* path, bytes& entries, std::size_t& count, int (*stop)() noexcept) noexcept;

/// Paths that match, in order, in the same form; their type is not told.
int glob(const char* pattern, bytes& entries, std::size_t& count) noexcept;

int remove(const char* path) noexcept;
/// How many things were removed.
std::int64_t remove_all(const char* path, int (*stop)() noexcept) noexcept;

int rename(const char* from, const char* to) noexcept;
int link(const char* existing, const char* name) noexcept;
/// Of a code of link(): the file system has no such thing.
bool knows_no_links(int code) noexcept;
int symlink(const char* text, const char* name) noexcept;
int set_permissions_of(const char* path, std::uint32_t permissions) noexcept;
int set_times(const char* path, std::int64_t accessed, std::int64_t modified) noexcept;

int read_link(const char* path, bytes& text) noexcept;
int real(const char* path, bytes& out) noexcept;
/// Of a path that leads to nothing: where what is made there comes to be, which links may lead to.
int place_of(const char* path, bytes& out) noexcept;
int current(bytes& out) noexcept;
int home(bytes& out) noexcept;
/// Where temporary things go, with a separator at its end.
int temporary_folder(bytes& out) noexcept;

/// The name ends in six X, which become what nobody else has. A descriptor, open both ways; or 0.
std::int64_t make_unique_file(char* name) noexcept;
int make_unique_directory(char* name) noexcept;

/// The part of a path that names the folder, with a separator at its end; 0: there is none.
std::size_t folder_size(const char* path) noexcept;
/// Has the disk know of names that were made or exchanged in the folder of `path`.
int sync_folder_of(const char* path) noexcept;

extern const int exists_already;  ///< codes of the system's
extern const int no_such_file;
extern const int not_a_directory;
extern const int not_a_file;
extern const int is_directory;
extern const int no_progress;  ///< nothing was written, and no reason told

}  // namespace structio::rt::fs::os
