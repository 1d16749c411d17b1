#pragma once
/// Nodes of lists that wait to be used again, together with the memory of their values, so that
/// what comes and goes all the time allocates nothing.
/// Threads: one at a time. Errors: std::bad_alloc in take.

#include <cstddef>
#include <list>

namespace crolang::broker {

template <class Value>
class SpareNodes {
 public:
  /// As many as a burst may free before the next one takes them.
  static constexpr std::size_t kMost = 256;

  using List = std::list<Value>;

  /// A list of one node: a spare one, whose value is the previous one, or a new one.
  List take() {
    List one;
    if (spare_.empty()) {
      one.emplace_back();
    } else {
      one.splice(one.end(), spare_, spare_.begin());
    }
    return one;
  }

  /// Removes the node from its list, and keeps it unless there are enough.
  void give_back(List& list, typename List::iterator node) noexcept {
    if (spare_.size() < kMost) {
      spare_.splice(spare_.begin(), list, node);
    } else {
      list.erase(node);
    }
  }

  std::size_t size() const noexcept { return spare_.size(); }

 private:
  List spare_;
};

}  // namespace crolang::broker
