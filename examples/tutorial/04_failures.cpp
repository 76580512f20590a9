// A task fails: what becomes of its siblings, and who is told.
#include <cstdio>
#include <stdexcept>
#include <structio/structio.hpp>
using namespace std::chrono_literals;

struct no_such_page : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void fetch(int page) {
  structio::while_doing("fetching page " + std::to_string(page), [&] {
    structio::sleep(10ms);
    if (page == 2) throw no_such_page("there is no page 2");
    structio::sleep(1h);
  });
}

int main() {
  structio::run([] {
    try {
      structio::open_nursery([](structio::nursery& n) {
        for (const int page : {1, 2, 3}) n.start_soon({.name = "fetcher"}, fetch, page);
      });  // page 2 fails; 1 and 3 are cancelled, have ended, and only then is it thrown
    } catch (const structio::exception_group& group) {
      std::printf("%s", to_string(group).c_str());
      structio::catch_each<no_such_page>(group, [](const no_such_page& e) {
        std::printf("handled: %s\n", e.what());
      });  // throws what is left of the group: nothing here
    }

    // Where failing is part of the job, catch inside the task; its siblings never hear of it.
    structio::open_nursery([](structio::nursery& n) {
      for (const int page : {1, 2}) {
        n.start_soon([page] {
          try {
            structio::fail_after(500ms, [page] { fetch(page); });
          } catch (const structio::error& e) {
            std::printf("page %d: %s\n", page, e.what());
          } catch (const no_such_page& e) {
            std::printf("page %d: %s\n", page, e.what());
          }
        });
      }
    });
  });
}
