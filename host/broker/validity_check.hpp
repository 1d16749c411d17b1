#pragma once
/// Asks the validity module at intervals which nodes of this instance are still valid, and
/// disconnects those that are not. The nodes are checked in pages, one question after the other,
/// each with its own deadline; if a question fails, all nodes of its page stay connected. Threads:
/// worker 0 only. Time is an argument.

#include <chrono>
#include <cstddef>
#include <vector>

#include "broker/shared_state.hpp"
#include "modules/clients/clients.hpp"

namespace crolang::broker {

class ValidityCheck final : public modules::AnswerSink {
 public:
  using TimePoint = modules::TimePoint;

  ValidityCheck(SharedState& shared, modules::Clients& clients, std::chrono::milliseconds interval,
                TimePoint now)
      : shared_(shared),
        clients_(clients),
        interval_(interval),
        due_(now + interval),
        last_tick_(now) {}

  void tick(TimePoint now);
  /// Not before the last tick: a worker takes what was due long ago for a sign that it was
  /// suspended.
  TimePoint deadline() const noexcept { return has_page() ? last_tick_ : due_; }
  void on_answer(const modules::Waiter& waiter, const modules::Answer& answer) override;

 private:
  bool has_page() const noexcept { return !open_ && next_ < nodes_.size(); }
  void ask_page();
  void apply(const modules::Answer& answer);

  SharedState& shared_;
  modules::Clients& clients_;
  const std::chrono::milliseconds interval_;
  TimePoint due_;
  TimePoint last_tick_;
  std::vector<Directory::Entry> nodes_;  // of this check
  std::size_t page_ = 0;                 // the first node of the current page
  std::size_t next_ = 0;                 // one past the last node of the current page
  bool open_ = false;                    // the answer about the current page is pending
};

}  // namespace crolang::broker
