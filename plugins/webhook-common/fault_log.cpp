#include "webhook-common/fault_log.hpp"

#include <utility>

namespace crolang::webhook_common {

std::optional<std::string> FaultLog::note(TimePoint now, std::string_view fault) {
  const std::lock_guard lock(mutex_);
  if (last_line_ && now < *last_line_ + pause_) {
    ++left_out_;
    last_left_out_ = fault;
    return std::nullopt;
  }
  last_line_ = now;
  std::string line(fault);
  if (const std::uint64_t count = std::exchange(left_out_, 0); count > 0) {
    line += " (and " + std::to_string(count) + " more before)";
  }
  return line;
}

std::optional<FaultLog::TimePoint> FaultLog::due() const {
  const std::lock_guard lock(mutex_);
  if (left_out_ == 0) return std::nullopt;
  return *last_line_ + pause_;
}

std::optional<std::string> FaultLog::left_out(TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (left_out_ == 0 || now < *last_line_ + pause_) return std::nullopt;
  last_line_ = now;
  std::string line = std::move(last_left_out_);
  if (const std::uint64_t count = std::exchange(left_out_, 0); count > 1) {
    line += " (and " + std::to_string(count - 1) + " more before)";
  }
  return line;
}

}  // namespace crolang::webhook_common
