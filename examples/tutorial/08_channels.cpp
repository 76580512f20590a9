// Work handed out and results collected through channels; the first of several things.
#include <cstdio>
#include <structio/structio.hpp>
#include <vector>
using namespace std::chrono_literals;

using job = int;
struct result {
  job number;
  int square;
};

void worker(structio::receiver<job> jobs, structio::sender<result> results) {
  for (const job number : jobs) {  // several loops share what comes
    structio::sleep(5ms);
    results.send({number, number * number});
  }
}  // its copies of both ends close here

int main() {
  structio::run([] {
    auto jobs = structio::open_channel<job>(0);        // 0: handed over, from task to task
    auto results = structio::open_channel<result>(8);  // as many may wait; then send() waits
    int sum = 0;
    structio::open_nursery([&](structio::nursery& n) {
      for (int i = 0; i < 3; ++i) n.start_soon(worker, jobs.rx, results.tx);
      jobs.rx.close();     // the workers have copies; these
      results.tx.close();  // ends are not needed any more
      n.start_soon([tx = std::move(jobs.tx)]() mutable {
        for (job number = 1; number <= 10; ++number) tx.send(number);
      });
      for (const result& one : results.rx) sum += one.square;  // ends when every sender is closed
    });
    std::printf("the sum of the squares is %d\n", sum);

    // The first of several things that happens.
    auto news = structio::open_channel<int>(0);
    structio::event closing;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        structio::sleep(10ms);
        closing.set();
      });
      structio::select(structio::on_receive(news.rx, [](std::optional<int>) {}),
                       structio::on_set(closing, [] { std::printf("closing\n"); }),
                       structio::on_timeout(10s, [] { std::printf("nothing new\n"); }));
    });
  });
}
