// Lending, taking back, and telling who has what.
#include "sync/limiter.hpp"

#include <cstdio>

#include "base/message.hpp"

namespace structio::rt::sync {

struct limiter::waiting_task : place {
  limiter* home = nullptr;
  borrower who;
};

const queue_info limiter::info_of_limiter = {
    [](const wait_queue& queue, char* text, std::size_t size) noexcept {
      of(queue).describe(text, size);
    },
    [](const wait_queue& queue) noexcept { return of(queue).only_borrower(); },
};

// What tasks of a run had that has ended, or threads that it abandoned, comes back with the run.
bool limiter::forget_ended_run() noexcept {
  if (home_lasts()) return false;
  known_.clear();
  borrowed_ = 0;
  return true;
}

bool limiter::inherit(const runtime& rt) noexcept {
  return forget_ended_run() && wait_queue::claim(rt);
}

int limiter::refuse_second(const borrower_set::entry& e) const noexcept {
  return base::fail(STRUCTIO_EMISUSE,
                    e.waits ? "acquire: somebody waits for a token for this borrower already: a "
                              "borrower has one at most"
                            : "acquire: the borrower has a token of this limiter already: release "
                              "it first");
}

int limiter::acquire(runtime& rt, const borrower& who) noexcept {
  if (const borrower_set::entry* e = known_.find(who)) return refuse_second(*e);
  if (const int code = cancel_check(rt)) return code;
  if (!known_.make_room()) return base::fail(STRUCTIO_ENOMEM, "no memory for one more borrower");
  if (borrowed_ < total_) {
    known_.add(who, false);
    ++borrowed_;
    give_way(rt);
    return 0;
  }
  known_.add(who, true);
  waiting_task self;
  self.home = this;
  self.who = who;
  const auto code = static_cast<int>(wait_in(rt, *this, self, "capacity limiter", leave));
  if (code != STRUCTIO_EBROKEN) return code;
  return base::fail(code, "the limiter was destroyed while the task waited for it");
}

int limiter::try_acquire(const borrower& who) noexcept {
  if (const borrower_set::entry* e = known_.find(who)) return refuse_second(*e);
  if (borrowed_ >= total_) {
    return base::fail(STRUCTIO_EWOULDBLOCK, "no token of the limiter is free");
  }
  if (!known_.make_room()) return base::fail(STRUCTIO_ENOMEM, "no memory for one more borrower");
  known_.add(who, false);
  ++borrowed_;
  return 0;
}

int limiter::release(const borrower& who) noexcept {
  borrower_set::entry* e = known_.find(who);
  if (!e || e->waits) {
    return base::fail(STRUCTIO_EMISUSE,
                      "release: the borrower has no token of this limiter: a task releases what it "
                      "has acquired itself, release_on_behalf what was acquired so");
  }
  known_.remove(*e);
  --borrowed_;
  lend();
  return 0;
}

// Tokens that are free go to those who wait, first come, first served.
void limiter::lend() noexcept {
  while (borrowed_ < total_) {
    place* first = take_first();
    if (!first) return;
    known_.find(static_cast<waiting_task*>(first)->who)->waits = false;
    ++borrowed_;
    finish(*first, 0);
  }
}

int limiter::leave(void* arg) noexcept {
  auto& p = *static_cast<waiting_task*>(static_cast<place*>(arg));
  p.home->known_.remove(*p.home->known_.find(p.who));
  return leave_queue(arg);
}

void limiter::abandon() noexcept {
  known_.clear();
  borrowed_ = 0;
  wake(SIZE_MAX, STRUCTIO_EBROKEN);
}

// "capacity limiter, 3 of 3 borrowed by 'a', 'b' and 1 more".
void limiter::describe(char* text, std::size_t size) const noexcept {
  const runtime* rt = current_runtime();  // it is asked on the thread of those who wait
  borrower some[2];
  std::size_t count = 0;
  each_borrower([&](const borrower& who) noexcept {
    if (count < 2) some[count] = who;
    ++count;
  });
  int length = std::snprintf(text, size, "capacity limiter, %lld of %lld borrowed",
                             static_cast<long long>(borrowed_), static_cast<long long>(total_));
  const auto add = [&](const char* format, auto value) noexcept {
    if (length < 0 || static_cast<std::size_t>(length) >= size) return;
    length += std::snprintf(text + length, size - static_cast<std::size_t>(length), format, value);
  };
  for (std::size_t i = 0; i < count && i < 2; ++i) {
    add("%s", i == 0 ? " by " : count == 2 ? " and " : ", ");
    if (some[i].is == borrower::kind::object) {
      add("%p", reinterpret_cast<void*>(static_cast<std::uintptr_t>(some[i].key)));
    } else if (const task* t = rt ? task_find(*rt, some[i].key) : nullptr) {
      add("'%s'", t->name);
    } else {
      add("%s", "a task that has ended");
    }
  }
  if (count > 2) add(" and %zu more", count - 2);
}

const task* limiter::only_borrower() const noexcept {
  borrower one;
  each_borrower([&](const borrower& who) noexcept { one = who; });
  if (borrowed_ != 1 || one.is != borrower::kind::task) return nullptr;
  const runtime* rt = current_runtime();
  return rt ? task_find(*rt, one.key) : nullptr;
}

}  // namespace structio::rt::sync
