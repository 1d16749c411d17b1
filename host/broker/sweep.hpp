#pragma once
/// From time to time asks which of this instance's nodes are still valid, and disconnects those
/// that are not. Whoever cannot be asked leaves everybody connected. One question at a time.
/// Threads: worker 0 only. Time is an argument.

#include <chrono>
#include <string>
#include <vector>

#include "broker/grid.hpp"
#include "modules/clients/clients.hpp"

namespace crolang::broker {

class Sweep final : public modules::AnswerSink {
 public:
  using TimePoint = modules::TimePoint;

  Sweep(Grid& grid, modules::Clients& clients, std::chrono::milliseconds interval, TimePoint now)
      : grid_(grid), clients_(clients), interval_(interval), due_(now + interval) {}

  void tick(TimePoint now);
  TimePoint deadline() const noexcept { return due_; }
  void on_answer(const modules::Waiter& waiter, const modules::Answer& answer) override;

 private:
  void apply(const modules::Answer& answer);

  Grid& grid_;
  modules::Clients& clients_;
  const std::chrono::milliseconds interval_;
  TimePoint due_;
  std::vector<Directory::Entry> asked_;  // empty: no question is open
};

}  // namespace crolang::broker
