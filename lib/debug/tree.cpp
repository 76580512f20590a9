// The tree as text. Lines of neighbours that say the same are folded, since a server with a
// thousand clients is to be read by a human.
#include "debug/tree.hpp"

#include <cstring>

#include "debug/inspect.hpp"
#include "debug/text.hpp"
#include "debug/waiting.hpp"
#include "debug/walk.hpp"
#include "runtime/cell.hpp"

namespace structio::rt::debug {
namespace {

constexpr unsigned drawn_levels = 40;  // what is deeper is told its depth instead
constexpr std::size_t fold_from = 4;

// The lines that connect a level with its later siblings, in UTF-8.
constexpr const char* passing = "\xe2\x94\x82  ";
constexpr const char* branch = "\xe2\x94\x9c\xe2\x94\x80 ";
constexpr const char* last_branch = "\xe2\x94\x94\xe2\x94\x80 ";

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

// "client 7" and "client 12" are alike.
bool alike(const char* a, const char* b) noexcept {
  while (*a && *b) {
    if (is_digit(*a) && is_digit(*b)) {
      while (is_digit(*a)) ++a;
      while (is_digit(*b)) ++b;
    } else if (*a++ != *b++) {
      return false;
    }
  }
  return *a == *b;
}

bool alike(const scope& a, const scope& b) noexcept {
  return a.children == nullptr && b.children == nullptr && a.shield == b.shield &&
         a.cancel_called == b.cancel_called && a.cancelled == b.cancelled &&
         a.stop_called == b.stop_called && a.stopping == b.stopping &&
         a.ends_on_stop == b.ends_on_stop;
}

// Whether nothing but an id, a number in the name and deadlines would be lost by folding.
bool alike(const task& a, const task& b) noexcept {
  if (a.wait.state != b.wait.state || a.is_service != b.is_service) return false;
  if (a.open_nurseries || b.open_nurseries || start_target(a) || start_target(b)) return false;
  if (a.wait.state == wait_state::parked && !wait_alike(a, b)) return false;
  const scope* x = a.outermost;
  const scope* y = b.outermost;
  for (; x && y; x = x->inner, y = y->inner) {
    if (!alike(*x, *y)) return false;
  }
  return !x && !y && a.innermost->cancelled == b.innermost->cancelled && alike(a.name, b.name);
}

// The earliest of a task's own deadlines.
std::int64_t nearest_deadline(const task& t) noexcept {
  std::int64_t nearest = base::forever;
  for (const scope* s = t.outermost; s; s = s->inner) {
    if (s->kind == deadline_kind::absolute && s->deadline < nearest) nearest = s->deadline;
  }
  return nearest;
}

class renderer {
 public:
  renderer(runtime& rt, char* text, std::size_t size) noexcept
      : rt_(rt), out_(text, size), now_(rt.now()) {}

  std::size_t whole() noexcept {
    if (rt_.main) {
      tasks(*rt_.main, 0);
    } else {
      out_.add("the main task has ended\n");
    }
    if (task* first = rt_.system.children.front()) {
      out_.add("system tasks\n");
      tasks(*first, 1);
    }
    describe_circle(rt_, out_);
    return out_.length();
  }

 private:
  void tasks(task& first, unsigned depth) noexcept {
    walk w(&first, depth);
    for (;;) {
      switch (w.next()) {
        case step::task: some_tasks(w); break;
        case step::scope:
          if (is_plain_cell(w.here(), w.around())) break;
          [[fallthrough]];
        case step::nursery:
          begin_line(w.depth(), w.around().inner == nullptr);
          scope_line(w.here(), w.around());
          break;
        case step::nursery_ends:
        case step::task_ends: break;
        case step::done: return;
      }
    }
  }

  // One task, or all of a row that are alike.
  void some_tasks(walk& w) noexcept {
    task& first = w.here();
    task* last = &first;
    std::size_t count = 1;
    for (task* t = next_sibling(first); t && alike(first, *t); t = next_sibling(*t)) {
      last = t;
      ++count;
    }
    const bool folds = count >= fold_from;
    const task* following = next_sibling(folds ? *last : first);
    begin_line(w.depth(), following == nullptr);
    if (!folds) {
      task_line(first);
      return;
    }
    folded_line(first, *last, count);
    w.skip_to_end_of(*last);
  }

  void begin_line(unsigned depth, bool is_last) noexcept {
    if (depth == 0) return;
    const unsigned drawn = depth <= drawn_levels ? depth : drawn_levels;
    const std::uint64_t bit = std::uint64_t{1} << (drawn - 1);
    for (unsigned level = 0; level + 1 < drawn; ++level) {
      out_.add((more_ >> level & 1) != 0 ? passing : "   ");
    }
    out_.add(is_last ? last_branch : branch);
    if (depth > drawn) {
      out_.add("(level ");
      out_.number(depth);
      out_.add(") ");
      return;
    }
    more_ = is_last ? more_ & ~bit : more_ | bit;
  }

  void task_line(const task& t) noexcept {
    out_.clean(t.name);
    out_.add(" #");
    short_id(out_, t);
    state(t);
    if (const nursery* target = start_target(t)) {
      out_.add(", will move to a nursery of ");
      owner_name(*target);
    }
    out_.put('\n');
  }

  void folded_line(const task& first, const task& last, std::size_t count) noexcept {
    out_.clean(first.name);
    if (std::strcmp(first.name, last.name) != 0) {
      out_.add(" .. ");
      out_.clean(last.name);
    }
    out_.add(" x ");
    out_.number(count);
    state(first);
    std::int64_t earliest = base::forever;
    std::int64_t latest = base::long_ago;
    for (task* t = const_cast<task*>(&first);; t = next_sibling(*t)) {
      const std::int64_t moment = nearest_deadline(*t);
      if (moment < earliest) earliest = moment;
      if (moment != base::forever && moment > latest) latest = moment;
      if (t == &last) break;
    }
    if (earliest != base::forever) deadlines(earliest, latest);
    out_.put('\n');
  }

  // Both ends of a span, or one where they would be written alike.
  void deadlines(std::int64_t earliest, std::int64_t latest) noexcept {
    char from[32];
    char to[32];
    writer from_text(from, sizeof from);
    writer to_text(to, sizeof to);
    when(from_text, earliest);
    when(to_text, latest);
    const bool one = std::strcmp(from, to) == 0;
    out_.add(one ? ", deadline " : ", deadlines ");
    out_.add(from);
    if (one) return;
    out_.add(" to ");
    const bool both_ahead = earliest >= now_;
    out_.add(both_ahead ? to + 3 : to);  // "in" is said once
  }

  void state(const task& t) noexcept {
    switch (t.wait.state) {
      case wait_state::unborn: out_.add(": ready to begin"); break;
      case wait_state::awake: out_.add(&t == t.rt->current ? ": running" : ": ready"); break;
      case wait_state::parked: {
        char room[waiting_room];
        out_.add(": waits for ");
        out_.clean(waiting_text(t, room));
        break;
      }
      case wait_state::ended: out_.add(": has ended"); break;
    }
    if (t.is_service) out_.add(", service");
    if (t.innermost->cancelled) out_.add(", cancelled");
  }

  // The scope of a task that can be cancelled alone says nothing unless it was.
  static bool is_plain_cell(const task& t, const scope& s) noexcept {
    return t.cell && &s == &t.cell->own && !s.cancel_called && !s.stop_called;
  }

  void scope_line(const task& t, const scope& s) noexcept {
    if (s.children) {
      nursery_words(*s.children);
    } else {
      out_.add(t.cell && &s == &t.cell->own ? "its own scope" : "scope");
    }
    if (s.kind == deadline_kind::absolute && !s.cancel_called) {
      out_.add(", deadline ");
      when(s.deadline);
    }
    if (s.shield) out_.add(", shielded");
    if (s.ends_on_stop) out_.add(", ends on stop");
    if (s.stop_called && !s.cancel_called) {
      out_.add(", told to stop");
      if (s.grace_ends != base::forever) {
        out_.add(", grace ends ");
        when(s.grace_ends);
      }
    }
    if (s.cancel_called) {
      cause(s);
    } else if (s.cancelled) {
      out_.add(", cancelled from outside");
    }
    out_.put('\n');
  }

  void nursery_words(const nursery& n) noexcept {
    if (n.kind == nursery_kind::hidden) {
      out_.add("start, until its task is ready");
      return;
    }
    out_.add("nursery of ");
    counted(n.count, "task");
    if (n.services > 0) {
      out_.add(" (");
      counted(n.services, "service");
      out_.put(')');
    }
    if (n.pending_starts > 0) {
      out_.add(", ");
      out_.number(n.pending_starts);
      out_.add(" more starting");
    }
    if (n.failure_count > 0) {
      out_.add(", ");
      out_.number(n.failure_count);
      out_.add(" failed");
    }
    if (n.state == nursery_state::closing) out_.add(", its body has ended");
  }

  void counted(std::uint64_t count, const char* noun) noexcept {
    out_.number(count);
    out_.put(' ');
    out_.add(noun);
    if (count != 1) out_.put('s');
  }

  void cause(const scope& s) noexcept {
    char line[400] = "cancelled";
    if (s.why) reason_describe(*s.why, line, sizeof line);
    out_.add(", ");
    out_.clean(line);
  }

  void owner_name(const nursery& n) noexcept {
    if (n.owner) {
      out_.clean(n.owner->name);
    } else {
      out_.add("a task that has ended");
    }
  }

  void when(std::int64_t moment) noexcept { when(out_, moment); }

  void when(writer& out, std::int64_t moment) const noexcept {
    const std::int64_t left = base::saturating_add(moment, -now_);
    if (left < 0) {
      out.duration(left == base::long_ago ? base::forever : -left);
      out.add(" ago");
    } else {
      out.add("in ");
      out.duration(left);
    }
  }

  runtime& rt_;
  writer out_;
  std::int64_t now_;
  std::uint64_t more_ = 0;  ///< bit d: the item that was last drawn at level d+1 has later siblings
};

}  // namespace

std::size_t describe_tree(runtime& rt, char* text, std::size_t size) noexcept {
  renderer r(rt, text, size);
  return r.whole();
}

}  // namespace structio::rt::debug
