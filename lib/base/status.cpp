// Names and texts of our own codes, expanded from the one public list.
#include "base/status.hpp"

namespace structio::base {

const char* own_error_text(int code) noexcept {
  switch (code) {
    case STRUCTIO_OK: return "success";
#define STRUCTIO_ERROR_TEXT(name, value, text) \
  case STRUCTIO_E##name: return text;
      STRUCTIO_ERROR_MAP(STRUCTIO_ERROR_TEXT)
#undef STRUCTIO_ERROR_TEXT
    default: return nullptr;
  }
}

const char* own_error_name(int code) noexcept {
  switch (code) {
    case STRUCTIO_OK: return "STRUCTIO_OK";
#define STRUCTIO_ERROR_NAME(name, value, text) \
  case STRUCTIO_E##name: return "STRUCTIO_E" #name;
      STRUCTIO_ERROR_MAP(STRUCTIO_ERROR_NAME)
#undef STRUCTIO_ERROR_NAME
    default: return nullptr;
  }
}

}  // namespace structio::base
