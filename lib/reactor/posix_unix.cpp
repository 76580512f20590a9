// Unix sockets by the POSIX book, and what Linux adds to it.
#include "reactor/posix_unix.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstring>

#include "reactor/posix_descriptor.hpp"
#include "reactor/posix_socket.hpp"

namespace structio::reactor {
namespace {

static_assert(longest_unix_path < sizeof(sockaddr_un::sun_path));

const sockaddr* generic(const sockaddr_storage& address) noexcept {
  return reinterpret_cast<const sockaddr*>(&address);
}

// Whether a file is a socket at which nobody listens.
bool is_stale(const char* path) noexcept {
  struct stat status;
  if (lstat(path, &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  const int descriptor = unix_connection(path);
  if (descriptor >= 0) close_socket(descriptor);
  return descriptor == -ECONNREFUSED;
}

int bind_to(int descriptor, const char* path, const unix_listen_settings& settings) noexcept {
  sockaddr_storage address;
  unsigned size = 0;
  if (const int code = unix_address(path, address, size)) return code;
  if (bind(descriptor, generic(address), size) == 0) return 0;
  if (errno != EADDRINUSE || path[0] == '@' || !settings.replace_stale) return -errno;
  if (!is_stale(path)) return -EADDRINUSE;
  if (unlink(path) != 0) return -errno;
  return bind(descriptor, generic(address), size) == 0 ? 0 : -errno;
}

// Once it is bound. Nobody can connect before it listens, so that the permissions come in time.
int begin_to_listen(int descriptor, const char* path, const unix_listen_settings& settings,
                    const unix_file& file) noexcept {
  if (file.inode != 0 && settings.permissions >= 0 &&
      chmod(path, static_cast<mode_t>(settings.permissions)) != 0) {
    return -errno;
  }
  return listen(descriptor, settings.backlog > 0 ? settings.backlog : INT_MAX) == 0 ? 0 : -errno;
}

// The system refuses sizes that reach beyond the end of memory, by which "as much as there is" may
// be meant.
constexpr std::size_t most_at_once = std::size_t{1} << 30;

// Room for the most descriptors, aligned as the system wants it.
union control_space {
  cmsghdr align;
  unsigned char room[CMSG_SPACE(most_descriptors * sizeof(int))];
};

// Keeps what fits of a message's descriptors and closes the rest.
void keep_descriptors(const cmsghdr& header, received_descriptors& out) noexcept {
  const unsigned char* data = CMSG_DATA(&header);
  const std::size_t count =
      (header.cmsg_len -
       static_cast<std::size_t>(data - reinterpret_cast<const unsigned char*>(&header))) /
      sizeof(int);
  for (std::size_t i = 0; i < count; ++i) {
    int descriptor;
    std::memcpy(&descriptor, data + i * sizeof descriptor, sizeof descriptor);
    if (out.count < out.capacity) {
      out.array[out.count++] = descriptor;
    } else {
      out.lost = true;
      close_socket(descriptor);
    }
  }
}

#if defined(MSG_CMSG_CLOEXEC)
constexpr int receive_flags = MSG_CMSG_CLOEXEC | MSG_DONTWAIT;
void close_on_exec(std::int64_t) noexcept {}  // they are
#else
constexpr int receive_flags = MSG_DONTWAIT;
void close_on_exec(std::int64_t descriptor) noexcept {
  fcntl(static_cast<int>(descriptor), F_SETFD, FD_CLOEXEC);
}
#endif

}  // namespace

int unix_address(const char* path, sockaddr_storage& out, unsigned& size) noexcept {
  std::memset(&out, 0, sizeof out);
  const std::size_t length = std::strlen(path);
  if (length == 0) return -EINVAL;
  if (length > longest_unix_path) return -ENAMETOOLONG;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path, length);
  size = static_cast<unsigned>(offsetof(sockaddr_un, sun_path) + length);
  if (path[0] == '@') {
#if defined(__linux__)
    address.sun_path[0] = 0;
#else
    return -ENOTSUP;
#endif
  } else {
    ++size;  // with its end
  }
  std::memcpy(&out, &address, sizeof address);
  return 0;
}

bool unix_path(const sockaddr_storage& address, char* path, std::size_t size) noexcept {
  path[0] = 0;
  if (address.ss_family != AF_UNIX) return false;
  // The rest of the storage is zero, so abstract names end where their zeros begin.
  sockaddr_un local;
  std::memcpy(&local, &address, sizeof local);
  std::size_t length = 0;
  if (local.sun_path[0] == 0 && local.sun_path[1] != 0) local.sun_path[0] = '@';
  while (length < sizeof local.sun_path && local.sun_path[length]) ++length;
  if (length >= size) length = size - 1;
  std::memcpy(path, local.sun_path, length);
  path[length] = 0;
  return true;
}

int unix_listening_socket(const char* path, const unix_listen_settings& settings,
                          unix_file& file) noexcept {
  file = {};
  const int descriptor = new_unix_socket(SOCK_STREAM);
  if (descriptor < 0) return descriptor;
  int code = bind_to(descriptor, path, settings);
  if (code == 0) {
    file = file_at(path);
    code = begin_to_listen(descriptor, path, settings, file);
    if (code == 0) return descriptor;
    remove_unix_file(path, file);
  }
  close_socket(descriptor);
  return code;
}

unix_file file_at(const char* path) noexcept {
  struct stat status;
  if (path[0] == '@' || lstat(path, &status) != 0) return {};
  return {static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino)};
}

void remove_unix_file(const char* path, const unix_file& file) noexcept {
  if (file.inode == 0) return;
  const unix_file now = file_at(path);
  if (now.inode == file.inode && now.device == file.device) unlink(path);
}

int unix_connection(const char* path) noexcept {
  sockaddr_storage address;
  unsigned size = 0;
  if (const int code = unix_address(path, address, size)) return code;
  const int descriptor = new_unix_socket(SOCK_STREAM);
  if (descriptor < 0) return descriptor;
  while (connect(descriptor, generic(address), size) != 0) {
    if (errno == EINTR) continue;
    const int code = -errno;
    close_socket(descriptor);
    return code;
  }
  return descriptor;
}

int unix_peer(int descriptor, unix_credentials& out) noexcept {
#if defined(SO_PEERCRED) && defined(__linux__)
  struct {
    pid_t process;
    uid_t user;
    gid_t group;
  } peer;
  socklen_t size = sizeof peer;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -errno;
  out = {peer.process, peer.user, peer.group};
  return 0;
#elif defined(__APPLE__) || defined(__FreeBSD__)
  uid_t user;
  gid_t group;
  if (getpeereid(descriptor, &user, &group) != 0) return -errno;
  out = {-1, user, group};
  return 0;
#else
  (void)descriptor;
  (void)out;
  return -ENOTSUP;
#endif
}

std::int64_t send_with_descriptors(int socket, const void* data, std::size_t size,
                                   const std::int64_t* descriptors, std::size_t count) noexcept {
  control_space control;
  iovec bytes = {const_cast<void*>(data), size < most_at_once ? size : most_at_once};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  if (count > 0) {
    std::memset(&control, 0, sizeof control);
    message.msg_control = control.room;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    for (std::size_t i = 0; i < count; ++i) {
      if (descriptors[i] < 0 || descriptors[i] > INT_MAX) return -EBADF;
      const int one = static_cast<int>(descriptors[i]);
      std::memcpy(CMSG_DATA(header) + i * sizeof one, &one, sizeof one);
    }
  }
  for (;;) {
    const ssize_t sent = sendmsg(socket, &message, MSG_DONTWAIT);
    if (sent >= 0) return sent;
    if (errno == EWOULDBLOCK) return -EAGAIN;
    if (errno != EINTR) return -errno;
  }
}

std::int64_t receive_with_descriptors(int socket, void* buffer, std::size_t size,
                                      received_descriptors& out) noexcept {
  control_space control;
  iovec bytes = {buffer, size < most_at_once ? size : most_at_once};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control.room;
  message.msg_controllen = sizeof control.room;
  ssize_t got;
  while ((got = recvmsg(socket, &message, receive_flags)) < 0) {
    if (errno == EWOULDBLOCK) return -EAGAIN;
    if (errno != EINTR) return -errno;
  }
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
      keep_descriptors(*header, out);
    }
  }
  if (message.msg_flags & MSG_CTRUNC) out.lost = true;
  for (std::size_t i = 0; i < out.count; ++i) close_on_exec(out.array[i]);
  return got;
}

}  // namespace structio::reactor
