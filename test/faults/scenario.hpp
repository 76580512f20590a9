// One run that uses about everything once: nurseries, handles, services, starts, scopes with
// deadlines and tokens, failures, locals, lots, portals, TCP. It holds no opinion on what works:
// whatever is refused it does without, and it notes whether anything was refused for want of
// memory.
#pragma once

#include <cstdint>

namespace scenario {

struct report {
  int status = 0;          // what structio_run returned
  int no_memory = 0;       // calls that said so
  int strange = 0;         // the first code that has no business to appear, 0: none
  const char* where = "";  // and the step it came from
  int begun = 0;           // tasks
  int ended = 0;
  bool whole = false;  // main has come to its end
};

report play();

}  // namespace scenario
