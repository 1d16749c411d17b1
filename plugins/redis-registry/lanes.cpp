#include "redis-registry/lanes.hpp"

#include <poll.h>

#include <algorithm>
#include <span>

namespace crolang::redis_registry {

using std::chrono::milliseconds;

Lanes::Lanes(const crolang_io& io, plugin::Host host, plugin::RegistryEvents events,
             const std::string& instance, const std::string& prefix, const LaneTraffic& traffic,
             Lane::Superior& superior)
    : io_(io) {
  for (std::uint32_t worker = 0; worker < io.worker_count; ++worker) {
    lanes_.push_back(
        std::make_unique<Lane>(Lane::Place{worker, io.worker_count, io, instance, prefix, traffic},
                               host, events, superior));
  }
}

void Lanes::start(std::chrono::steady_clock::time_point deadline) {
  constexpr milliseconds kTurn{10};
  std::vector<pollfd> entries;
  std::vector<std::size_t> counts;  // of the entries of each lane
  while (std::chrono::steady_clock::now() < deadline) {
    for (const auto& lane : lanes_) lane->work_off();
    const bool is_over = std::ranges::all_of(
        lanes_, [](const auto& lane) { return lane->is_ready() || !lane->has_target(); });
    if (is_over) break;
    entries.clear();
    counts.clear();
    for (const auto& lane : lanes_) {
      const auto own = lane->poll_entries();
      entries.insert(entries.end(), own.begin(), own.end());
      counts.push_back(own.size());
    }
    ::poll(entries.data(), entries.size(), static_cast<int>(kTurn.count()));
    std::span<const pollfd> left(entries);
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      lanes_[i]->on_poll(left.first(counts[i]));
      left = left.subspan(counts[i]);
    }
  }
  for (const auto& lane : lanes_) lane->attach();
}

Lane* Lanes::here() const {
  const std::uint32_t worker = io_.current_worker(io_.ctx);
  return worker < lanes_.size() ? lanes_[worker].get() : nullptr;
}

TimePoint Lanes::last_message() const {
  TimePoint last{};
  for (const auto& lane : lanes_) last = std::max(last, lane->last_message());
  return last;
}

void Lanes::stop() {
  for (const auto& lane : lanes_) lane->stop();
}

}  // namespace crolang::redis_registry
