// A signal to the process from a thread of its own.
#pragma once

#include <signal.h>
#include <unistd.h>

#include <thread>

/// The signal is blocked in the thread that sends it, so another one takes it: TSan drops what a
/// thread has caught that ends soon after.
inline std::thread signal_from_thread(int number) {
  return std::thread([number] {
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, number);
    pthread_sigmask(SIG_BLOCK, &one, nullptr);
    kill(getpid(), number);
  });
}
