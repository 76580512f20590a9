// Loops whose turns run concurrently, only so many at a time.
//
//     structio::for_each_concurrent(urls, 8, [&](const std::string& url) { fetch(url); });
//     std::vector<page> pages = structio::map_concurrent(urls, 8, fetch);
//
// Always true: as combine.hpp says. Elements are taken from the range one at a time, in order, when
// somebody is free to work on them, by at most `limit` tasks: a range may be endless, be slow or
// wait itself. Elements of a range that stays (a container) are passed as they are, others are
// moved to the task that works on them. What iterating throws is a failure like any other: in the
// group.
#pragma once

#include <structio/structio.h>
#include <structio/detail/combined.hpp>
#include <structio/error.hpp>
#include <structio/nursery.hpp>
#include <structio/time.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace structio {
inline namespace v0 {

/// For for_each_concurrent and map_concurrent: as many at a time as there are elements.
inline constexpr std::size_t no_limit = STRUCTIO_ALL;

namespace detail {

/// Gives out the elements of a range, one task at a time: going on to the next one may wait.
template <class Range>
class element_source {
 public:
  struct numbered {
    std::size_t index;
    typename element<Range>::held one;
  };

  explicit element_source(Range& range)
      : at_(std::ranges::begin(range)), end_(std::ranges::end(range)) {
    if constexpr (std::ranges::sized_range<Range>) {
      size_ = static_cast<std::size_t>(std::ranges::size(range));
      ended_ = size_ == 0;
    }
    check(structio_lot_init(&turns_));
  }
  element_source(const element_source&) = delete;
  element_source& operator=(const element_source&) = delete;
  ~element_source() { structio_lot_destroy(&turns_); }

  /// Nothing when there is no more. `taken` is called with the element's index before anybody else
  /// can get the next.
  template <class Taken>
  std::optional<numbered> take(Taken&& taken) {
    while (busy_) {
      blocking([this] { return structio_lot_park(&turns_); });
    }
    turn mine(*this);
    if (ended_) return std::nullopt;
    // Ends here unless all goes well: an iterator that has thrown is not asked again.
    ended_ = true;
    if (next_ > 0) ++at_;
    if (at_ == end_) return std::nullopt;
    std::optional<numbered> result(numbered{next_, element<Range>::take(at_)});
    taken(next_);
    ++next_;
    ended_ = stopped_ || next_ == size_;
    return result;
  }

  void stop() noexcept { ended_ = stopped_ = true; }
  bool ended() const noexcept { return ended_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t taken() const noexcept { return next_; }

 private:
  class turn {
   public:
    explicit turn(element_source& of) noexcept : of_(&of) { of.busy_ = true; }
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;
    ~turn() {
      of_->busy_ = false;
      structio_lot_unpark(&of_->turns_, 1);
    }

   private:
    element_source* of_;
  };

  std::ranges::iterator_t<Range> at_;
  std::ranges::sentinel_t<Range> end_;
  structio_lot turns_;
  std::size_t size_ = no_limit;  ///< as far as is known
  std::size_t next_ = 0;
  bool busy_ = false;
  bool ended_ = false;
  bool stopped_ = false;
};

/// A loop while it runs: lives in the frame of the call that waits for it.
template <class Range, class Taken, class Turn>
class concurrent_loop {
 public:
  concurrent_loop(std::size_t limit, Taken taken, Turn turn)
      : limit_(limit), taken_(std::move(taken)), turn_(std::move(turn)) {}

  void run(Range& range) {
    blocking([] { return structio_checkpoint_if_cancelled(); });
    open_nursery([&](nursery& n) {
      // In here, so that what begin() throws is told like what the rest of the range throws.
      source_.emplace(range);
      home_ = &n;
      grows_ = !std::ranges::sized_range<Range>;
      std::size_t first = 1;
      if (!grows_) first = source_->size() < limit_ ? source_->size() : limit_;
      for (std::size_t i = 0; i < first; ++i) add_worker();
    });
    if (!source_->ended() || finished_ != source_->taken()) {
      throw usage_error(
          "a scope that is the library's own was cancelled, and with it a loop that ran in it: "
          "cancel only scopes of your own");
    }
  }

 private:
  void add_worker() {
    ++workers_;
    home_->start_soon([this] { work(); });
  }

  // Body of a worker's task. Between two elements it gives way and looks for cancellation, so that
  // turns that never wait keep nobody out.
  void work() {
    while (!source_->ended()) {
      checkpoint_if_cancelled();
      auto item = source_->take(taken_);
      if (!item) return;
      // Where nobody knows how many there will be, whoever gets one has the next looked for.
      if (grows_ && workers_ < limit_ && !source_->ended()) add_worker();
      try {
        turn_(item->index, element<Range>::pass(item->one));
      } catch (...) {
        source_->stop();
        throw;
      }
      ++finished_;
      cancel_shielded_checkpoint();
    }
  }

  std::size_t limit_;
  Taken taken_;
  Turn turn_;
  std::optional<element_source<Range>> source_;
  nursery* home_ = nullptr;
  std::size_t workers_ = 0;
  std::size_t finished_ = 0;
  bool grows_ = true;
};

template <class Range, class Taken, class Turn>
void loop_concurrently(const char* call, Range& range, std::size_t limit, Taken taken, Turn turn) {
  if (limit == 0) {
    throw std::invalid_argument(
        std::string(call) +
        ": a limit of 0 would never begin: structio::no_limit stands for any number at a time");
  }
  concurrent_loop<Range, Taken, Turn>(limit, std::move(taken), std::move(turn)).run(range);
}

template <class Range, class Fn>
concept turn_for =
    std::ranges::input_range<Range> && std::is_invocable_v<Fn&, typename element<Range>::argument>;

}  // namespace detail

/// Calls fn(element) for each element, at most `limit` at a time, begun in order. Its value is
/// dropped. A failure has no further element taken and cancels the others. Checkpoint. Throws
/// exception_group, `cancelled`, std::invalid_argument (limit is 0).
template <class Range, class Fn>
requires detail::turn_for<Range, Fn>
void for_each_concurrent(Range&& range, std::size_t limit, Fn&& fn) {
  detail::loop_concurrently(
      "for_each_concurrent", range, limit, [](std::size_t) {},
      [&fn](std::size_t, auto&& one) {
        static_cast<void>(std::invoke(fn, std::forward<decltype(one)>(one)));
      });
}

/// The same, and returns the values as a std::vector, in the order of the range.
template <class Range, class Fn>
requires detail::turn_for<Range, Fn>
auto map_concurrent(Range&& range, std::size_t limit, Fn&& fn) {
  using value = std::decay_t<std::invoke_result_t<Fn&, typename detail::element<Range>::argument>>;
  static_assert(!std::is_void_v<value>, "a function without a value is for for_each_concurrent");
  std::deque<std::optional<value>> slots;  // stays where it is when it grows
  detail::loop_concurrently(
      "map_concurrent", range, limit, [&](std::size_t) { slots.emplace_back(); },
      [&](std::size_t index, auto&& one) {
        slots[index].emplace(std::invoke(fn, std::forward<decltype(one)>(one)));
      });
  std::vector<value> values;
  values.reserve(slots.size());
  for (auto& one : slots) values.push_back(*std::move(one));
  return values;
}

}  // namespace v0
}  // namespace structio
