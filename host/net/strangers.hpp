#pragma once
/// The connections of a worker that are no nodes, the oldest first: they make room when there is no
/// place left. A connection stays listed until it is found to be a node or gone.
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

  /// The oldest idle one, which is listed no longer. Nothing: there is none among the first few.
  template <class Judge>
  std::optional<session::SessionHandle> take_idle(Judge&& judge) {
    for (std::size_t busy = 0; busy < kFew && !listed_.empty();) {
      const session::SessionHandle handle = listed_.front();
      listed_.pop_front();
      switch (judge(handle)) {
        case Kind::idle:
          return handle;
        case Kind::busy:
          listed_.push_back(handle);
          ++busy;
          break;
        case Kind::gone_or_node:
          break;
      }
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
