// The first program: a run, and a task that waits.
#include <cstdio>
#include <structio/structio.hpp>
using namespace std::chrono_literals;

int main() {
  return structio::run([] {
    std::printf("hello\n");
    structio::sleep(10ms);  // the task waits; the thread would run others meanwhile
    std::printf("hello again\n");
    return 0;  // becomes the value of run()
  });
}
