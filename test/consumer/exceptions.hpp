// What a C++ runtime keeps of exceptions for each thread, structio keeps for each task. Whether it
// does when program and library have different C++ runtimes: for exceptions.cpp and plugin.cpp.
#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <structio/structio.hpp>

namespace consumer {

/// Lets other tasks run while an exception is on its way through this frame.
struct waits_while_unwinding {
  int& wrong;
  ~waits_while_unwinding() {
    for (int i = 0; i < 3; ++i) {
      if (std::uncaught_exceptions() != 1) ++wrong;
      structio::cancel_shielded_checkpoint();
    }
  }
};

/// Throws, waits while unwinding, waits in the handler with an exception inside another one, and
/// throws on: what arrives has to be its own.
inline void throw_and_wait(const std::string& name, int& wrong) {
  try {
    if (std::uncaught_exceptions() != 0 || std::current_exception()) ++wrong;
    const waits_while_unwinding waits{wrong};
    throw std::runtime_error(name);
  } catch (const std::runtime_error& caught) {
    structio::checkpoint();
    try {
      throw std::logic_error("inner " + name);
    } catch (const std::logic_error& inner) {
      structio::checkpoint();
      if (inner.what() != "inner " + name) ++wrong;
    }
    structio::checkpoint();
    if (caught.what() != name) ++wrong;
    throw;
  }
}

inline bool exceptions_keep_their_state() {
  int wrong = 0;
  int arrived = 0;
  structio::open_nursery([&](structio::nursery& n) {
    for (int i = 0; i < 20; ++i) {
      n.start_soon([&wrong, &arrived, i] {
        const std::string name = "task " + std::to_string(i);
        for (int round = 0; round < 10; ++round) {
          try {
            throw_and_wait(name, wrong);
          } catch (const std::exception& caught) {
            if (caught.what() == name) ++arrived;
          }
        }
      });
    }
  });
  return wrong == 0 && arrived == 200;
}

}  // namespace consumer
