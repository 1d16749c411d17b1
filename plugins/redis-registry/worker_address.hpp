#pragma once
/// Which channels the worker links of a broker subscribe to, and on which of them a worker link of
/// another one reaches it.
///
/// A broker has a fixed number of channels, distributed over its worker links, whose number others
/// do not know. A worker link sends everything for one broker to one of its channels, so that
/// batches are large. Between brokers with equally many worker links, worker links are paired, and
/// each says that it is reached on the very channel that the other one sends to, so that replies go
/// together with messages. Which worker links are paired depends on the two names, so that brokers
/// with few worker links do not all choose the same ones of a broker with many.
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

class WorkerAddress {
 public:
  /// Divisible by most numbers of worker links.
  static constexpr std::size_t kChannels = 48;

  WorkerAddress(std::string instance, std::size_t worker_link, std::size_t worker_links)
      : instance_(std::move(instance)), worker_link_(worker_link), worker_links_(worker_links) {}

  static std::string of(std::string_view instance, std::size_t channel) {
    return std::string(1, '{').append(instance).append("}:").append(std::to_string(channel));
  }
  /// What another broker has sent may be no address: then it is the broker's name.
  static std::string_view instance_of(std::string_view address) {
    const std::size_t end = address.rfind("}:");
    if (!address.starts_with('{') || end == std::string_view::npos) return address;
    return address.substr(1, end - 1);
  }

  /// Where this worker link is always reached.
  std::string own() const { return of(instance_, worker_link_); }

  /// All at which it is reached.
  std::vector<std::string> all() const {
    std::vector<std::string> addresses{own()};
    for (std::size_t each = worker_link_ + worker_links_; each < kChannels; each += worker_links_) {
      addresses.push_back(of(instance_, each));
    }
    return addresses;
  }

  /// Where it sends what is for another broker.
  std::string towards(std::string_view other) const {
    return of(other, (worker_link_ + shift(other)) % kChannels);
  }

  /// Where the other broker is to send what is for this worker link.
  std::string from(std::string_view other) const {
    const std::size_t there = shift(other);
    // If it has as many worker links as this broker, its worker link is `peer`, and this is its way
    // back.
    const std::size_t peer = (worker_link_ + there) % kChannels % worker_links_;
    const std::size_t back = (peer + kChannels - there) % kChannels;
    return of(instance_, back % worker_links_ == worker_link_ ? back : worker_link_);
  }

 private:
  /// From the worker links of this broker to the channels of the other. That in the other direction
  /// is the same with the opposite sign.
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
  const std::size_t worker_link_;
  const std::size_t worker_links_;
};

}  // namespace crolang::redis_registry
