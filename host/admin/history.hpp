#pragma once
/// What was sampled in the last 15 minutes, and the rates of the last seconds. Bounded.
/// Threads: any. Errors: std::bad_alloc, with nothing changed. Time is an argument.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>

#include "admin/traffic.hpp"

namespace crolang::admin {

/// The state at one time.
struct Sample {
  Traffic traffic{};  ///< since the start
  std::uint64_t nodes = 0;
  std::uint64_t instances = 1;
  /// What others measure of the interval before: "negotiations", "latencyMs".
  nlohmann::json extra = nlohmann::json::object();
};

class History {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using WallTime = std::chrono::system_clock::time_point;

  static constexpr std::chrono::seconds kInterval{5};
  static constexpr std::size_t kMost = 180;  // 15 minutes
  static constexpr std::size_t kSeconds = 61;

  explicit History(const Traffic& at_start, TimePoint now) : before_(at_start) {
    seconds_.push_back({now, at_start});
  }

  /// Once a second.
  void add_second(const Traffic& traffic, TimePoint now);
  /// Every kInterval.
  void add(Sample sample, WallTime at);

  /// `{"intervalSeconds":5,"samples":[…]}`
  nlohmann::json json() const;
  /// Of about the last `within`, up to a minute; `traffic`: now.
  nlohmann::json rates(const Traffic& traffic, std::chrono::seconds within, TimePoint now) const;

 private:
  struct Second {
    TimePoint at;
    Traffic traffic;
  };
  mutable std::mutex mutex_;  // guards what follows
  Traffic before_;            // of the last sample
  std::deque<nlohmann::json> samples_;
  std::deque<Second> seconds_;
};

}  // namespace crolang::admin
