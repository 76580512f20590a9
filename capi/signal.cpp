// Receivers of signals.
#include "process/signal.hpp"

#include "object.hpp"

using namespace structio;
using namespace structio::capi;

namespace {

constexpr auto kind = base::handle_kind::signal_receiver;
constexpr size_t most_signals = 1024;  // more are surely a mistake

}  // namespace

int structio_signal_open(const int* signals, size_t count, structio_signal_receiver** out) {
  constexpr const char* call = "structio_signal_open";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  if (!signals) return null_argument(call, "signals");
  if (count == 0) return fail(STRUCTIO_EINVALID, "%s: no signals are given", call);
  if (count > most_signals) {
    return fail(STRUCTIO_EINVALID, "%s: %zu signals are more than there are", call, count);
  }
  rt::runtime* r = in_body(call);
  if (!r) return refused();
  rt::signal_receiver* receiver = nullptr;
  if (const int code = rt::signal_open(*r, signals, count, receiver)) return code;
  *out = static_cast<structio_signal_receiver*>(receiver->handle);
  return 0;
}

int structio_signal_receive(structio_signal_receiver* receiver, int* signum) {
  constexpr const char* call = "structio_signal_receive";
  if (!signum) return null_argument(call, "signum");
  const auto r = find<rt::signal_receiver>(kind, receiver, call, true);
  if (!r.object) return refused();
  return rt::signal_receive(*r.run, *r.object, *signum);
}

int structio_signal_close(structio_signal_receiver* receiver) {
  const auto r = find<rt::signal_receiver>(kind, receiver, "structio_signal_close", false);
  if (!r.object) return refused();
  rt::signal_shut(*r.object);
  return 0;
}

int structio_signal_free(structio_signal_receiver* receiver) {
  constexpr const char* call = "structio_signal_free";
  if (!receiver) return 0;
  auto* r = handle<rt::signal_receiver>(kind, receiver, call);
  if (!r || !may_free(*r, call)) return refused();
  rt::signal_free(*r);
  return 0;
}
