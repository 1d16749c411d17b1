#include "telemetry/module_faults.hpp"

#include <exception>
#include <utility>

namespace crolang::telemetry {
namespace {

constexpr auto kBetweenKept = std::chrono::milliseconds(100);
constexpr auto kFailing = std::chrono::seconds(30);
constexpr std::size_t kMostBytes = 512;

}  // namespace

void ModuleFaults::note(kinds::Kind kind, std::string_view what, std::string_view detail,
                        TimePoint now) noexcept {
  OfKind& of = kinds_[kinds::index(kind)];
  const TimePoint::rep ticks = now.time_since_epoch().count();
  of.latest_at.store(ticks, std::memory_order_relaxed);
  TimePoint::rep before = of.kept_at.load(std::memory_order_relaxed);
  if (before != 0 && now - TimePoint(TimePoint::duration(before)) < kBetweenKept) return;
  if (!of.kept_at.compare_exchange_strong(before, ticks, std::memory_order_relaxed)) return;
  try {
    Fault fault{std::string(what), now};
    if (!detail.empty()) fault.text.append(": ").append(detail.substr(0, kMostBytes));
    const std::lock_guard lock(of.mutex);
    of.last = std::move(fault);
  } catch (const std::exception&) {
    // It is counted and logged all the same.
  }
}

std::optional<ModuleFaults::Fault> ModuleFaults::last(kinds::Kind kind) const {
  const OfKind& of = kinds_[kinds::index(kind)];
  const std::lock_guard lock(of.mutex);
  return of.last;
}

bool ModuleFaults::is_failing(kinds::Kind kind, TimePoint now) const noexcept {
  const TimePoint::rep latest = kinds_[kinds::index(kind)].latest_at.load();
  return latest != 0 && now - TimePoint(TimePoint::duration(latest)) < kFailing;
}

}  // namespace crolang::telemetry
