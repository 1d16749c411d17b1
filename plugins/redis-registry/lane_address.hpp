#pragma once
/// Which channels the lanes of a broker subscribe to, and on which of them a lane of another one
/// reaches it.
///
/// A broker has a fixed number of channels, dealt out to its lanes, whose number others do not
/// know. A lane sends everything for one broker to one of its channels, so that much goes together.
/// Between brokers with equally many lanes, lanes are paired, and each says that it is reached on
/// the very channel that the other one sends to, so that replies go together with messages. Which
/// lanes are paired depends on the two names, so that brokers with few lanes do not all choose the
/// same ones of a broker with many.
///
/// An address is the end of a channel's name: the broker's in braces, a colon, the number. The
/// braces make it a hash tag (Redis Cluster Specification): all channels of a broker are in one
/// slot.
/// Threads: a constant.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace crolang::redis_registry {

class LaneAddress {
 public:
  /// Divisible by most numbers of lanes.
  static constexpr std::size_t kChannels = 48;

  LaneAddress(std::string instance, std::size_t lane, std::size_t lanes)
      : instance_(std::move(instance)), lane_(lane), lanes_(lanes) {}

  static std::string of(std::string_view instance, std::size_t channel) {
    return std::string(1, '{').append(instance).append("}:").append(std::to_string(channel));
  }
  /// What another broker has sent may be no address: then it is the broker's name.
  static std::string_view instance_of(std::string_view address) {
    const std::size_t end = address.rfind("}:");
    if (!address.starts_with('{') || end == std::string_view::npos) return address;
    return address.substr(1, end - 1);
  }

  /// Where this lane is always reached.
  std::string own() const { return of(instance_, lane_); }

  /// All at which it is reached.
  std::vector<std::string> all() const {
    std::vector<std::string> addresses{own()};
    for (std::size_t each = lane_ + lanes_; each < kChannels; each += lanes_) {
      addresses.push_back(of(instance_, each));
    }
    return addresses;
  }

  /// Where it sends what is for another broker.
  std::string towards(std::string_view other) const {
    return of(other, (lane_ + shift(other)) % kChannels);
  }

  /// Where the other broker is to send what is for this lane.
  std::string from(std::string_view other) const {
    const std::size_t there = shift(other);
    // If it has as many lanes as this broker, its lane is `peer`, and this is its way back.
    const std::size_t peer = (lane_ + there) % kChannels % lanes_;
    const std::size_t back = (peer + kChannels - there) % kChannels;
    return of(instance_, back % lanes_ == lane_ ? back : lane_);
  }

 private:
  /// From the lanes of this broker to the channels of the other. That in the other direction is the
  /// same with the opposite sign.
  std::size_t shift(std::string_view other) const {
    if (other == instance_) return 0;
    const std::size_t sum = hash(instance_) % kChannels + hash(other) % kChannels;
    return (instance_ < other ? sum : 2 * kChannels - sum) % kChannels;
  }

  /// FNV-1a, the same in every process.
  static std::size_t hash(std::string_view name) {
    std::uint32_t value = 2166136261u;
    for (const char c : name) value = (value ^ static_cast<unsigned char>(c)) * 16777619u;
    return value;
  }

  const std::string instance_;
  const std::size_t lane_;
  const std::size_t lanes_;
};

}  // namespace crolang::redis_registry
