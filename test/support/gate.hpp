// What tests use to hold threads up and let them go on: a gate that opens once, a counter that is
// waited for. Both block a thread, never a task: a test's tasks learn of threads through the run.
#pragma once

#include <condition_variable>
#include <mutex>

namespace support {

class gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

class counter {
 public:
  void add(int difference = 1) {
    const std::lock_guard lock(mutex_);
    value_ += difference;
    if (value_ > most_) most_ = value_;
    changed_.notify_all();
  }
  void wait_for(int value) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return value_ == value; });
  }
  int now() {
    const std::lock_guard lock(mutex_);
    return value_;
  }
  int most() {
    const std::lock_guard lock(mutex_);
    return most_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int value_ = 0;
  int most_ = 0;
};

}  // namespace support
