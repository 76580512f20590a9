// What tests of misuse share: storage that is not initialised, and a look at code and message of a
// refusal at once.
#pragma once

#include <cstring>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "support/c_blocks.hpp"

namespace c_tasks {

/// True when the call was refused with this code, and its message has these words.
inline bool refused(std::int64_t status, int code, std::initializer_list<const char*> words) {
  return status == code && says(words);
}

/// Storage as the stack leaves it: zeros, or the same byte all over.
template <class Storage>
Storage garbage(unsigned char byte = 0) {
  Storage storage;
  std::memset(&storage, byte, sizeof storage);
  return storage;
}

/// One function, with a call of it that would be right in a task.
struct guarded_call {
  const char* name;
  std::function<std::int64_t()> call;
};

/// Those of them that answer otherwise than with STRUCTIO_ENOTASK and a message with their name and
/// `word`.
inline std::vector<std::string> not_refused(const std::vector<guarded_call>& calls,
                                            const char* word) {
  std::vector<std::string> wrong;
  for (const guarded_call& c : calls) {
    const std::int64_t status = c.call();
    if (!refused(status, STRUCTIO_ENOTASK, {c.name, word})) {
      wrong.push_back(std::string(c.name) + ": " + std::to_string(status) + " " + message());
    }
  }
  return wrong;
}

}  // namespace c_tasks
