// What tests of readiness share: a task that waits for a descriptor, the numbers of who waits.
#pragma once

#include <structio/structio_readiness.h>

#include <cstdint>

#include "support/c_blocks.hpp"
#include "support/catch.hpp"
#include "support/descriptors.hpp"
#include "support/op_proof.hpp"

namespace readiness_test {

using namespace c_tasks;
using namespace descriptors;

using wait_fn = int (*)(int);

// A task that waits for a descriptor, in a scope of its own.
struct waiting {
  wait_fn wait = structio_wait_readable;
  int descriptor = -1;
  structio_scope scope;
  int status = 1;  // still waiting

  int operator()() {
    return scope_block(scope, [&] {
      status = wait(descriptor);
      return status == STRUCTIO_ECANCELLED ? status : 0;
    });
  }
  void start(structio_nursery& n, wait_fn how, int which) {
    wait = how;
    descriptor = which;
    status = 1;
    spawn(n, "waiting", *this);
  }
  bool waits() const { return status == 1; }
};

struct counted {
  uint64_t readable;
  uint64_t writable;
  uint64_t pending;
  counted() {
    structio_statistics s{};
    s.struct_size = sizeof s;
    structio_get_statistics(&s);
    readable = s.waiting_readable;
    writable = s.waiting_writable;
    pending = s.io_pending;
  }
  bool are(uint64_t read, uint64_t write) const {
    return readable == read && writable == write && pending == read + write;
  }
};

template <class Body>
void in_nursery(Body&& body) {
  auto main = [&] {
    return nursery_block([&](structio_nursery& n) {
      body(n);
      return 0;
    });
  };
  structio_run_options options = run_options();
  options.budget = 1;  // so that giving way can be seen each time
  CHECK(run(main, options) == 0);
}

template <class Fn>
bool is_checkpoint(Fn fn) {
  return op_proof::halves(fn) == 2;
}

}  // namespace readiness_test
