// A plug-in that uses structio and that a program loads: copies.c loads two, each with a copy of
// the library of its own.
#define main program_main
#include "program.cpp"
#undef main

#include "exceptions.hpp"

/// Runs tasks; one of them calls `inner`, if there is one, while it handles an exception and others
/// wait. 0: all went well.
extern "C" __attribute__((visibility("default"))) int plugin_run(int (*inner)()) {
  if (program_main() != 0) return 1;
  return structio::run([inner] {
    int wrong = 0;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        if (!consumer::exceptions_keep_their_state()) ++wrong;
      });
      n.start_soon([&] {
        try {
          throw std::runtime_error("mine");
        } catch (const std::runtime_error& caught) {
          structio::sleep(1ms);
          if (inner != nullptr && inner() != 0) ++wrong;
          structio::sleep(1ms);
          if (!structio::in_task() || caught.what() != std::string_view("mine")) ++wrong;
        }
      });
    });
    return wrong == 0 ? 0 : 2;
  });
}
