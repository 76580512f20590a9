// Ranges for tests of loops: elements that are made when they are asked for, and a range that does
// not know its size. The standard's views would do, but not with every pair of compiler and library
// that is supported.
#pragma once

#include <cstddef>
#include <iterator>
#include <utility>

namespace support {

/// make(0), make(1), ..., make(count - 1), each made when the loop gets there.
template <class Make>
class made_range {
 public:
  class iterator {
   public:
    using value_type = decltype(std::declval<const Make&>()(std::size_t{}));
    using difference_type = std::ptrdiff_t;
    iterator() = default;
    iterator(const Make* make, std::size_t at) : make_(make), at_(at) {}
    value_type operator*() const { return (*make_)(at_); }
    iterator& operator++() {
      ++at_;
      return *this;
    }
    iterator operator++(int) { return std::exchange(*this, iterator(make_, at_ + 1)); }
    bool operator==(const iterator& other) const { return at_ == other.at_; }

   private:
    const Make* make_ = nullptr;
    std::size_t at_ = 0;
  };

  made_range(std::size_t count, Make make) : count_(count), make_(std::move(make)) {}
  iterator begin() const { return {&make_, 0}; }
  iterator end() const { return {&make_, count_}; }
  std::size_t size() const { return count_; }

 private:
  std::size_t count_;
  Make make_;
};

/// The elements of a container that `keep` keeps; how many is known only at the end.
template <class Container, class Keep>
class kept_range {
  using inner = typename Container::iterator;

 public:
  class iterator {
   public:
    using value_type = typename Container::value_type;
    using difference_type = std::ptrdiff_t;
    iterator() = default;
    iterator(const Keep* keep, inner at, inner end) : keep_(keep), at_(at), end_(end) { skip(); }
    value_type& operator*() const { return *at_; }
    iterator& operator++() {
      ++at_;
      skip();
      return *this;
    }
    iterator operator++(int) {
      iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const iterator& other) const { return at_ == other.at_; }

   private:
    void skip() {
      while (at_ != end_ && !(*keep_)(*at_)) ++at_;
    }
    const Keep* keep_ = nullptr;
    inner at_{};
    inner end_{};
  };

  kept_range(Container& from, Keep keep) : from_(&from), keep_(std::move(keep)) {}
  iterator begin() const { return {&keep_, from_->begin(), from_->end()}; }
  iterator end() const { return {&keep_, from_->end(), from_->end()}; }

 private:
  Container* from_;
  Keep keep_;
};

}  // namespace support
