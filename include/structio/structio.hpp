// structio: structured concurrency on fibers, for C++. The whole face; header-only, on top of the C
// ABI of structio.h, whose rules of the house hold here as well.
//
//     #include <structio/structio.hpp>
//     using namespace std::chrono_literals;
//
//     int main() {
//       return structio::run([] {
//         structio::open_nursery([](structio::nursery& n) {
//           n.start_soon([] { structio::sleep(1s); });
//           n.start_soon([] { structio::sleep(2s); });
//         });                                   // both have ended here, whatever happened
//         return 0;
//       });
//     }
//
// Testing and looking inside: structio/testing.hpp and structio/debug.hpp, which may still change.
//
// Exceptions and unwinding: destructors of this face never block and never throw. A blocking call
// that a destructor of yours makes while an exception unwinds is not cancelled, since throwing
// there would end the program: put what must block into shielded(limit, body), which ends after
// its limit and throws nothing of its own.
#pragma once

#include <structio/broadcast.hpp>
#include <structio/buffered.hpp>
#include <structio/channel.hpp>
#include <structio/combine.hpp>
#include <structio/concurrent.hpp>
#include <structio/copy.hpp>
#include <structio/custom_stream.hpp>
#include <structio/directory.hpp>
#include <structio/error.hpp>
#include <structio/file.hpp>
#include <structio/generator.hpp>
#include <structio/group.hpp>
#include <structio/net.hpp>
#include <structio/nursery.hpp>
#include <structio/pipe.hpp>
#include <structio/portal.hpp>
#include <structio/process.hpp>
#include <structio/readiness.hpp>
#include <structio/remote.hpp>
#include <structio/resolve.hpp>
#include <structio/run.hpp>
#include <structio/run_process.hpp>
#include <structio/scope.hpp>
#include <structio/select.hpp>
#include <structio/signal.hpp>
#include <structio/socket.hpp>
#include <structio/stream.hpp>
#include <structio/sync.hpp>
#include <structio/task.hpp>
#include <structio/thread.hpp>
#include <structio/time.hpp>
#include <structio/tls.hpp>
#include <structio/token.hpp>
#include <structio/udp.hpp>
#include <structio/unix.hpp>
#include <structio/wait.hpp>
#include <structio/watch.hpp>
