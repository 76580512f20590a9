// Unix sockets: paths and abstract names, listeners whose file goes with them, descriptors sent
// along, who is at the other end.
#include <structio/unix.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <string>

#include "support/few_descriptors.hpp"
#include "support/net.hpp"
#include "support/op_proof.hpp"

using namespace net_test;
using structio::connect_unix;
using structio::listen_unix;
using structio::open_unix_pair;
using structio::unix_listener;
using structio::unix_stream;

namespace {

/// A folder for sockets, removed with what is left in it.
class folder {
 public:
  folder() {
    std::string made = "/tmp/structio-XXXXXX";
    REQUIRE(mkdtemp(made.data()));
    path_ = made;
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() {
    unlink((path_ + "/s").c_str());
    rmdir(path_.c_str());
  }
  std::string socket() const { return path_ + "/s"; }

 private:
  std::string path_;
};

bool exists(const std::string& path) {
  struct stat status;
  return lstat(path.c_str(), &status) == 0;
}

int code_of_connect(const std::string& path) {
  structio_stream* s = nullptr;
  const int code = structio_unix_connect(path.c_str(), &s);
  structio_stream_free(s);
  return code;
}

int code_of_listen(const std::string& path, bool replace = false) {
  structio_unix_listen_options options{};
  options.struct_size = sizeof options;
  options.path = path.c_str();
  options.replace_stale = replace;
  structio_listener* l = nullptr;
  const int code = structio_unix_listen(&options, &l);
  structio_listener_free(l);
  return code;
}

/// A socket's file at which nobody listens any more.
void leave_stale(const std::string& path) {
  const int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(descriptor, 1) == 0);
  close(descriptor);
}

void exchange_bytes(const std::string& path) {
  auto listener = listen_unix({.path = path});
  auto a = connect_unix(path);
  auto b = listener.accept();
  a.send_all("ping");
  CHECK(receive(b) == "ping");
  b.send_all("pong");
  b.send_eof();
  CHECK(receive(a) == "pong");
  CHECK(receive(a).empty());
}

}  // namespace

TEST_CASE("two ends meet at a path and exchange bytes", "[UNIXS-01]") {
  folder f;
  run([&] { exchange_bytes(f.socket()); });
  CHECK_FALSE(exists(f.socket()));
}

#if defined(__linux__)
TEST_CASE("an abstract name stands for no file", "[UNIXS-01]") {
  run([] {
    const std::string name = "@structio-test-" + std::to_string(getpid());
    exchange_bytes(name);
    auto listener = listen_unix({.path = name});
    char shown[128];
    CHECK(structio_listener_address(listener.native(), shown, sizeof shown, nullptr) == 0);
    CHECK(shown == name);
    CHECK(code_of_listen(name) == -EADDRINUSE);
    CHECK_FALSE(exists(name));
  });
}
#endif

TEST_CASE("paths that lead nowhere are told apart", "[UNIXS-02][UNIXS-03]") {
  folder f;
  run([&] {
    const int before = open_descriptors();
    CHECK(code_of_connect(f.socket()) == -ENOENT);
    CHECK(std::string(structio_last_message()).find(f.socket()) != std::string::npos);
    CHECK(code_of_connect(std::string(200, 'x')) == -ENAMETOOLONG);
    CHECK(code_of_connect("") == STRUCTIO_EINVALID);
    CHECK(code_of_listen(std::string(200, 'x')) == -ENAMETOOLONG);
    CHECK(code_of_listen(f.socket() + "/in/no/folder") == -ENOENT);
    leave_stale(f.socket());
    CHECK(code_of_connect(f.socket()) == -ECONNREFUSED);
    structio_stream* s = nullptr;
    CHECK(structio_unix_connect(nullptr, &s) == STRUCTIO_EINVALID);
    CHECK(structio_unix_connect("x", nullptr) == STRUCTIO_EINVALID);
    CHECK(structio_unix_listen(nullptr, nullptr) == STRUCTIO_EINVALID);
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("a stale file is replaced when that is asked for, and nothing else is") {
  folder f;
  run([&] {
    leave_stale(f.socket());
    CHECK(code_of_listen(f.socket()) == -EADDRINUSE);
    CHECK(code_of_listen(f.socket(), true) == 0);
    CHECK_FALSE(exists(f.socket()));
    auto alive = listen_unix({.path = f.socket()});
    CHECK(code_of_listen(f.socket(), true) == -EADDRINUSE);
    alive.close();
    close(::open(f.socket().c_str(), O_CREAT | O_WRONLY, 0600));
    CHECK(code_of_listen(f.socket(), true) == -EADDRINUSE);
    CHECK(exists(f.socket()));
  });
}

TEST_CASE("a listener removes its file and no other's") {
  folder f;
  run([&] {
    auto listener = listen_unix({.path = f.socket()});
    CHECK(exists(f.socket()));
    std::int64_t descriptor = -1;
    CHECK(structio_listener_descriptor(listener.native(), &descriptor) == 0);
    CHECK(fcntl(static_cast<int>(descriptor), F_GETFD) >= 0);
    CHECK(structio_listener_descriptor(listener.native(), nullptr) == STRUCTIO_EINVALID);
    REQUIRE(unlink(f.socket().c_str()) == 0);
    auto second = listen_unix({.path = f.socket()});
    listener.close();
    CHECK(exists(f.socket()));
    second.close();
    CHECK_FALSE(exists(f.socket()));
  });
}

TEST_CASE("the file has its permissions before anybody can connect") {
  folder f;
  run([&] {
    auto listener = listen_unix({.path = f.socket(), .permissions = 0600});
    struct stat status;
    REQUIRE(lstat(f.socket().c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    structio_unix_listen_options options{};
    options.struct_size = sizeof options;
    options.path = "x";
    options.permissions = 010000;
    structio_listener* l = nullptr;
    CHECK(structio_unix_listen(&options, &l) == STRUCTIO_EINVALID);
  });
}

TEST_CASE("who connects to a full queue waits for room, and can be cancelled") {
  folder f;
  run([&] {
    auto listener = listen_unix({.path = f.socket(), .backlog = 1});
    std::vector<unix_stream> queued;
    while (structio::move_on_after(5ms, [&] { queued.push_back(connect_unix(f.socket())); })) {
    }
    CHECK(queued.size() < 10);
    const int before = open_descriptors();
    bool connected = false;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        auto late = connect_unix(f.socket());
        connected = true;
      });
      structio::checkpoint();
      for (std::size_t i = 0; i < queued.size(); ++i) listener.accept();
    });
    CHECK(connected);
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("a server of Unix sockets serves and stops", "[SERVE-01]") {
  folder f;
  run([&] {
    auto listener = listen_unix({.path = f.socket()});
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        structio::serve(listener, [](unix_stream conn) {
          std::array<std::byte, 64> buffer;
          while (auto got = conn.receive_some(buffer)) conn.send_all(std::span(buffer).first(got));
        });
      });
      for (int i = 0; i < 3; ++i) {
        auto client = connect_unix(f.socket());
        client.send_all("echo");
        CHECK(receive(client) == "echo");
      }
      n.cancel_scope().stop(0s);
    });
  });
}

TEST_CASE("the other end is known by its process and user") {
  run([] {
    auto [a, b] = open_unix_pair();
    const auto peer = a.peer();
    CHECK(peer.user == getuid());
    CHECK(peer.group == getgid());
#if defined(__linux__)
    CHECK(peer.process == getpid());
#endif
    a.close();
    CHECK(throws<structio::closed_error>([&, &s = a] { s.peer(); }));
  });
}

TEST_CASE("a descriptor sent along opens the same file at the other end") {
  run([] {
    auto [a, b] = open_unix_pair();
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const std::int64_t sent[] = {ends[1]};
    a.send_descriptors("take this", sent);
    close(ends[1]);
    std::array<std::byte, 64> buffer;
    std::array<std::int64_t, 4> came;
    const auto got = b.receive_descriptors(buffer, came);
    CHECK(got.size == 9);
    REQUIRE(got.count == 1);
    CHECK_FALSE(got.lost);
    const int mine = static_cast<int>(came[0]);
    CHECK((fcntl(mine, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(write(mine, "through", 7) == 7);
    close(mine);
    char read_back[8] = {};
    CHECK(read(ends[0], read_back, 7) == 7);
    CHECK(std::string(read_back) == "through");
    close(ends[0]);
  });
}

TEST_CASE("descriptors for which there is no room are closed, and that is told") {
  run([] {
    auto [a, b] = open_unix_pair();
    const int before = open_descriptors();
    const std::int64_t sent[] = {0, 0, 0};
    a.send_descriptors("x", sent);
    std::array<std::byte, 4> buffer;
    std::array<std::int64_t, 1> came;
    const auto got = b.receive_descriptors(buffer, came);
    CHECK(got.count == 1);
    CHECK(got.lost);
    close(static_cast<int>(came[0]));
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("descriptors wait for their turn at both ends, behind what a given up send has left") {
  run([] {
    auto [a, b] = open_unix_pair();
    const std::string much = pattern(std::size_t{4} << 20);
    CHECK_FALSE(structio::move_on_after(1ms, [&, &out = a] { out.send_all(much); }));
    std::size_t total = 0;
    std::size_t count = 0;
    std::string last;
    open_nursery([&, &out = a, &in = b](nursery& n) {
      n.start_soon([&] {
        const std::int64_t sent[] = {0};
        out.send_descriptors("END", sent);
        out.send_eof();
      });
      n.start_soon([&] {
        std::vector<std::byte> buffer(65536);
        std::array<std::int64_t, 1> came;
        for (;;) {
          const auto got = in.receive_descriptors(buffer, came);
          if (got.size == 0) break;
          total += got.size;
          count += got.count;
          if (got.count > 0) {
            close(static_cast<int>(came[0]));
            last.assign(reinterpret_cast<const char*>(buffer.data()), got.size);
          }
        }
      });
    });
    CHECK(count == 1);
    CHECK(last.substr(last.size() - 3) == "END");
    CHECK(total < much.size());
  });
}

TEST_CASE("receiving descriptors can be cancelled at each instant") {
  run(
      [] {
        for (int delay = 0; delay < 8; ++delay) {
          auto [a, b] = open_unix_pair();
          structio::cancel_scope scope;
          structio::received_descriptors got;
          std::array<std::byte, 8> buffer;
          std::array<std::int64_t, 1> came;
          open_nursery([&, &out = a, &in = b](nursery& n) {
            n.start_soon([&] {
              pause(delay);
              scope.cancel();
            });
            n.start_soon([&] {
              pause(delay / 2);
              const std::int64_t sent[] = {0};
              out.send_descriptors("d", sent);
            });
            scope.run([&] { got = in.receive_descriptors(buffer, came); });
          });
          if (got.size == 0) got = b.receive_descriptors(buffer, came);
          CHECK(got.size == 1);
          REQUIRE(got.count == 1);
          close(static_cast<int>(came[0]));
        }
      },
      1);
}

TEST_CASE("where descriptors run out nothing is left behind, and it goes on afterwards") {
  folder f;
  run([&] {
    auto listener = listen_unix({.path = f.socket()});
    auto [a, b] = open_unix_pair();
    const int before = open_descriptors();
    {
      const support::few_descriptors few;
      CHECK(code_of_connect(f.socket()) == -EMFILE);
      CHECK(code_of_listen(f.socket() + "2") == -EMFILE);
      const std::int64_t sent[] = {0};
      a.send_descriptors("x", sent);
      std::array<std::byte, 4> buffer;
      std::array<std::int64_t, 1> came;
      const auto got = b.receive_descriptors(buffer, came);
      CHECK(got.size == 1);
      CHECK(got.count == 0);
      CHECK(got.lost);
    }
    CHECK(open_descriptors() == before);
    CHECK_FALSE(exists(f.socket() + "2"));
    CHECK(code_of_connect(f.socket()) == 0);
  });
}

TEST_CASE("what cannot be sent along is refused") {
  run([] {
    auto [a, b] = open_unix_pair();
    const std::int64_t none[] = {1 << 20};
    const std::int64_t many[254] = {};
    structio_stream* s = a.native();
    CHECK(structio_unix_send_descriptors(s, "x", 1, none, 1) == -EBADF);
    // No part of a number is taken for a descriptor.
    const std::int64_t huge[] = {(std::int64_t{1} << 32) | 1};
    CHECK(structio_unix_send_descriptors(s, "x", 1, huge, 1) == -EBADF);
    CHECK(structio_unix_send_descriptors(s, "x", 1, many, 254) == STRUCTIO_EINVALID);
    CHECK(structio_unix_send_descriptors(s, "x", 0, many, 1) == STRUCTIO_EINVALID);
    CHECK(structio_unix_send_descriptors(s, nullptr, 1, many, 1) == STRUCTIO_EINVALID);
    CHECK(structio_unix_send_descriptors(s, "x", 1, nullptr, 1) == STRUCTIO_EINVALID);
    structio_descriptors out{};
    char buffer[4];
    CHECK(structio_unix_receive_descriptors(s, buffer, 4, &out) == STRUCTIO_EINVALID);
    CHECK(structio_unix_receive_descriptors(s, buffer, 4, nullptr) == STRUCTIO_EINVALID);
    out.struct_size = sizeof out;
    CHECK(structio_unix_receive_descriptors(s, buffer, 0, &out) == STRUCTIO_EINVALID);
    CHECK(structio_unix_receive_descriptors(s, nullptr, 4, &out) == STRUCTIO_EINVALID);
    b.send_all("abc");
    CHECK(structio_unix_receive_descriptors(s, buffer, SIZE_MAX, &out) == 3);
    auto tcp = connected();
    CHECK(structio_unix_send_descriptors(tcp.a.native(), "x", 1, nullptr, 0) == STRUCTIO_EMISUSE);
    structio_unix_credentials who{};
    who.struct_size = sizeof who;
    CHECK(structio_unix_peer(tcp.a.native(), &who) == STRUCTIO_EMISUSE);
    CHECK(structio_unix_peer(s, nullptr) == STRUCTIO_EINVALID);
    CHECK(std::string(structio_last_message()) == "structio_unix_peer: out is NULL");
    a.send_all("still fine");
    CHECK(receive(b) == "still fine");
  });
}

namespace {

void prove() {
  folder f;
  const std::string path = f.socket();
  structio_unix_listen_options options{};
  options.struct_size = sizeof options;
  options.path = path.c_str();
  structio_listener* l = nullptr;
  REQUIRE(structio_unix_listen(&options, &l) == 0);
  structio_stream *a = nullptr, *b = nullptr;
  const auto connect_to = [&] { return structio_unix_connect(path.c_str(), &a); };
  CHECK(op_proof::cancelled(connect_to) == op_proof::aborted);
  CHECK(a == nullptr);
  CHECK(op_proof::halves([&] { CHECK(connect_to() == 0); }) == 2);
  REQUIRE(structio_listener_accept(l, &b) == 0);

  std::int64_t number = 0;
  const auto send = [&] { return structio_unix_send_descriptors(a, "x", 1, &number, 1); };
  structio_descriptors place{};
  place.struct_size = sizeof place;
  place.array = &number;
  place.capacity = 1;
  char buffer[4];
  const auto take = [&] { return structio_unix_receive_descriptors(b, buffer, 4, &place); };
  CHECK(op_proof::cancelled(send) == op_proof::aborted);
  CHECK(op_proof::halves([&] { CHECK(send() == 0); }) == 2);
  CHECK(op_proof::cancelled(take) == op_proof::aborted);
  CHECK(op_proof::halves([&] { CHECK(take() == 1); }) == 2);
  CHECK(place.count == 1);
  close(static_cast<int>(number));
  // A part of what is more than fits has gone when the wait for the rest is given up.
  const std::string much(std::size_t{4} << 20, 'm');
  structio_scope_options soon{};
  soon.struct_size = sizeof soon;
  soon.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
  soon.deadline = 1'000'000;
  structio_scope scope;
  structio_scope_init(&scope, &soon);
  structio_scope_enter(&scope);
  const int cut = structio_unix_send_descriptors(a, much.data(), much.size(), nullptr, 0);
  CHECK(cut == STRUCTIO_ECANCELLED);
  structio_scope_leave(&scope, cut, nullptr);
  CHECK(take() == 4);

  structio_stream_free(a);
  structio_stream_free(b);
  structio_listener_free(l);
}

const op_proof::area proof({{"structio_unix_connect", 1, STRUCTIO_EFFECT_NOTHING},
                            {"structio_unix_receive_descriptors", 1, STRUCTIO_EFFECT_NOTHING},
                            {"structio_unix_send_descriptors", 1, STRUCTIO_EFFECT_PREFIX}},
                           prove);

}  // namespace
