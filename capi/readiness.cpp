// Readiness of the user's descriptors.
#include "sync/readiness.hpp"

#include <structio/structio_readiness.h>

#include "check.hpp"

using namespace structio;
using namespace structio::capi;

int structio_wait_readable(int descriptor) {
  rt::runtime* r = in_task("structio_wait_readable");
  return r ? rt::wait_ready(*r, descriptor, reactor::ready_to_read) : refused();
}

int structio_wait_writable(int descriptor) {
  rt::runtime* r = in_task("structio_wait_writable");
  return r ? rt::wait_ready(*r, descriptor, reactor::ready_to_write) : refused();
}

int structio_notify_closing(int descriptor) {
  constexpr const char* call = "structio_notify_closing";
  rt::runtime* r = in_run(call);
  if (!r) return refused();
  if (descriptor < 0)
    return fail(reactor::bad_descriptor, "%s: %d is no descriptor", call, descriptor);
  reactor::readiness_closing(r->kernel, descriptor);
  return 0;
}
