// The tree as JSON, for programs: nothing is folded, nothing left out, moments are distances from
// now in nanoseconds.
#include "debug/inspect.hpp"
#include "debug/text.hpp"
#include "debug/tree.hpp"
#include "debug/waiting.hpp"
#include "debug/walk.hpp"
#include "runtime/cell.hpp"

namespace structio::rt::debug {
namespace {

class json_renderer {
 public:
  json_renderer(runtime& rt, char* text, std::size_t size) noexcept
      : rt_(rt), out_(text, size), now_(rt.now()) {}

  std::size_t whole() noexcept {
    out_.add("{\"now\":");
    out_.signed_number(now_);
    out_.add(",\"main\":");
    if (rt_.main) {
      tasks(*rt_.main);
    } else {
      out_.add("null");
    }
    out_.add(",\"system\":[");
    if (task* first = rt_.system.children.front()) tasks(*first);
    out_.add("]}");
    return out_.length();
  }

 private:
  // A comma comes before whatever is not the first of its row.
  void tasks(task& first) noexcept {
    walk w(&first, 0);
    bool comma = false;
    for (;;) {
      const step at = w.next();
      if (at == step::done) return;
      const bool begins = at == step::task || at == step::scope || at == step::nursery;
      if (begins && comma) out_.put(',');
      comma = !(at == step::task || at == step::nursery);
      switch (at) {
        case step::task: begin_task(w.here()); break;
        case step::scope:
          begin_scope(w.here(), w.around());
          out_.put('}');
          break;
        case step::nursery:
          begin_scope(w.here(), w.around());
          begin_nursery(*w.around().children);
          break;
        default:  // of a nursery's tasks or a task's scopes
          out_.add("]}");
          break;
      }
    }
  }

  static const char* state_of(const task& t) noexcept {
    if (t.wait.state == wait_state::parked) return "waiting";
    if (t.wait.state == wait_state::ended) return "ended";
    return &t == t.rt->current ? "running" : "ready";
  }

  void begin_task(const task& t) noexcept {
    out_.put('{');
    id("id", t.id());
    key("label");
    out_.put('"');
    short_id(out_, t);
    out_.put('"');
    text("name", t.name);
    text("state", state_of(t));
    const bool waits = t.wait.state == wait_state::parked;
    char room[waiting_room];
    text("waits_for", waits ? waiting_text(t, room) : nullptr);
    id_or_null("held_by", waits_for_task(t));
    truth("begun", has_begun(t));
    truth("cancelled", t.innermost->cancelled);
    truth("service", t.is_service);
    const nursery* target = start_target(t);
    id_or_null("moves_to", target ? target->owner_id() : 0);
    out_.add(",\"scopes\":[");
  }

  void begin_scope(const task& t, const scope& s) noexcept {
    const char* kind = t.cell && &s == &t.cell->own ? "task" : "scope";
    if (s.children) kind = s.children->kind == nursery_kind::hidden ? "start" : "nursery";
    out_.add("{\"kind\":");
    out_.quoted(kind);
    const bool timed = s.kind == deadline_kind::absolute;
    moment("deadline_in", timed ? s.deadline : base::forever);
    truth("shield", s.shield);
    truth("cancelled", s.cancelled);
    truth("cancel_called", s.cancel_called);
    char line[400] = "cancelled";
    if (s.cancelled && s.why) reason_describe(*s.why, line, sizeof line);
    text("reason", s.cancelled ? line : nullptr);
    truth("stopping", s.stopping);
    truth("stop_called", s.stop_called);
    truth("ends_on_stop", s.ends_on_stop);
    moment("grace_ends_in", s.stop_called ? s.grace_ends : base::forever);
  }

  void begin_nursery(const nursery& n) noexcept {
    truth("closing", n.state == nursery_state::closing);
    key("pending_starts");
    out_.number(n.pending_starts);
    key("failed");
    out_.number(n.failure_count);
    out_.add(",\"tasks\":[");
  }

  void key(const char* name) noexcept {
    out_.add(",\"");
    out_.add(name);
    out_.add("\":");
  }

  void id(const char* name, task_id value) noexcept {  // the first of its object
    out_.put('"');
    out_.add(name);
    out_.add("\":\"");
    out_.number(value);
    out_.put('"');
  }

  void id_or_null(const char* name, task_id value) noexcept {
    key(name);
    if (value == 0) return out_.add("null");
    out_.put('"');
    out_.number(value);
    out_.put('"');
  }

  void id_or_null(const char* name, const task* t) noexcept { id_or_null(name, t ? t->id() : 0); }

  void text(const char* name, const char* value) noexcept {
    key(name);
    if (value) {
      out_.quoted(value);
    } else {
      out_.add("null");
    }
  }

  void truth(const char* name, bool value) noexcept {
    key(name);
    out_.add(value ? "true" : "false");
  }

  void moment(const char* name, std::int64_t at) noexcept {
    key(name);
    if (at == base::forever) {
      out_.add("null");
    } else {
      out_.signed_number(base::saturating_add(at, -now_));
    }
  }

  runtime& rt_;
  writer out_;
  std::int64_t now_;
};

}  // namespace

std::size_t describe_tree_json(runtime& rt, char* text, std::size_t size) noexcept {
  json_renderer r(rt, text, size);
  return r.whole();
}

}  // namespace structio::rt::debug
