#include "stun/stream.hpp"

#include <algorithm>
#include <array>

namespace crolang::stun {

StreamReader::Next StreamReader::take(Bytes& message) {
  constexpr std::array<std::uint8_t, 4> kCookie{0x21, 0x12, 0xA4, 0x42};
  // Judged as early as possible: what is not STUN may never send a whole header.
  if (!waiting_.empty() && (waiting_[0] & 0xC0) != 0) return Next::not_stun;
  for (std::size_t i = 4; i < std::min<std::size_t>(waiting_.size(), 8); ++i) {
    if (waiting_[i] != kCookie[i - 4]) return Next::not_stun;
  }
  if (waiting_.size() < kHeaderSize) return Next::incomplete;
  const std::size_t size = kHeaderSize + (std::size_t{waiting_[2]} << 8 | waiting_[3]);
  if (waiting_.size() < size) return Next::incomplete;
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(size);
  message.assign(waiting_.begin(), end);
  waiting_.erase(waiting_.begin(), end);
  return Next::message;
}

}  // namespace crolang::stun
