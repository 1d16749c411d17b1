#include "modules/clients/own_time.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace crolang::modules {
namespace {

constexpr std::chrono::milliseconds kBetweenSamples{100};
constexpr std::chrono::seconds kCloseWatch{10};
// Small, compared with a slow call.
constexpr std::chrono::milliseconds kBetweenCloseSamples{1};

}  // namespace

OwnTime::~OwnTime() {
  if (file_ >= 0) ::close(file_);
}

std::optional<OwnTime::Duration> OwnTime::read() {
  if (file_ < 0) file_ = ::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  if (file_ < 0) return std::nullopt;
  // Nanoseconds on a processor, nanoseconds ready to run but not running, time slices.
  char text[96];
  const ssize_t size = ::pread(file_, text, sizeof text, 0);
  if (size <= 0) return std::nullopt;
  std::string_view numbers(text, static_cast<std::size_t>(size));
  numbers.remove_prefix(std::min(numbers.find(' '), numbers.size() - 1) + 1);
  std::int64_t nanoseconds = 0;
  const auto [end, fault] =
      std::from_chars(numbers.data(), numbers.data() + numbers.size(), nanoseconds);
  if (fault != std::errc()) return std::nullopt;
  return std::chrono::nanoseconds(nanoseconds);
}

void OwnTime::sample(TimePoint now) {
  waited_ = read();
  due_ = now + (now < close_until_ ? Duration(kBetweenCloseSamples) : Duration(kBetweenSamples));
}

OwnTime::Duration OwnTime::of_call(TimePoint before, TimePoint after) {
  const std::optional<Duration> earlier = waited_;
  sample(after);
  const Duration took = after - before;
  if (!earlier || !waited_) return took;
  return std::max(took - (*waited_ - *earlier), Duration::zero());
}

std::optional<std::chrono::milliseconds> OwnTime::blocked_for(TimePoint before, TimePoint after) {
  const Duration own = of_call(before, after);
  if (own >= kSlow) return std::chrono::duration_cast<std::chrono::milliseconds>(own);
  close_until_ = after + kCloseWatch;
  due_ = after;
  return std::nullopt;
}

}  // namespace crolang::modules
