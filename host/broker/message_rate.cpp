#include "broker/message_rate.hpp"

#include <algorithm>

namespace crolang::broker {
namespace {

constexpr std::chrono::nanoseconds kSecond = std::chrono::seconds(1);

}  // namespace

MessageRate::MessageRate(std::uint32_t per_second, std::uint32_t burst) noexcept
    : interval_(per_second == 0 ? std::chrono::nanoseconds(0) : kSecond / per_second),
      burst_(burst == 0 ? 2 * kSecond : interval_ * burst) {}

MessageRate::Result MessageRate::check(session::SessionHandle node, TimePoint now) {
  if (node.slot >= buckets_.size()) buckets_.resize(node.slot + std::size_t{1});
  Bucket& bucket = buckets_[node.slot];
  if (bucket.generation != node.generation) bucket = {.generation = node.generation};
  if (bucket.full_at <= now) bucket = {.full_at = now, .generation = node.generation};
  if (bucket.full_at + interval_ - now > burst_) {
    if (bucket.over_since == TimePoint()) bucket.over_since = now;
    return now - bucket.over_since >= kMaxTimeOver ? Result::long_over : Result::over;
  }
  bucket.full_at += interval_;
  return Result::within;
}

}  // namespace crolang::broker
