// Two tasks in a nursery, which waits for both.
#include <cstdio>
#include <string>
#include <structio/structio.hpp>
#include <vector>
using namespace std::chrono_literals;

void boil(const char* what, std::chrono::milliseconds time, std::vector<std::string>& table) {
  std::printf("%s: on the stove\n", what);
  structio::sleep(time);
  table.emplace_back(what);
}

int main() {
  structio::run([] {
    std::vector<std::string> table;  // before the nursery: its children borrow it
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon(boil, "eggs", 300ms, std::ref(table));
      n.start_soon(boil, "water", 100ms, std::ref(table));
      std::printf("both are started, neither has run\n");
    });  // waits for both
    for (const std::string& what : table) std::printf("%s: ready\n", what.c_str());
  });
}
