// What stat says, in the C ABI's words. For the POSIX files of this folder.
#pragma once

#include <structio/structio_file.h>
#include <sys/stat.h>

namespace structio::rt::fs::os {

void tell(const struct stat& s, structio_file_info& out) noexcept;

}  // namespace structio::rt::fs::os
