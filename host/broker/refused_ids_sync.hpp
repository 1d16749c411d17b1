#pragma once
/// Keeps the refused ids of this instance as they are in the table that all instances share, and
/// disconnects nodes whose ids were refused elsewhere. Asks for changes twice a second, so that an
/// id is refused everywhere within a second.
///
/// While the registry cannot be reached, what is known stays. If the registry has lost its table,
/// or the last changes of it, this instance sets again what it knows.
///
/// Threads: worker 0 only. Time is an argument.

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "broker/refused_ids.hpp"
#include "broker/shared_state.hpp"
#include "modules/clients/clients.hpp"

namespace crolang::broker {

/// Disconnects the nodes of this instance that have these ids. Any thread.
void disconnect_refused(SharedState& shared, const std::vector<RefusedId>& refused);

class RefusedIdsSync final : public modules::AnswerSink {
 public:
  using TimePoint = modules::TimePoint;

  /// The first question is due at once.
  RefusedIdsSync(SharedState& shared, modules::Clients& clients, TimePoint now)
      : shared_(shared), clients_(clients), due_(now) {}

  void tick(TimePoint now);
  TimePoint deadline() const noexcept;
  void on_answer(const modules::Waiter& waiter, const modules::Answer& answer) override;

 private:
  void ask();
  void apply(const modules::Answer& answer);
  void replace(std::vector<RefusedId> refused);
  void restore(std::vector<RefusedId> refused);
  void set_next();
  void on_set(const modules::Answer& answer);
  bool is_settled(const modules::Answer& answer);

  SharedState& shared_;
  modules::Clients& clients_;
  TimePoint now_{};
  TimePoint due_;
  bool is_asking_ = false;
  std::string version_;           // of the shared table
  std::deque<RefusedId> to_set_;  // that the registry has lost
  bool is_setting_ = false;       // the first one of these
  TimePoint set_at_{};            // not before
};

}  // namespace crolang::broker
