#pragma once
/// The hosts of a list, one after the other, and the addresses of each: what to
/// connect to next. Looks names up without blocking. Time is an argument.
/// Threads: one at a time.
///
/// A round begins with the host that was used last, and ends when each address
/// of each host has been given out.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "common/resolver.hpp"
#include "redis-registry/endpoint.hpp"

namespace crolang::redis_registry {

class Dialer {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Target {
    HostPort host;
    std::string address;  ///< numeric
  };
  /// What next() has for now.
  enum class State {
    resolving,  ///< nothing: call it again
    found,      ///< target()
    failed,     ///< the host has no address: fault(); the next one may have
    exhausted   ///< the round is over
  };

  explicit Dialer(const std::vector<HostPort>& hosts);

  void begin_round();
  /// The list is this one. A round goes on that has begun with the host of the target, which is
  /// forgotten with the next list if it is not in this one.
  void renew(const std::vector<HostPort>& hosts);
  /// The host of the target cannot be used, whatever its address.
  void skip_host();
  [[nodiscard]] State next(TimePoint now);

  const Target& target() const { return target_; }
  const std::string& fault() const { return fault_; }
  std::size_t size() const { return hosts_.size(); }
  bool contains(const HostPort& host) const;
  bool is_only(const HostPort& host) const { return size() == 1 && contains(host); }

 private:
  struct Host {
    HostPort host;
    common::Resolver resolver{};
    std::vector<std::string> addresses{};  ///< the last found
  };

  State resolve(TimePoint now);
  State fail(std::string_view why);
  Host& current() { return hosts_[(first_ + tried_ - 1) % round_]; }

  std::vector<Host> hosts_;
  std::size_t round_ = 0;  // hosts in this round
  std::size_t first_ = 0;  // the one with which it has begun
  std::size_t tried_ = 0;  // hosts of it so far, with the current one
  std::optional<TimePoint> resolving_since_;
  std::size_t next_address_ = 0;  // of the current host
  Target target_;
  std::string fault_;
};

}  // namespace crolang::redis_registry
