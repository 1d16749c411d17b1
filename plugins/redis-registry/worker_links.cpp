#include "redis-registry/worker_links.hpp"

#include <poll.h>

#include <algorithm>
#include <span>

namespace crolang::redis_registry {

using std::chrono::milliseconds;

WorkerLinks::WorkerLinks(const crolang_io& io, plugin::Host host, plugin::RegistryEvents events,
                         const std::string& instance, const std::string& prefix,
                         const WorkerTraffic& traffic, WorkerLink::Supervisor& supervisor)
    : io_(io) {
  for (std::uint32_t worker = 0; worker < io.worker_count; ++worker) {
    worker_links_.push_back(std::make_unique<WorkerLink>(
        WorkerLink::Place{worker, io.worker_count, io, instance, prefix, traffic}, host, events,
        supervisor));
  }
}

void WorkerLinks::start(std::chrono::steady_clock::time_point deadline) {
  constexpr milliseconds kPollTime{10};
  std::vector<pollfd> entries;
  std::vector<std::size_t> counts;  // of the entries of each worker link
  while (std::chrono::steady_clock::now() < deadline) {
    for (const auto& worker_link : worker_links_) worker_link->run_commands();
    const bool is_over = std::ranges::all_of(worker_links_, [](const auto& worker_link) {
      return worker_link->is_ready() || !worker_link->has_target();
    });
    if (is_over) break;
    entries.clear();
    counts.clear();
    for (const auto& worker_link : worker_links_) {
      const auto own = worker_link->poll_entries();
      entries.insert(entries.end(), own.begin(), own.end());
      counts.push_back(own.size());
    }
    ::poll(entries.data(), entries.size(), static_cast<int>(kPollTime.count()));
    std::span<const pollfd> left(entries);
    for (std::size_t i = 0; i < worker_links_.size(); ++i) {
      worker_links_[i]->on_poll(left.first(counts[i]));
      left = left.subspan(counts[i]);
    }
  }
  for (const auto& worker_link : worker_links_) worker_link->attach();
}

WorkerLink* WorkerLinks::here() const {
  const std::uint32_t worker = io_.current_worker(io_.ctx);
  return worker < worker_links_.size() ? worker_links_[worker].get() : nullptr;
}

TimePoint WorkerLinks::last_message() const {
  TimePoint last{};
  for (const auto& worker_link : worker_links_) last = std::max(last, worker_link->last_message());
  return last;
}

void WorkerLinks::stop() {
  for (const auto& worker_link : worker_links_) worker_link->stop();
}

}  // namespace crolang::redis_registry
