// Following a wait to its queue, and from the queue to who holds it.
#include "debug/waiting.hpp"

#include <cstring>

#include "debug/inspect.hpp"
#include "debug/walk.hpp"

namespace structio::rt::debug {
namespace {

constexpr int longest_circle = 1000;

const queue_info* info_of(const task& t) noexcept {
  return t.wait.state == wait_state::parked && t.wait.in ? t.wait.in->queue->info() : nullptr;
}

// How many steps lead from a task back to itself; 0: none do.
int length_of_circle(const task& from) noexcept {
  int steps = 1;
  for (const task* t = waits_for_task(from); t && steps <= longest_circle; ++steps) {
    if (t == &from) return steps;
    t = waits_for_task(*t);
  }
  return 0;
}

const task* find_in_circle(task* first) noexcept {
  if (!first) return nullptr;
  walk w(first, 0);
  for (step at = w.next(); at != step::done; at = w.next()) {
    if (at == step::task && length_of_circle(w.here()) > 0) return &w.here();
  }
  return nullptr;
}

void name(const task& t, writer& out) noexcept {
  out.clean(t.name);
  out.add(" #");
  short_id(out, t);
}

}  // namespace

const char* waiting_text(const task& t, char (&room)[waiting_room]) noexcept {
  const queue_info* info = info_of(t);
  if (info && info->describe) {
    info->describe(*t.wait.in->queue, room, sizeof room);
    return room;
  }
  return t.wait.what ? t.wait.what : "something";
}

const task* waits_for_task(const task& t) noexcept {
  const queue_info* info = info_of(t);
  return info && info->holder ? info->holder(*t.wait.in->queue) : nullptr;
}

bool wait_alike(const task& a, const task& b) noexcept {
  if (a.wait.in && b.wait.in && a.wait.in->queue == b.wait.in->queue) return true;
  char one[waiting_room];
  char other[waiting_room];
  return std::strcmp(waiting_text(a, one), waiting_text(b, other)) == 0;
}

void describe_circle(runtime& rt, writer& out) noexcept {
  const task* first = find_in_circle(rt.main);
  if (!first) first = find_in_circle(rt.system.children.front());
  if (!first) return;
  out.add("circle: ");
  name(*first, out);
  const char* word = " waits for ";
  const task* t = first;
  do {
    t = waits_for_task(*t);
    out.add(word);
    name(*t, out);
    word = ", which waits for ";
  } while (t != first);
  out.put('\n');
}

}  // namespace structio::rt::debug
