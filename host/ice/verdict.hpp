#pragma once
/// Whether nodes can use what was tried. Pure. Threads: any. Errors: none.

#include <span>

#include "ice/outcome.hpp"

namespace crolang::ice {

struct Verdict {
  std::size_t stun_urls = 0;
  std::size_t stun_works = 0;
  std::size_t stun_works_partly = 0;  ///< of those: by one way or address, but not by another
  std::size_t turn_urls = 0;
  std::size_t turn_works = 0;

  /// At least one STUN server and every TURN server. Without STUN URLs, a TURN server says a
  /// node's address too.
  bool is_good() const noexcept {
    return turn_works == turn_urls && (stun_urls == 0 ? turn_urls != 0 : stun_works != 0);
  }
};

/// A STUN URL works if it does so in one way and by one address, a TURN URL if it does so by every
/// address that could be tried.
Verdict judge(std::span<const Result> results);

}  // namespace crolang::ice
