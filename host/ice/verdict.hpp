#pragma once
/// Whether nodes can use what was tried. Pure. Threads: any. Errors: none.

#include <span>

#include "ice/outcome.hpp"

namespace crolang::ice {

struct Verdict {
  std::size_t stun_urls = 0;
  std::size_t stun_works = 0;
  std::size_t stun_only_by_tcp = 0;   ///< of the others: a server is there, but nodes do not get it
  std::size_t stun_works_partly = 0;  ///< of those: not by TCP too, or not by each address
  std::size_t turn_urls = 0;
  std::size_t turn_works = 0;

  /// At least one STUN server and every TURN server. Without STUN URLs, a TURN server says a
  /// node's address too.
  bool is_good() const noexcept {
    return turn_works == turn_urls && (stun_urls == 0 ? turn_urls != 0 : stun_works != 0);
  }
};

/// A stun: URL works if it does so by UDP and by one address: nodes use it by no other way. A
/// stuns: URL works if it does so by one address, a TURN URL if it does so by every address that
/// could be tried. `turn_left_out`: TURN URLs that are not among the results; none of them works.
Verdict judge(std::span<const Result> results, std::size_t turn_left_out = 0);

}  // namespace crolang::ice
