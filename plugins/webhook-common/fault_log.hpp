#pragma once
/// Decides which faults are logged: the first at once, then at most one per pause; the number left
/// out is logged with the next one, or when the pause is over. Time is an argument.
/// Threads: any. Errors: none.

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace crolang::webhook_common {

class FaultLog {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kPause{1};

  explicit FaultLog(std::chrono::seconds pause = kPause) : pause_(pause) {}

  /// The line to log now, if any.
  std::optional<std::string> note(TimePoint now, std::string_view fault);

  /// When `left_out` will return a line.
  std::optional<TimePoint> due() const;

  /// How many faults were left out since the last line, once the pause is over.
  std::optional<std::string> left_out(TimePoint now);

 private:
  const std::chrono::seconds pause_;
  mutable std::mutex mutex_;  // guards what follows
  std::optional<TimePoint> last_line_;
  std::uint64_t left_out_ = 0;
  std::string last_left_out_;
};

}  // namespace crolang::webhook_common
