#pragma once
/// Whether claims are granted if no replica is connected that could receive them
/// (REDIS_WAIT_REPLICAS). No IO; time is an argument. Threads: the holder of the service's lock.
///
/// A primary without replicas may be one whose only replica has just been promoted: what it
/// acknowledges will be lost. So it must have been without for a while, after which Sentinels, or
/// other nodes of its cluster, still name it. Without them nobody can be asked: one that had none
/// from the beginning is trusted, one that has lost them only once it would have been told that it
/// is no longer the primary.

#include <chrono>
#include <cstddef>
#include <optional>

#include "redis-registry/leases.hpp"

namespace crolang::redis_registry {

class ReplicaWatch {
 public:
  /// From the promotion of a replica until every Sentinel names it: 2 s at most were measured.
  static constexpr std::chrono::milliseconds kPromotion{3000};
  /// From there until the former primary is reconfigured: Sentinels wait for ten seconds.
  static constexpr std::chrono::milliseconds kDemotion{15'000};

  enum class Grant {
    once_received,  ///< by replicas: some are connected, or it is not known
    without,
    refused
  };

  /// What Sentinels, or other nodes of a cluster, have said.
  struct Sentinels {
    bool exist = false;
    /// When they were asked, if the last answer was the server that is connected.
    std::optional<TimePoint> named_it;
  };

  /// `replicas`: that the server has; nullopt: it does not say.
  void on_connected(std::optional<std::size_t> replicas, TimePoint now) {
    none_since_.reset();
    on_counted(replicas, now);
    had_none_ = none_since_.has_value();
  }
  void on_counted(std::optional<std::size_t> replicas, TimePoint now) {
    if (replicas != std::size_t{0}) {
      none_since_.reset();
      had_none_ = false;
    } else if (!none_since_) {
      none_since_ = now;
    }
  }

  Grant grant(const Sentinels& sentinels, TimePoint now) const {
    if (!none_since_) return Grant::once_received;
    const bool is_trusted =
        sentinels.exist ? sentinels.named_it && *sentinels.named_it >= *none_since_ + kPromotion
                        : had_none_ || now >= *none_since_ + kDemotion;
    return is_trusted ? Grant::without : Grant::refused;
  }

 private:
  std::optional<TimePoint> none_since_;
  bool had_none_ = false;  // from the beginning of the connection
};

}  // namespace crolang::redis_registry
