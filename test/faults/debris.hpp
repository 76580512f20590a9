// What a process holds at a moment: descriptors, mappings, handles, blocks of the heap. Taken
// before and after a run it shows what the run has left.
#pragma once

#include <dirent.h>

#include <cstdio>
#include <ostream>

#include "base/handle_table.hpp"
#include "faults/failing_malloc.hpp"

struct debris {
  int descriptors = 0;
  int mappings = 0;  // 0 under a sanitizer or Valgrind, which map memory as they go
  std::size_t handles = 0;
  std::int64_t blocks = 0;  // 0 where they count them

  static debris now() {
    debris d;
    d.blocks = failing_malloc::living;
    d.handles = structio::base::handle_count();
    if (DIR* folder = opendir("/proc/self/fd")) {
      while (readdir(folder)) ++d.descriptors;
      closedir(folder);
    }
    if (!failing_malloc::in_charge()) return d;
    if (std::FILE* maps = std::fopen("/proc/self/maps", "re")) {
      for (int c = std::fgetc(maps); c != EOF; c = std::fgetc(maps)) d.mappings += c == '\n';
      std::fclose(maps);
    }
    return d;
  }

  bool operator==(const debris&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const debris& d) {
  return out << "{descriptors " << d.descriptors << ", mappings " << d.mappings << ", handles "
             << d.handles << ", blocks " << d.blocks << "}";
}
