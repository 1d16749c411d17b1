#pragma once
/// The connections of a worker that are not nodes, the oldest first: they are closed when room is
/// needed. A connection is listed until it is found to be a node or busy; one whose admission fails
/// has to be added again.
///
/// Threads: owning worker only. Errors: std::bad_alloc.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "session/handle.hpp"

namespace crolang::net {

class EvictionQueue {
 public:
  enum class Kind : std::uint8_t {
    gone_or_node,  ///< not to be listed
    busy,          ///< it is being admitted
    idle,          ///< can be closed without loss
  };

  /// `classify(handle)` returns the connection's present kind.
  template <class Classify>
  void add(session::SessionHandle handle, Classify&& classify) {
    if (listed_.size() >= compact_at_) {
      std::erase_if(listed_, [&](session::SessionHandle each) {
        return classify(each) == Kind::gone_or_node;
      });
      compact_at_ = 2 * listed_.size() + kMinCompactSize;
    }
    listed_.push_back(handle);
  }

  /// Removes and returns the oldest idle connection, and removes those before it, which are not
  /// idle. nullopt: none is idle.
  template <class Classify>
  std::optional<session::SessionHandle> take_idle(Classify&& classify) {
    while (!listed_.empty()) {
      const session::SessionHandle handle = listed_.front();
      listed_.pop_front();
      if (classify(handle) == Kind::idle) return handle;
    }
    return std::nullopt;
  }

  std::size_t listed() const noexcept { return listed_.size(); }

 private:
  static constexpr std::size_t kMinCompactSize = 64;

  std::deque<session::SessionHandle> listed_;
  std::size_t compact_at_ = kMinCompactSize;
};

}  // namespace crolang::net
