#pragma once
/// The connections of a worker that are no nodes, the oldest first: they make room when there is no
/// place left. A connection is listed until it is found to be something else; who is about to
/// become a node, and does not, is to be added again.
///
/// Threads: owning worker only. Errors: std::bad_alloc.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "session/handle.hpp"

namespace crolang::net {

class Strangers {
 public:
  enum class Kind : std::uint8_t {
    gone_or_node,  ///< nothing to be listed
    busy,          ///< a decision about it is under way
    idle,          ///< nobody loses anything with it
  };

  /// `judge(handle)` says what it is now.
  template <class Judge>
  void add(session::SessionHandle handle, Judge&& judge) {
    if (listed_.size() >= tidy_at_) {
      std::erase_if(listed_,
                    [&](session::SessionHandle each) { return judge(each) == Kind::gone_or_node; });
      tidy_at_ = 2 * listed_.size() + kFew;
    }
    listed_.push_back(handle);
  }

  /// The oldest idle one, which is listed no longer, as is whoever is not idle. Nothing: none is.
  template <class Judge>
  std::optional<session::SessionHandle> take_idle(Judge&& judge) {
    while (!listed_.empty()) {
      const session::SessionHandle handle = listed_.front();
      listed_.pop_front();
      if (judge(handle) == Kind::idle) return handle;
    }
    return std::nullopt;
  }

  std::size_t listed() const noexcept { return listed_.size(); }

 private:
  static constexpr std::size_t kFew = 64;

  std::deque<session::SessionHandle> listed_;
  std::size_t tidy_at_ = kFew;
};

}  // namespace crolang::net
