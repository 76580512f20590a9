// Bad input at structio_select: a code and a message, and nothing has happened.
#include <thread>

#include "support/refusals.hpp"
#include "support/selects.hpp"

using namespace selects;

TEST_CASE("a select is a task's", "[FIB-18]") {
  const std::vector<guarded_call> calls = {
      {"structio_select", [] { return structio_select(nullptr, 0, nullptr); }}};
  CHECK(not_refused(calls, "run").empty());
  on_virtual_time([&](structio_nursery&) {
    structio_portal* portal = nullptr;
    CHECK(structio_portal_new(&portal) == 0);
    std::vector<std::string> wrong{"not called"};
    auto hook = [&] {
      wrong = not_refused(calls, "callback");
      return 0;
    };
    CHECK(structio_portal_post(portal, call<decltype(hook)>, &hook) == 0);
    structio_checkpoint();
    structio_checkpoint();
    CHECK(wrong.empty());
    structio_portal_free(portal);
  });
}

TEST_CASE("what cannot be selected from is refused, by the number of the case") {
  on_virtual_time([](structio_nursery&) {
    int_channel ready(1);
    int slot = 0;
    int item = 1;
    CHECK(send(ready.tx, 5) == 0);
    const auto refuses = [&](const structio_select_case& bad, int code,
                             std::initializer_list<const char*> words) {
      // Beside a case that is ready, and must not be done.
      const bool right = choose({receives(ready.rx, slot), bad}) == code && says(words) &&
                         says({"structio_select", "case 1"});
      return right && slot == 0 && statistics(ready.tx).buffer_used == 1;
    };
    CHECK(refuses(case_of(9), STRUCTIO_EINVALID, {"kind", "9"}));
    CHECK(refuses(case_of(UINT32_MAX), STRUCTIO_EINVALID, {"kind"}));
    CHECK(refuses(case_of(STRUCTIO_SELECT_RECEIVE, ready.rx), STRUCTIO_EINVALID, {"item", "NULL"}));
    CHECK(refuses(case_of(STRUCTIO_SELECT_SEND, ready.tx), STRUCTIO_EINVALID, {"item", "NULL"}));
    CHECK(refuses(after(-1), STRUCTIO_EINVALID, {"negative"}));
    CHECK(refuses(case_of(STRUCTIO_SELECT_SEND, ready.rx, &item), STRUCTIO_ESTALE, {"handle"}));
    CHECK(refuses(case_of(STRUCTIO_SELECT_RECEIVE, ready.tx, &item), STRUCTIO_ESTALE, {"handle"}));
    CHECK(refuses(case_of(STRUCTIO_SELECT_END, ready.tx), STRUCTIO_ESTALE, {"handle"}));
    auto noise = garbage<structio_event>(0xa5);
    CHECK(refuses(is_set(noise), STRUCTIO_EINVALID, {"not an initialised event"}));
    structio_receiver* freed = nullptr;
    CHECK(structio_receiver_clone(ready.rx, &freed) == 0);
    structio_receiver_free(freed);
    CHECK(refuses(receives(freed, item), STRUCTIO_ESTALE, {"handle"}));
    CHECK(choose({receives(ready.rx, slot)}) == 0);
  });
}

TEST_CASE("options and arrays that are none are refused") {
  on_virtual_time([](structio_nursery&) {
    structio_select_case one = after(0);
    structio_select_options options = STRUCTIO_SELECT_OPTIONS_INIT;
    CHECK(refused(structio_select(nullptr, 1, nullptr), STRUCTIO_EINVALID, {"cases", "NULL"}));
    options.flags = 4;
    CHECK(refused(structio_select(&one, 1, &options), STRUCTIO_EINVALID, {"flags"}));
    options.flags = 0;
    options.struct_size = 0;
    CHECK(refused(structio_select(&one, 1, &options), STRUCTIO_EINVALID, {"struct_size"}));
    options.struct_size = sizeof(size_t);
    CHECK(structio_select(&one, 1, &options) == 0);
  });
}

TEST_CASE("a task cannot wait for its own end") {
  on_virtual_time([](structio_nursery& n) {
    structio_task* self = nullptr;
    int64_t answer = 0;
    auto task = [&] {
      answer = choose({ends(self), after(5)});
      return 0;
    };
    CHECK(start_task(n, task, &self) == 0);
    settle();
    CHECK(refused(answer, STRUCTIO_EMISUSE, {"its own end"}));
    CHECK(structio_task_join(self, nullptr) == 0);
    structio_task_free(self);
  });
}

TEST_CASE("what belongs to another run is refused, and what belonged to one that has ended") {
  int_channel* left_over = nullptr;
  on_virtual_time([&](structio_nursery& n) {
    left_over = new int_channel(1);
    int_channel c(1);
    scoped_event event;
    int slot = 0;
    selecting waits_here;
    waits_here.start(n, {is_set(event)});
    std::thread other([&] {
      auto main = [&] {
        CHECK(choose({receives(c.rx, slot), after(0)}) == STRUCTIO_EMISUSE);
        CHECK(says({"another run", "case 0"}));
        CHECK(choose({after(0), is_set(event)}) == STRUCTIO_EMISUSE);
        CHECK(says({"another run", "case 1"}));
        return 0;
      };
      run(main);
    });
    other.join();
    waits_here.cancel();
    settle();
  });
  on_virtual_time([&](structio_nursery&) {
    int slot = 0;
    CHECK(choose({receives(left_over->rx, slot)}) == STRUCTIO_ECLOSED);
    CHECK(says({"has ended"}));
  });
  delete left_over;
}
