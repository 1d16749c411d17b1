#include "admin/history.hpp"

#include <utility>

#include "admin/api.hpp"

namespace crolang::admin {

void History::add_second(const Traffic& traffic, TimePoint now) {
  const std::lock_guard lock(mutex_);
  seconds_.push_back({now, traffic});
  if (seconds_.size() > kSeconds) seconds_.pop_front();
}

void History::add(Sample sample, WallTime at) {
  const std::lock_guard lock(mutex_);
  nlohmann::json entry = counts_json(difference(sample.traffic, before_));
  entry["at"] = utc_text(at);
  entry["nodes"] = sample.nodes;
  entry["instances"] = sample.instances;
  entry["negotiations"] = nlohmann::json::object();
  entry["latencyMs"] = nlohmann::json::object();
  entry.update(sample.extra);
  samples_.push_back(std::move(entry));
  before_ = sample.traffic;
  if (samples_.size() > kMost) samples_.pop_front();
}

nlohmann::json History::json() const {
  const std::lock_guard lock(mutex_);
  return {{"intervalSeconds", kInterval.count()}, {"samples", samples_}};
}

nlohmann::json History::rates(const Traffic& traffic, std::chrono::seconds within,
                              TimePoint now) const {
  const std::lock_guard lock(mutex_);
  // The newest that is old enough, else the oldest: the broker has just started.
  const Second* from = &seconds_.front();
  for (const Second& each : seconds_) {
    if (now - each.at >= within) from = &each;
  }
  return rates_json(difference(traffic, from->traffic),
                    std::chrono::duration_cast<std::chrono::milliseconds>(now - from->at));
}

}  // namespace crolang::admin
