/// The last fault of each kind of module, for the admin interface; their numbers are in the
/// metrics.
///
/// Threads: any. Errors: none; a fault for which there is no memory is forgotten. Time is an
/// argument.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "kinds/kinds.hpp"

namespace crolang::telemetry {

class ModuleFaults {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Fault {
    std::string text;
    TimePoint at{};
  };

  /// Of faults that follow each other within 100 ms the first is kept.
  void note(kinds::Kind kind, std::string_view what, std::string_view detail,
            TimePoint now) noexcept;
  /// nullopt: there was none.
  std::optional<Fault> last(kinds::Kind kind) const;
  /// Whether a call has failed within the last 30 s.
  bool is_failing(kinds::Kind kind, TimePoint now) const noexcept;

 private:
  struct OfKind {
    std::atomic<TimePoint::rep> kept_at{0};    // 0: never
    std::atomic<TimePoint::rep> latest_at{0};  // 0: never
    mutable std::mutex mutex;                  // guards last
    std::optional<Fault> last;
  };
  std::array<OfKind, kinds::kKinds> kinds_;
};

}  // namespace crolang::telemetry
