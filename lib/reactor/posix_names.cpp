// getaddrinfo and getnameinfo, and what their errors are called elsewhere.
#include "reactor/posix_names.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <uv.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "reactor/posix_socket.hpp"

namespace structio::reactor {
namespace {

int code_of(int error) noexcept {
  switch (error) {
    case 0: return 0;
#if defined(EAI_ADDRFAMILY)
    case EAI_ADDRFAMILY: return UV_EAI_ADDRFAMILY;
#endif
    case EAI_AGAIN: return UV_EAI_AGAIN;
    case EAI_BADFLAGS: return UV_EAI_BADFLAGS;
    case EAI_FAIL: return UV_EAI_FAIL;
    case EAI_FAMILY: return UV_EAI_FAMILY;
    case EAI_MEMORY: return UV_EAI_MEMORY;
#if defined(EAI_NODATA)
    case EAI_NODATA: return UV_EAI_NODATA;
#endif
    case EAI_NONAME: return UV_EAI_NONAME;
    case EAI_OVERFLOW: return UV_EAI_OVERFLOW;
    case EAI_SERVICE: return UV_EAI_SERVICE;
    case EAI_SOCKTYPE: return UV_EAI_SOCKTYPE;
    case EAI_SYSTEM: return errno ? -errno : UV_EAI_FAIL;
    default: return UV_EAI_FAIL;
  }
}

}  // namespace

int look_up(const name_query& query, bool (*found)(const sockaddr_storage& address, void* arg),
            void* arg) noexcept {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;  // else each comes once for each type
  hints.ai_family = query.family == address_family::v4   ? AF_INET
                    : query.family == address_family::v6 ? AF_INET6
                                                         : AF_UNSPEC;
  if (query.listening) hints.ai_flags |= AI_PASSIVE;
  char number[8];
  std::snprintf(number, sizeof number, "%u", query.port);
  addrinfo* list = nullptr;
  const int error = getaddrinfo(query.host, query.service ? query.service : number, &hints, &list);
  if (error != 0) return code_of(error);
  for (const addrinfo* one = list; one; one = one->ai_next) {
    if (address_size(*one->ai_addr) == 0) continue;
    sockaddr_storage address{};
    std::memcpy(&address, one->ai_addr, address_size(*one->ai_addr));
    if (!found(address, arg)) break;
  }
  freeaddrinfo(list);
  return 0;
}

int look_up_name(const sockaddr_storage& address, char* host, char* service) noexcept {
  const auto& generic = reinterpret_cast<const sockaddr&>(address);
  return code_of(getnameinfo(&generic, address_size(generic), host, 256, service, 64, 0));
}

}  // namespace structio::reactor
