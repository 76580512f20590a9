// Waiting for the first of several things, and doing that one.
//
//     structio::select(
//         structio::on_receive(jobs, [&](std::optional<job> j) { ... }),   // nothing: the end
//         structio::on_send(results, std::move(next), [&] { ... }),
//         structio::on_set(stop, [&] { ... }),
//         structio::on_timeout(1s, [&] { ... }));
//
// Always true: exactly one case happens, or none when select throws `cancelled`. A value that was
// offered and not sent is still in its variable. Handlers run in the calling task after the choice
// has been made, so they may wait, select again, and throw.
#pragma once

#include <structio/structio_select.h>
#include <structio/channel.hpp>
#include <structio/event.hpp>
#include <structio/readiness.hpp>
#include <structio/task_handle.hpp>
#include <structio/time.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace structio {
inline namespace v0 {

struct select_options {
  bool in_order = false;  ///< of several that are ready the first one, instead of any
};

namespace detail {

/// The handler of who has nothing more to do.
struct no_handler {
  void operator()() const noexcept {}
};

/// What a case offers during a call: several that name the same variable offer one value.
struct offer_of_case {
  const void* variable = nullptr;
  const void* type = nullptr;  ///< a variable and its first member have the same address
  void* item = nullptr;        ///< where the C ABI finds it
  offer_of_case* next = nullptr;
};

template <class T>
inline constexpr char type_of_offer = 0;

/// The offer of the same variable, or null.
template <class T>
const offer_of_case* find_offer(const offer_of_case* first, const T* variable) noexcept {
  while (first != nullptr && (first->variable != variable || first->type != &type_of_offer<T>)) {
    first = first->next;
  }
  return first;
}

/// What every case has: whether it is switched on.
template <class Self>
class select_case {
 public:
  /// Switches the case off, or on, before it is given to select.
  [[nodiscard]] Self when(bool on) && {
    on_ = on;
    return std::move(static_cast<Self&>(*this));
  }

  /// What the C ABI is to be told; each time before a call. `first`: the list of what the cases
  /// before this one offer.
  void arm(structio_select_case& raw, offer_of_case*& first) {
    raw.kind = STRUCTIO_SELECT_NONE;
    if (on_) static_cast<Self&>(*this).describe(raw, first);
  }

  /// After the call. `sent`: the memory from which an item was sent, null when none was.
  void disarm(const void*) noexcept {}

  /// It may be selected from more than once.
  static constexpr bool lasts = true;

 protected:
  bool on_ = true;
};

/// Anything that is told of by nothing but its happening.
template <class Handler>
class signal_case : public select_case<signal_case<Handler>> {
 public:
  signal_case(const structio_select_case& what, Handler handler)
      : what_(what), handler_(std::move(handler)) {}
  void describe(structio_select_case& raw, offer_of_case*&) const noexcept { raw = what_; }
  void finish(int status) {
    check(status);
    std::invoke(handler_);
  }

 private:
  structio_select_case what_;
  Handler handler_;
};

template <class T, class Handler>
class receive_case : public select_case<receive_case<T, Handler>> {
 public:
  receive_case(structio_receiver* from, Handler handler)
      : from_(from), handler_(std::move(handler)) {}
  receive_case(receive_case&& other) noexcept(std::is_nothrow_move_constructible_v<Handler>)
      : select_case<receive_case>(other), from_(other.from_), handler_(std::move(other.handler_)) {}

  void describe(structio_select_case& raw, offer_of_case*&) noexcept {
    raw.kind = STRUCTIO_SELECT_RECEIVE;
    raw.object = from_;
    raw.item = slot_.memory();
  }
  void finish(int status) {
    if constexpr (std::is_invocable_v<Handler&, std::optional<T>>) {
      std::optional<T> item;
      if (status != STRUCTIO_EEND) {
        check(status);
        slot_.take_into(item);
      }
      std::invoke(handler_, std::move(item));
    } else {
      check(status);
      std::invoke(handler_, slot_.take());
    }
  }

 private:
  structio_receiver* from_;
  Handler handler_;
  item_slot<T> slot_;
};

/// `Value` is T for what the case owns, T& for what stays its user's; that lasts when it is named
/// as a reference.
template <class Value, bool Lasts, class Handler>
class send_case : public select_case<send_case<Value, Lasts, Handler>> {
  using T = std::remove_reference_t<Value>;

 public:
  static constexpr bool lasts = Lasts;

  send_case(structio_sender* to, Value&& value, Handler handler)
      : to_(to), value_(std::forward<Value>(value)), handler_(std::move(handler)) {}
  send_case(send_case&& other) noexcept(std::is_nothrow_move_constructible_v<Handler>)
      : select_case<send_case>(other),
        to_(other.to_),
        value_(std::forward<Value>(other.value_)),
        handler_(std::move(other.handler_)) {}

  void describe(structio_select_case& raw, offer_of_case*& first) {
    if (to_ == nullptr) return;
    raw.item = item(first);
    raw.kind = STRUCTIO_SELECT_SEND;
    raw.object = to_;
  }
  void disarm(const void* sent) noexcept {
    if (!offering_) return;
    if (offering_->memory() != sent) offering_->take_back();
    offering_.reset();
  }
  void finish(int status) {
    check(status);
    std::invoke(handler_);
  }

 private:
  // Whoever is the first to offer the variable holds its value, and takes it back.
  void* item(offer_of_case*& first) {
    if constexpr (is_plain<T>) return std::addressof(value_);
    if (const offer_of_case* same = find_offer(first, std::addressof(value_))) return same->item;
    offering_.emplace(value_);
    offer_ = {std::addressof(value_), &type_of_offer<T>, offering_->memory(), first};
    first = &offer_;
    return offer_.item;
  }

  structio_sender* to_;
  Value value_;
  Handler handler_;
  std::optional<offered<T>> offering_;
  offer_of_case offer_;
};

template <class T, class Handler>
concept receive_handler =
    std::is_invocable_v<Handler&, std::optional<T>> || std::is_invocable_v<Handler&, T>;

/// The memory from which a call that returned `taken` has sent an item; null when it has sent none.
inline const void* sent_by(const structio_select_case* cases, std::int64_t taken) noexcept {
  if (taken < 0) return nullptr;
  const structio_select_case& one = cases[taken];
  return one.kind == STRUCTIO_SELECT_SEND && one.status == 0 ? one.item : nullptr;
}

inline std::int64_t call_select(structio_select_case* cases, std::size_t count,
                                const select_options& options, std::uint32_t flags) {
  structio_select_options raw = STRUCTIO_SELECT_OPTIONS_INIT;
  raw.flags = flags | (options.in_order ? STRUCTIO_SELECT_IN_ORDER : 0);
  return uncancelled_in_cleanup([&] { return structio_select(cases, count, &raw); });
}

/// Ends the preparations of all cases, also when one of them throws.
template <class Disarm>
class disarming {
 public:
  explicit disarming(Disarm disarm) noexcept : disarm_(std::move(disarm)) {}
  disarming(const disarming&) = delete;
  disarming& operator=(const disarming&) = delete;
  ~disarming() { disarm_(); }

 private:
  Disarm disarm_;
};

template <class... Cases>
std::int64_t select_among(const select_options& options, std::uint32_t flags, Cases&... cases) {
  std::array<structio_select_case, sizeof...(Cases)> raw;
  std::int64_t taken = -1;
  int thrown = 0;
  {
    std::size_t armed = 0;
    [[maybe_unused]] offer_of_case* first = nullptr;
    const disarming end([&] {
      [[maybe_unused]] const void* sent = sent_by(raw.data(), taken);
      (cases.disarm(sent), ...);
    });
    (..., (cases.arm(raw[armed], first), ++armed));
    taken = call_select(raw.data(), raw.size(), options, flags);
    if (taken < 0) thrown = static_cast<int>(taken);
  }
  if (thrown == STRUCTIO_EWOULDBLOCK) return thrown;
  check(thrown);
  std::int64_t i = 0;
  [[maybe_unused]] const auto finish = [&](auto& one) {
    if (i++ == taken) one.finish(raw[static_cast<std::size_t>(taken)].status);
  };
  (finish(cases), ...);
  return taken;
}

template <class Case>
concept case_of_select =
    std::derived_from<std::remove_cvref_t<Case>, select_case<std::remove_cvref_t<Case>>>;

inline structio_select_case described(std::uint32_t kind, void* object) noexcept {
  structio_select_case raw{};
  raw.kind = kind;
  raw.object = object;
  return raw;
}
inline structio_select_case at_moment(std::uint32_t kind, std::int64_t moment) noexcept {
  structio_select_case raw{};
  raw.kind = kind;
  raw.moment = moment;
  return raw;
}
inline structio_select_case on_descriptor(std::uint32_t kind, int descriptor) noexcept {
  structio_select_case raw{};
  raw.kind = kind;
  raw.descriptor = descriptor;
  return raw;
}

}  // namespace detail

/// An item comes. `handler` takes a std::optional<T>, which is empty at the end of the channel, or
/// a T, and then the end is thrown as end_of_channel. Also thrown: closed_error (this end). A
/// receiver that was moved from is a case that is switched off.
template <class T, class Handler>
requires detail::receive_handler<T, Handler>
[[nodiscard]] auto on_receive(receiver<T>& from, Handler handler) {
  return detail::receive_case<T, Handler>(from.native(), std::move(handler));
}

/// There is room for an item, and it is sent. What is given by std::move must live until select
/// returns, and still has its value when it was not sent; the same holds for std::ref, whatever the
/// variable has when select is called; anything else is copied. While select waits the variable has
/// been moved from, and what others write to it then is overwritten. Several cases may name one
/// variable: its value is sent once. Thrown: broken_error (no receiver is left), closed_error (this
/// end), std::bad_alloc. A sender that was moved from is a case that is switched off.
template <class T, class Handler = detail::no_handler>
requires std::is_invocable_v<Handler&>
[[nodiscard]] auto on_send(const sender<T>& to, std::type_identity_t<T>&& value,
                           Handler handler = {}) {
  return detail::send_case<T&, false, Handler>(to.native(), value, std::move(handler));
}
template <class T, class Handler = detail::no_handler>
requires std::is_invocable_v<Handler&> && std::is_copy_constructible_v<T>
[[nodiscard]] auto on_send(const sender<T>& to, const std::type_identity_t<T>& value,
                           Handler handler = {}) {
  return detail::send_case<T, false, Handler>(to.native(), T(value), std::move(handler));
}
template <class T, class Handler = detail::no_handler>
requires std::is_invocable_v<Handler&>
[[nodiscard]] auto on_send(const sender<T>& to, std::reference_wrapper<T> value,
                           Handler handler = {}) {
  return detail::send_case<T&, true, Handler>(to.native(), value.get(), std::move(handler));
}

/// An event is set. Thrown: broken_error (it was destroyed meanwhile).
template <class Handler = detail::no_handler>
requires std::is_invocable_v<Handler&>
[[nodiscard]] auto on_set(event& what, Handler handler = {}) {
  return detail::signal_case<Handler>(detail::described(STRUCTIO_SELECT_EVENT, what.native()),
                                      std::move(handler));
}

/// Time passes, counted from when select is called; `forever` is a case that is switched off.
/// Throws std::invalid_argument (not a number); select does when it is negative.
template <class Rep, class Period, class Handler = detail::no_handler>
requires std::is_invocable_v<Handler&>
[[nodiscard]] auto on_timeout(std::chrono::duration<Rep, Period> time, Handler handler = {}) {
  return detail::signal_case<Handler>(
      detail::at_moment(STRUCTIO_SELECT_TIMEOUT, detail::to_nanoseconds(time).count()),
      std::move(handler));
}

/// A moment of the run's clock comes, or has passed; `never` is a case that is switched off.
template <class Handler = detail::no_handler>
requires std::is_invocable_v<Handler&>
[[nodiscard]] auto on_deadline(time_point moment, Handler handler = {}) {
  return detail::signal_case<Handler>(
      detail::at_moment(STRUCTIO_SELECT_MOMENT, moment.time_since_epoch().count()),
      std::move(handler));
}

/// A descriptor can be read from, or written to; see wait_readable. Thrown: closed_error,
/// busy_error, error (EBADF).
template <class Handler = detail::no_handler>
requires std::is_invocable_v<Handler&>
[[nodiscard]] auto on_readable(int descriptor, Handler handler = {}) {
  return detail::signal_case<Handler>(detail::on_descriptor(STRUCTIO_SELECT_READABLE, descriptor),
                                      std::move(handler));
}
template <class Handler = detail::no_handler>
requires std::is_invocable_v<Handler&>
[[nodiscard]] auto on_writable(int descriptor, Handler handler = {}) {
  return detail::signal_case<Handler>(detail::on_descriptor(STRUCTIO_SELECT_WRITABLE, descriptor),
                                      std::move(handler));
}

/// A task has ended, well or not: its handle tells. usage_error of select: the calling task.
template <class T, class Handler = detail::no_handler>
requires std::is_invocable_v<Handler&>
[[nodiscard]] auto on_end(const task_handle<T>& task, Handler handler = {}) {
  return detail::signal_case<Handler>(detail::described(STRUCTIO_SELECT_END, task.native()),
                                      std::move(handler));
}

/// Waits for the first of the cases, does it, calls its handler, and returns its index. When
/// several are ready at once it is any of them, each as likely as another. Checkpoint. Throws
/// `cancelled`, what the case that happened throws (see there), what its handler throws,
/// std::invalid_argument, usage_error, std::bad_alloc.
template <detail::case_of_select... Cases>
std::size_t select(const select_options& options, Cases&&... cases) {
  return static_cast<std::size_t>(detail::select_among(options, 0, cases...));
}
template <detail::case_of_select... Cases>
std::size_t select(Cases&&... cases) {
  return static_cast<std::size_t>(detail::select_among({}, 0, cases...));
}

/// The same without waiting: nothing when no case is ready. A checkpoint all the same.
template <detail::case_of_select... Cases>
[[nodiscard]] std::optional<std::size_t> try_select(Cases&&... cases) {
  const std::int64_t taken = detail::select_among({}, STRUCTIO_SELECT_NOWAIT, cases...);
  if (taken < 0) return std::nullopt;
  return static_cast<std::size_t>(taken);
}

/// As many cases as there happen to be, of any kinds, to be selected from again and again:
///
///     structio::selector inputs;
///     for (auto& rx : receivers) inputs.add(structio::on_receive(rx, handler));
///     while (inputs.enabled() > 0) inputs.select();
///
/// What the cases refer to must live as long. Timeouts count anew from each call. A case that is
/// switched off while a task waits is still waited for in that call.
class selector {
 public:
  explicit selector(const select_options& options = {}) : options_(options) {}
  selector(const selector&) = delete;
  selector& operator=(const selector&) = delete;

  /// Adds a case, which is on; returns its index. What is to be sent is given by std::ref. Throws
  /// busy_error while a task waits in select; handlers may.
  template <detail::case_of_select Case>
  requires(std::is_rvalue_reference_v<Case&&>&& Case::lasts) std::size_t add(Case&& one) {
    refuse_when_busy();
    raw_.reserve(raw_.size() + 1);
    cases_.push_back({std::make_unique<holder<std::remove_cvref_t<Case>>>(std::move(one)), true});
    raw_.emplace_back();
    return cases_.size() - 1;
  }

  /// Switches a case off or on: one whose channel has come to its end, say. Handlers may.
  void enable(std::size_t index, bool on = true) { cases_.at(index).on = on; }
  void disable(std::size_t index) { enable(index, false); }

  /// How many cases there are, and how many of them are on.
  std::size_t size() const noexcept { return cases_.size(); }
  std::size_t enabled() const noexcept {
    std::size_t count = 0;
    for (const entry& e : cases_) count += e.on ? 1 : 0;
    return count;
  }

  /// As structio::select and try_select. One task at a time, until the choice has been made:
  /// handlers may select again, and meanwhile other tasks may. Throws busy_error as well.
  std::size_t select() { return static_cast<std::size_t>(run(0)); }
  [[nodiscard]] std::optional<std::size_t> try_select() {
    const std::int64_t taken = run(STRUCTIO_SELECT_NOWAIT);
    if (taken < 0) return std::nullopt;
    return static_cast<std::size_t>(taken);
  }

 private:
  struct any_case {
    any_case() = default;
    any_case(const any_case&) = delete;
    any_case& operator=(const any_case&) = delete;
    virtual ~any_case() = default;
    virtual void arm(structio_select_case& raw, detail::offer_of_case*& first) = 0;
    virtual void disarm(const void* sent) noexcept = 0;
    virtual void finish(int status) = 0;
  };
  template <class Case>
  struct holder final : any_case {
    explicit holder(Case&& given) : one(std::move(given)) {}
    void arm(structio_select_case& raw, detail::offer_of_case*& first) override {
      one.arm(raw, first);
    }
    void disarm(const void* sent) noexcept override { one.disarm(sent); }
    void finish(int status) override { one.finish(status); }
    Case one;
  };
  struct entry {
    std::unique_ptr<any_case> one;
    bool on;
  };

  void refuse_when_busy() const {
    if (busy_) throw busy_error("selector: another task selects from it: make one for each task");
  }

  std::int64_t run(std::uint32_t flags) {
    refuse_when_busy();
    std::int64_t taken = -1;
    {
      busy_ = true;
      const detail::disarming end([&] {
        const void* sent = detail::sent_by(raw_.data(), taken);
        for (entry& e : cases_) e.one->disarm(sent);
        busy_ = false;
      });
      detail::offer_of_case* first = nullptr;
      for (std::size_t i = 0; i < cases_.size(); ++i) {
        raw_[i].kind = STRUCTIO_SELECT_NONE;
        if (cases_[i].on) cases_[i].one->arm(raw_[i], first);
      }
      taken = detail::call_select(raw_.data(), raw_.size(), options_, flags);
    }
    if (taken == STRUCTIO_EWOULDBLOCK) return taken;
    detail::check(taken);
    const auto index = static_cast<std::size_t>(taken);
    cases_[index].one->finish(raw_[index].status);
    return taken;
  }

  select_options options_;
  std::vector<entry> cases_;
  std::vector<structio_select_case> raw_;
  bool busy_ = false;  ///< a task arms the cases, or waits
};

}  // namespace v0
}  // namespace structio
