// What tests of worker threads share: a job from a lambda, a limiter that counts, work for a thread
// that is left alone.
#pragma once

#include <structio/structio_thread.h>

#include <memory>
#include <vector>

#include "support/c_blocks.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"

namespace thread_test {

using c_tasks::call;

// A limiter of the test's own that counts, lends at once, and can be made to fail.
struct counting_tokens {
  int borrowed = 0;
  int acquired = 0;
  int fail_release = 0;
  std::vector<const void*> borrowers;
  structio_thread_tokens tokens{};
  structio_thread_options options = STRUCTIO_THREAD_OPTIONS_INIT;

  counting_tokens() {
    tokens.struct_size = sizeof tokens;
    tokens.limiter = this;
    tokens.acquire_on_behalf = [](void* self, const void* borrower) {
      auto& of = *static_cast<counting_tokens*>(self);
      ++of.borrowed;
      ++of.acquired;
      of.borrowers.push_back(borrower);
      return 0;
    };
    tokens.release_on_behalf = [](void* self, const void* borrower) {
      auto& of = *static_cast<counting_tokens*>(self);
      CHECK(of.borrowers.back() == borrower);
      if (of.fail_release != 0) return c_tasks::fail(of.fail_release, "the limiter is broken");
      --of.borrowed;
      return 0;
    };
    options.tokens = &tokens;
  }
};

template <class Fn>
int in_thread(Fn& fn, const structio_thread_options* options = nullptr) {
  return structio_run_in_thread(call<Fn>, &fn, options);
}

// What an abandoned thread works with: on the heap, freed by its drop function.
struct left_alone {
  std::shared_ptr<support::gate> gate = std::make_shared<support::gate>();
  std::shared_ptr<support::counter> begun = std::make_shared<support::counter>();
  std::shared_ptr<support::counter> ended = std::make_shared<support::counter>();
  static int go(void* arg) {
    auto* self = static_cast<left_alone*>(arg);
    self->begun->add();
    self->gate->wait();
    return 0;
  }
  static void drop(void* arg) {
    auto* self = static_cast<left_alone*>(arg);
    const auto counter = self->ended;
    delete self;
    counter->add();
  }
};

inline structio_thread_options abandonable() {
  structio_thread_options options = STRUCTIO_THREAD_OPTIONS_INIT;
  options.abandon_on_cancel = 1;
  options.drop = left_alone::drop;
  return options;
}

}  // namespace thread_test
