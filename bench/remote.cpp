// Two runs, each in a thread of its own. `portal_call`: a task has the other run do something,
// there and back by portals, as a sharded server does. `remote_channel`: it sends into a channel of
// the other run, which says when it has the message. `portal_block`: a plain thread that waits for
// a task of the run. Each reports the CPU time of both threads, and as NAME_wall how long it took.
//
// `--tasks N`: so many tasks do it at once, so that neither thread has to be woken each time.
// `--spread 1`: the other thread is on the next core.
#include <pthread.h>

#include <initializer_list>

#include "ours.hpp"

namespace {

struct program {
  std::int64_t calls = 0;  // of each task
  std::int64_t tasks = 1;
  std::int64_t other_cpu = -1;

  structio_portal* here = nullptr;
  structio_portal* there = nullptr;
  structio_remote_sender* channel = nullptr;
  pthread_t thread{};
  pthread_barrier_t ready{};
};

// --- the other run

int other_main(void* arg) {
  auto& p = *static_cast<program*>(arg);
  structio_sender* tx = nullptr;
  structio_receiver* rx = nullptr;
  structio_item_type type{};
  type.struct_size = sizeof type;
  type.size = sizeof(std::int64_t);
  ours::must(structio_channel_new(&type, 128, &tx, &rx), "channel_new");
  ours::must(structio_remote_sender_new(tx, &p.channel), "remote_sender_new");
  structio_sender_free(tx);
  ours::must(structio_portal_new(&p.there), "portal_new");
  pthread_barrier_wait(&p.ready);
  std::int64_t item = 0;
  while (structio_receiver_receive(rx, &item) == 0) {
  }
  structio_receiver_free(rx);
  return 0;
}

void* other_thread(void* arg) {
  bench_pin_to(static_cast<program*>(arg)->other_cpu);
  ours::must(structio_run(other_main, arg, nullptr), "the other run");
  return nullptr;
}

// --- what a task of this run does

struct question {
  program* p = nullptr;
  structio_waiter asker;
  std::int64_t answer = 0;
};

int answered(void* arg) {
  return structio_wake(&static_cast<question*>(arg)->asker, 0);
}

int asked(void* arg) {
  auto& q = *static_cast<question*>(arg);
  ++q.answer;
  return structio_portal_post(q.p->here, answered, arg);
}

int call(void* arg) {
  question q;
  q.p = static_cast<program*>(arg);
  for (std::int64_t i = 0; i < q.p->calls; ++i) {
    structio_waiter_init(&q.asker);
    ours::must(structio_portal_post(q.p->there, asked, &q), "portal_post");
    const std::int64_t status = structio_park(&q.asker, "another run", nullptr, nullptr);
    if (status < 0) return static_cast<int>(status);
  }
  return q.answer == q.p->calls ? 0 : STRUCTIO_EINTERNAL;
}

int send(void* arg) {
  const auto& p = *static_cast<program*>(arg);
  for (std::int64_t i = 0; i < p.calls; ++i) {
    std::int64_t item = i;
    ours::must(structio_remote_sender_send(p.channel, &item), "remote_sender_send");
  }
  return 0;
}

void in_tasks(program& p, structio_task_fn body) {
  structio_nursery nursery;
  ours::must(structio_nursery_open(&nursery), "open");
  for (std::int64_t i = 0; i < p.tasks; ++i) {
    ours::must(structio_nursery_start_soon(&nursery, body, &p), "start");
  }
  ours::must(structio_nursery_close(&nursery, 0, nullptr), "close");
}

// --- a plain thread and a run

int nothing(void*) {
  return 0;
}

void block(const program& p) {
  for (std::int64_t i = 0; i < p.calls; ++i) {
    ours::must(structio_portal_call(p.there, nothing, nullptr, nullptr), "portal_call");
  }
}

// ---

void measure(program& p, const char* workload) {
  const bool blocks = std::strcmp(workload, "portal_block") == 0;
  const bool sends = std::strncmp(workload, "remote_channel", 14) == 0;
  const std::int64_t wanted = p.calls;
  for (const std::int64_t calls : {wanted / 10, wanted}) {  // the first is to get warm
    p.calls = calls;
    const std::int64_t cpu = bench_cpu_now();
    const std::int64_t begin = bench_wall_now();
    if (blocks) {
      block(p);
    } else {
      in_tasks(p, sends ? send : call);
    }
    const double wall = double(bench_wall_now() - begin);
    const double spent = double(bench_cpu_now() - cpu);
    if (calls != wanted) continue;
    const auto n = double(calls * (blocks ? 1 : p.tasks));
    char name[64];
    std::snprintf(name, sizeof name, "%s_wall", workload);
    bench_report(workload, "structio", spent / n / 1000, "us CPU", std::int64_t(n));
    bench_report(name, "structio", wall / n / 1000, "us", std::int64_t(n));
  }
}

struct request {
  program* p;
  const char* workload;
};

int home_main(void* arg) {
  const auto& r = *static_cast<request*>(arg);
  ours::must(structio_portal_new(&r.p->here), "portal_new");
  measure(*r.p, r.workload);
  structio_portal_free(r.p->here);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  program p;
  request r{&p, bench_text_option(argc, argv, "--workload", "portal_call")};
  p.tasks = bench_option(argc, argv, "--tasks", 1);
  p.calls = bench_option(argc, argv, "--n", 20000) / p.tasks;
  const std::int64_t cpu = bench_option(argc, argv, "--cpu", -1);
  if (cpu >= 0) p.other_cpu = cpu + bench_option(argc, argv, "--spread", 0);
  pthread_barrier_init(&p.ready, nullptr, 2);
  pthread_create(&p.thread, nullptr, other_thread, &p);
  pthread_barrier_wait(&p.ready);
  if (std::strcmp(r.workload, "portal_block") == 0) {
    measure(p, r.workload);
  } else {
    ours::must(structio_run(home_main, &r, nullptr), "structio_run");
  }
  structio_remote_sender_free(p.channel);  // and with it the other run ends
  pthread_join(p.thread, nullptr);
  structio_portal_free(p.there);
  return 0;
}
