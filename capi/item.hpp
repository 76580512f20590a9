// What channels and broadcasts of the C ABI share: the user's type of items checked, statistics
// handed out, the run of an object that is not the caller's told apart.
#pragma once

#include <structio/structio_channel.h>

#include "check.hpp"
#include "sync/item_type.hpp"

namespace structio::capi {

/// False with a message when the caller's description is none.
inline bool item_type_of(const structio_item_type* given, rt::item_type& out,
                         const char* call) noexcept {
  if (!given) {
    null_argument(call, "type");
    return false;
  }
  if (!options_fit(given, call)) return false;
  const structio_item_type type = whole(given);
  if (type.size == 0 || type.size > PTRDIFF_MAX / 2) {
    fail(STRUCTIO_EINVALID, "%s: the size of an item is 0 or beyond all memory", call);
    return false;
  }
  out = {type.size, type.move, type.destroy, type.copy};
  return true;
}

/// Why an object whose run is `home` is refused here.
inline int wrong_run(const rt::runtime* home, const char* call) noexcept {
  if (home) return other_run(call);
  return fail(STRUCTIO_ECLOSED, "%s: the run that the object belonged to has ended", call);
}

/// Fills in as many fields as the caller's header knew.
template <class Statistics>
void tell(Statistics all, Statistics& out) noexcept {
  all.struct_size = out.struct_size;
  __builtin_memcpy(&out, &all, all.struct_size < sizeof all ? all.struct_size : sizeof all);
}

}  // namespace structio::capi
