#pragma once
/// From time to time asks which of this instance's nodes are still valid, and disconnects those
/// that are not. Many nodes are asked about in pages, one after the other, each a question with a
/// deadline of its own; whoever cannot be asked leaves everybody of that page connected.
/// Threads: worker 0 only. Time is an argument.

#include <chrono>
#include <cstddef>
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
  TimePoint deadline() const noexcept { return has_page() ? TimePoint{} : due_; }
  void on_answer(const modules::Waiter& waiter, const modules::Answer& answer) override;

 private:
  bool has_page() const noexcept { return !open_ && next_ < nodes_.size(); }
  void ask_page();
  void apply(const modules::Answer& answer);

  Grid& grid_;
  modules::Clients& clients_;
  const std::chrono::milliseconds interval_;
  TimePoint due_;
  std::vector<Directory::Entry> nodes_;  // of this check
  std::size_t page_ = 0;                 // the first node of the page that was asked last
  std::size_t next_ = 0;                 // behind its last one
  bool open_ = false;                    // its answer is waited for
};

}  // namespace crolang::broker
