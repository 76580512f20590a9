// What each function does when it is cancelled: the table of the ABI, and for every entry a proof
// that it is so. A new entry without a proof fails here; an area with a test file of its own has
// its proofs there.
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "support/c_tasks.hpp"
#include "support/catch.hpp"
#include "support/op_proof.hpp"

using namespace c_tasks;
using op_proof::aborted;
using op_proof::cancelled;
using op_proof::halves;

namespace {

structio_op_info empty_info() {
  structio_op_info info{};
  info.struct_size = sizeof info;
  return info;
}

std::map<std::string, structio_op_info> table() {
  std::map<std::string, structio_op_info> all;
  structio_op_info info = empty_info();
  for (std::size_t i = 0; structio_op_at(i, &info) == 0; ++i) all[info.name] = info;
  return all;
}

int return_seven(void*) {
  return 7;
}

int just_checkpoint(void*) {
  return structio_checkpoint();
}

int started_at_once(void*) {
  return structio_started(nullptr);
}

int handler(structio_stream*, void*) {
  return 0;
}

/// Two ends of a connection, and the listener between them.
struct connection {
  connection() {
    structio_tcp_listen_options listen{};
    listen.struct_size = sizeof listen;
    listen.host = "127.0.0.1";
    CHECK(structio_tcp_listen(&listen, &listener) == 0);
    uint16_t port = 0;
    structio_listener_address(listener, nullptr, 0, &port);
    to.struct_size = sizeof to;
    to.port = port;
    CHECK(structio_tcp_connect(&to, &client) == 0);
    CHECK(structio_listener_accept(listener, &server) == 0);
  }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection() {
    structio_stream_free(client);
    structio_stream_free(server);
    structio_listener_free(listener);
  }

  structio_listener* listener = nullptr;
  structio_stream* client = nullptr;
  structio_stream* server = nullptr;
  structio_tcp_connect_options to{};
};

/// One more task beside the calling one, which waits.
struct sleeper {
  sleeper() {
    structio_nursery_open(&home);
    CHECK(structio_nursery_start_task(
              &home, nullptr, [](void*) { return structio_sleep_forever(); }, nullptr, &task) == 0);
    structio_wait_all_tasks_blocked(0);
  }
  sleeper(const sleeper&) = delete;
  sleeper& operator=(const sleeper&) = delete;
  ~sleeper() {
    structio_task_cancel(task, nullptr);
    structio_task_free(task);
    structio_nursery_close(&home, 0, nullptr);
  }
  structio_nursery home;
  structio_task* task = nullptr;
};

void prove_checkpoints() {
  CHECK(halves(structio_checkpoint) == 2);
  CHECK(cancelled(structio_checkpoint) == aborted);
  CHECK(halves(structio_checkpoint_if_cancelled) == 1);
  CHECK(cancelled(structio_checkpoint_if_cancelled) == aborted);
  CHECK(halves(structio_cancel_shielded_checkpoint) == 1);
  CHECK(cancelled(structio_cancel_shielded_checkpoint) == 0);
}

void prove_sleeping() {
  const int64_t begin = structio_now();
  CHECK(halves([] { structio_sleep(0); }) == 2);
  CHECK(halves([] { structio_sleep(5); }) == 2);
  CHECK(halves([begin] { structio_sleep_until(begin); }) == 2);
  CHECK(halves([] { structio_wait_all_tasks_blocked(0); }) == 2);
  const int64_t later = structio_now();
  CHECK(cancelled([] { return structio_sleep(0); }) == aborted);
  CHECK(cancelled([] { return structio_sleep(5); }) == aborted);
  CHECK(cancelled([begin] { return structio_sleep_until(begin); }) == aborted);
  CHECK(cancelled(structio_sleep_forever) == aborted);
  CHECK(cancelled([] { return structio_wait_all_tasks_blocked(0); }) == aborted);
  CHECK(structio_now() == later);
}

void prove_parking() {
  structio_lot lot;
  structio_lot_init(&lot);
  CHECK(cancelled([&] { return structio_lot_park(&lot); }) == aborted);
  CHECK(structio_lot_waiting(&lot) == 0);
  structio_lot_destroy(&lot);

  structio_waiter waiter;
  structio_waiter_init(&waiter);
  CHECK(cancelled([&] { return structio_park(&waiter, "test", nullptr, nullptr); }) == aborted);
  CHECK(structio_wake(&waiter, 1) == 0);
  structio_waiter_init(&waiter);
  auto waker = [&] { return structio_wake(&waiter, 7); };
  structio_nursery n;
  structio_nursery_open(&n);
  spawn(n, "waker", waker);
  CHECK(halves([&] { CHECK(structio_park(&waiter, "test", nullptr, nullptr) == 7); }) == 2);
  structio_nursery_close(&n, 0, nullptr);

  sleeper other;
  CHECK(cancelled([&] { return structio_task_join(other.task, nullptr); }) == aborted);
  CHECK(structio_task_done(other.task) == 0);
  structio_task_cancel(other.task, nullptr);
  CHECK(halves([&] { structio_task_join(other.task, nullptr); }) == 2);
  CHECK(halves([&] { structio_task_join(other.task, nullptr); }) == 2);  // has ended already
}

void prove_callers_of_functions() {
  CHECK(cancelled([] { return structio_move_on_after(5, return_seven, nullptr, nullptr); }) == 7);
  CHECK(cancelled([] { return structio_move_on_after(5, just_checkpoint, nullptr, nullptr); }) ==
        aborted);
  CHECK(halves([] { structio_move_on_after(5, return_seven, nullptr, nullptr); }) == 0);
  CHECK(cancelled([] { return structio_fail_after(5, return_seven, nullptr); }) == 7);
  CHECK(cancelled([] { return structio_fail_after(5, just_checkpoint, nullptr); }) == aborted);
  CHECK(halves([] { structio_fail_after(5, return_seven, nullptr); }) == 0);

  structio_nursery n;
  structio_nursery_open(&n);
  const auto start = [&n](structio_task_fn fn) {
    return [&n, fn] { return structio_nursery_start(&n, nullptr, fn, nullptr, nullptr); };
  };
  CHECK(cancelled(start(started_at_once)) == 0);
  CHECK(cancelled(start(just_checkpoint)) == aborted);
  CHECK(halves(start(started_at_once)) == 1);
  structio_nursery_close(&n, 0, nullptr);
  CHECK(cancelled([&] {
          structio_nursery_open(&n);
          return structio_nursery_close(&n, 0, nullptr);
        }) == 0);
  structio_nursery_open(&n);
  CHECK(halves([&] { structio_nursery_close(&n, 0, nullptr); }) == 1);
}

void prove_listening() {
  connection c;
  structio_stream* another = nullptr;
  CHECK(cancelled([&] { return structio_tcp_connect(&c.to, &another); }) == aborted);
  CHECK(another == nullptr);
  CHECK(halves([&] { structio_tcp_connect(&c.to, &another); }) == 2);

  structio_stream* accepted = nullptr;
  CHECK(cancelled([&] { return structio_listener_accept(c.listener, &accepted); }) == aborted);
  CHECK(accepted == nullptr);
  CHECK(halves([&] { structio_listener_accept(c.listener, &accepted); }) == 2);
  CHECK(accepted != nullptr);  // the very connection that the cancelled call did not take
  structio_stream_free(accepted);
  structio_stream_free(another);

  CHECK(cancelled([&] { return structio_serve(c.listener, handler, nullptr, nullptr); }) ==
        aborted);
  CHECK(cancelled([&] { return structio_listener_close(c.listener); }) == aborted);
  CHECK(structio_listener_accept(c.listener, &accepted) == STRUCTIO_ECLOSED);
  CHECK(halves([&] { structio_serve(c.listener, handler, nullptr, nullptr); }) == 2);
  CHECK(halves([&] { structio_listener_close(c.listener); }) == 2);
}

void prove_streams() {
  connection c;
  char byte = 'x';
  CHECK(halves([&] { structio_stream_send_all(c.client, &byte, 1); }) == 2);
  byte = '?';
  CHECK(cancelled([&] { return structio_stream_receive_some(c.server, &byte, 1); }) == aborted);
  CHECK(byte == '?');
  CHECK(halves([&] { structio_stream_receive_some(c.server, &byte, 1); }) == 2);
  CHECK(byte == 'x');

  // Nobody receives, so that sending comes to a stop in the midst of it.
  const std::vector<char> much(64 << 20);
  auto flood = [&] { return structio_stream_send_all(c.client, much.data(), much.size()); };
  structio_nursery n;
  structio_nursery_open(&n);
  spawn(n, "flood", flood);
  structio_wait_all_tasks_blocked(0);
  structio_scope_cancel(structio_nursery_scope(&n), nullptr);
  CHECK(structio_nursery_close(&n, 0, nullptr) == 0);
  CHECK(structio_stream_receive_some(c.server, &byte, 1) == 1);

  connection d;
  CHECK(cancelled([&] { return structio_stream_send_eof(d.client); }) == aborted);
  CHECK(halves([&] { structio_stream_send_eof(d.client); }) == 2);
  CHECK(cancelled([&] { return structio_stream_close(d.client); }) == aborted);
  CHECK(structio_stream_receive_some(d.client, &byte, 1) == STRUCTIO_ECLOSED);
  CHECK(halves([&] { structio_stream_close(d.server); }) == 2);
}

using ops = std::vector<op_proof::shown>;
constexpr auto none = STRUCTIO_EFFECT_NONE;
constexpr auto nothing = STRUCTIO_EFFECT_NOTHING;
constexpr auto body = STRUCTIO_EFFECT_BODY;
constexpr auto closed = STRUCTIO_EFFECT_CLOSED;

const op_proof::area checkpoints(ops{{"structio_cancel_shielded_checkpoint", 0, none},
                                     {"structio_checkpoint", 1, nothing},
                                     {"structio_checkpoint_if_cancelled", 0, nothing}},
                                 prove_checkpoints);
const op_proof::area sleeping(ops{{"structio_sleep", 1, nothing},
                                  {"structio_sleep_forever", 1, nothing},
                                  {"structio_sleep_until", 1, nothing},
                                  {"structio_wait_all_tasks_blocked", 1, nothing}},
                              prove_sleeping);
const op_proof::area parking(ops{{"structio_lot_park", 1, nothing},
                                 {"structio_park", 1, nothing},
                                 {"structio_task_join", 1, nothing}},
                             prove_parking);
const op_proof::area callers(ops{{"structio_fail_after", 0, body},
                                 {"structio_move_on_after", 0, body},
                                 {"structio_nursery_close", 0, none},
                                 {"structio_nursery_start", 0, body}},
                             prove_callers_of_functions);
const op_proof::area listening(ops{{"structio_listener_accept", 1, nothing},
                                   {"structio_listener_close", 1, closed},
                                   {"structio_serve", 1, body},
                                   {"structio_tcp_connect", 1, closed}},
                               prove_listening);
const op_proof::area streams(ops{{"structio_stream_close", 1, closed},
                                 {"structio_stream_receive_some", 1, nothing},
                                 {"structio_stream_send_all", 1, STRUCTIO_EFFECT_PREFIX},
                                 {"structio_stream_send_eof", 1, nothing}},
                             prove_streams);

}  // namespace

TEST_CASE("the table can be read by place and by name") {
  const std::map<std::string, structio_op_info> all = table();
  CHECK(all.size() > 10);
  for (const auto& [name, entry] : all) {
    structio_op_info found = empty_info();
    CHECK(structio_op_find(name.c_str(), &found) == 0);
    CHECK(found.name == entry.name);
    CHECK(found.checkpoint == entry.checkpoint);
    CHECK(found.effect == entry.effect);
    CHECK((entry.checkpoint == 0 || entry.effect != STRUCTIO_EFFECT_NONE));
  }
  structio_op_info info = empty_info();
  CHECK(structio_op_at(all.size(), &info) == STRUCTIO_EABSENT);
  CHECK(structio_op_find("structio_now", &info) == STRUCTIO_EABSENT);
  CHECK(structio_op_find(nullptr, &info) == STRUCTIO_EINVALID);
  CHECK(structio_op_find("structio_sleep", nullptr) == STRUCTIO_EINVALID);
  CHECK(structio_op_at(0, nullptr) == STRUCTIO_EINVALID);
  info.struct_size = 0;
  CHECK(structio_op_at(0, &info) == STRUCTIO_EINVALID);
  info.struct_size = offsetof(structio_op_info, effect);
  info.effect = 4711;
  CHECK(structio_op_find("structio_sleep", &info) == 0);
  CHECK(info.checkpoint == 1);
  CHECK(info.effect == 4711);
}

TEST_CASE("the table tells how each function is called") {
  const auto of = [](const char* name) {
    structio_op_info info = empty_info();
    CHECK(structio_op_find(name, &info) == 0);
    CHECK(std::strlen(info.signature) == info.arguments + 3);  // the result, and the parentheses
    structio_op_info same = empty_info();
    CHECK(structio_op_at(info.index, &same) == 0);
    CHECK(same.name == info.name);
    return std::string(info.signature);
  };
  CHECK(of("structio_checkpoint") == "i()");
  CHECK(of("structio_sleep") == "i(q)");
  CHECK(of("structio_nursery_close") == "i(pip)");
  CHECK(of("structio_stream_receive_some") == (sizeof(std::size_t) == 8 ? "q(ppQ)" : "q(ppu)"));
  for (const auto& [name, entry] : table()) of(name.c_str());
}

TEST_CASE("every entry of the table is proved") {
  std::map<std::string, op_proof::shown> expected;
  for (const op_proof::area* area : op_proof::area::all()) {
    for (const op_proof::shown& op : area->ops) CHECK(expected.insert({op.name, op}).second);
  }
  const std::map<std::string, structio_op_info> all = table();
  CHECK(all.size() == expected.size());
  for (const auto& [name, entry] : all) {
    INFO(name);
    const auto found = expected.find(name);
    REQUIRE(found != expected.end());
    CHECK(entry.checkpoint == found->second.checkpoint);
    CHECK(entry.effect == found->second.effect);
  }
}

TEST_CASE("every proof holds", "[SRC-12][SRC-13][SRC-14]") {
  for (const op_proof::area* area : op_proof::area::all()) {
    INFO(area->ops.front().name);
    virtual_clock clock(0);  // on which the budget is 1, so that giving way can be seen each time
    auto prove = [area] {
      area->prove();
      return 0;
    };
    CHECK(run(prove, clock.options()) == 0);
  }
}
