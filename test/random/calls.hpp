// The functions of the C ABI as one list, each callable with random arguments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "random/world.hpp"

namespace random_calls {

struct call_entry {
  std::string_view name;
  std::string_view threads;  ///< who may call it: any, hook, question, task, own
  std::string_view header;
  std::int64_t (*call)(caller& c, const call_entry& entry);
  std::vector<const char*> parameters;
};

const std::vector<call_entry>& all_calls();

/// Every call is to be printed.
bool traced();

/// Makes one call that `c` may make; what is left to the library is whether it is refused.
std::int64_t call_one(caller& c);

/// A task, a job, a callback: some calls, and an ending of its own choice. `arg` is made by pack().
int body(void* arg);
void drop(void* arg);
void* pack(caller& c);
caller unpack(void* arg);

}  // namespace random_calls
