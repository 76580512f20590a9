// Taking failures apart by their leaves. Groups may be nested deeper than a fiber's stack could
// follow, so the walk keeps its own stack on the heap.
#include <cstdlib>
#include <cstring>

#include "base/memory.hpp"
#include "base/status.hpp"
#include "runtime/failure.hpp"

namespace structio::rt {
namespace {

/// A group in the middle of its walk: what has come of the members before `next`.
struct level {
  failure* group;
  std::size_t next;
  failure** hits;  ///< room for all members, and behind it as much for the others
  failure** others;
  std::size_t hit_count;
  std::size_t other_count;
};

int copy_whiles(const failure& from, failure* to) noexcept {
  for (const while_line* line = from.first_while; line; line = line->next) {
    if (const int code = failure_add_while(to, line->text())) return code;
  }
  return 0;
}

// A group of some members of `from`, with its name and "while" lines; null in `out` for no members.
// The members' references move into it when it is made.
int subgroup(const failure& from, failure** members, std::size_t& count, failure*& out) noexcept {
  out = nullptr;
  if (count == 0) return 0;
  failure* group = failure_group(members, count);
  if (!group) return STRUCTIO_ENOMEM;
  std::memcpy(group->task_name, from.task_name, sizeof group->task_name);
  if (copy_whiles(from, group) != 0) {
    group->count = 0;  // the members are still the caller's
    failure_release(group);
    return STRUCTIO_ENOMEM;
  }
  count = 0;
  out = group;
  return 0;
}

class splitter {
 public:
  splitter(leaf_match match, void* arg) noexcept : match_(match), arg_(arg) {}
  ~splitter() {
    while (depth_ > 0) drop_top();
    base::release(levels_);
  }
  splitter(const splitter&) = delete;
  splitter& operator=(const splitter&) = delete;

  /// 0, and references of their own in the results; or STRUCTIO_ENOMEM.
  int run(failure& f) noexcept {
    int code = visit(f);
    while (code == 0 && depth_ > 0) {
      level& top = levels_[depth_ - 1];
      code = top.next < top.group->count ? visit(*top.group->members[top.next++]) : finish_top();
    }
    if (code != 0) {
      failure_drop(matched);
      failure_drop(rest);
    }
    return code;
  }

  failure* matched = nullptr;
  failure* rest = nullptr;

 private:
  int visit(failure& f) noexcept {
    if (f.kind == failure_kind::group) return push(f);
    const bool hit = match_(f, arg_);
    deliver(hit ? failure_retain(&f) : nullptr, hit ? nullptr : failure_retain(&f));
    return 0;
  }

  int push(failure& group) noexcept {
    if (depth_ == room_) {
      const std::size_t wanted = room_ ? room_ * 2 : 8;
      void* memory = base::reallocate(levels_, wanted * sizeof(level));
      if (!memory) return STRUCTIO_ENOMEM;
      levels_ = static_cast<level*>(memory);
      room_ = wanted;
    }
    auto** lists =
        static_cast<failure**>(base::allocate_zeroed(group.count * 2 + 1, sizeof(failure*)));
    if (!lists) return STRUCTIO_ENOMEM;
    levels_[depth_++] = {&group, 0, lists, lists + group.count, 0, 0};
    return 0;
  }

  // Every member has been seen: what comes of the group goes to the level around it.
  int finish_top() noexcept {
    level& top = levels_[depth_ - 1];
    failure* hit = nullptr;
    failure* other = nullptr;
    if (top.hit_count == 0) {
      other = failure_retain(top.group);  // untouched: the group itself, not a copy
    } else {
      int code = subgroup(*top.group, top.hits, top.hit_count, hit);
      if (code == 0) code = subgroup(*top.group, top.others, top.other_count, other);
      if (code != 0) {
        failure_release(hit);
        return code;
      }
    }
    drop_top();
    deliver(hit, other);
    return 0;
  }

  void deliver(failure* hit, failure* other) noexcept {
    if (depth_ == 0) {
      matched = hit;
      rest = other;
      return;
    }
    level& top = levels_[depth_ - 1];
    if (hit) top.hits[top.hit_count++] = hit;
    if (other) top.others[top.other_count++] = other;
  }

  void drop_top() noexcept {
    level& top = levels_[--depth_];
    for (std::size_t i = 0; i < top.hit_count; ++i) failure_release(top.hits[i]);
    for (std::size_t i = 0; i < top.other_count; ++i) failure_release(top.others[i]);
    base::release(top.hits);
  }

  leaf_match match_;
  void* arg_;
  level* levels_ = nullptr;
  std::size_t depth_ = 0;
  std::size_t room_ = 0;
};

}  // namespace

int failure_split(failure* f, leaf_match match, void* arg, failure*& matched,
                  failure*& rest) noexcept {
  splitter s(match, arg);
  const int code = s.run(*f);
  matched = s.matched;
  rest = s.rest;
  if (code == 0) failure_release(f);
  return code;
}

bool failure_filter_cancelled(failure*& f) noexcept {
  if (!f->has_cancelled) return false;  // the usual case, at every scope that an error passes
  failure* cancelled = nullptr;
  failure* rest = nullptr;
  const auto is_cancelled = [](const failure& leaf, void*) {
    return leaf.kind == failure_kind::cancelled;
  };
  if (failure_split(f, is_cancelled, nullptr, cancelled, rest) != 0) return false;
  f = rest;
  const bool found = cancelled != nullptr;
  failure_release(cancelled);
  return found;
}

}  // namespace structio::rt
