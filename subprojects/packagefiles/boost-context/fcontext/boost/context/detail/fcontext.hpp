// Declares the three routines of Boost.Context that are built here, under the names and types they
// have in Boost's own header, which would need a good part of the other Boost headers.
#pragma once

#include <cstddef>

namespace boost::context::detail {

using fcontext_t = void*;

struct transfer_t {
  fcontext_t fctx;
  void* data;
};

extern "C" {
transfer_t jump_fcontext(fcontext_t to, void* data);
fcontext_t make_fcontext(void* stack_top, std::size_t size, void (*entry)(transfer_t));
transfer_t ontop_fcontext(fcontext_t to, void* data, transfer_t (*function)(transfer_t));
}

}  // namespace boost::context::detail
