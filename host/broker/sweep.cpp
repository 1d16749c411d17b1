#include "broker/sweep.hpp"

#include "broker/broker.hpp"

namespace crolang::broker {

void Sweep::tick(TimePoint now) {
  if (now < due_) return;
  due_ = now + interval_;
  if (!asked_.empty()) return;
  asked_ = grid_.directory.all();
  if (asked_.empty()) return;
  std::vector<std::string_view> ids;
  ids.reserve(asked_.size());
  for (const Directory::Entry& entry : asked_) ids.push_back(entry.id);
  if (const auto* answer = clients_.check_validity({this, {}, 0}, ids)) apply(*answer);
}

void Sweep::on_answer(const modules::Waiter&, const modules::Answer& answer) {
  apply(answer);
}

void Sweep::apply(const modules::Answer& answer) {
  const std::vector<Directory::Entry> asked = std::move(asked_);
  asked_.clear();
  if (!answer.could_ask()) return;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (answer.flags[i] != 0) continue;
    const SessionHandle session = asked[i].session;
    grid_.workers.post(session.worker, [session](Broker& broker) {
      broker.expel(session, telemetry::Counter::closed_invalid_node);
    });
  }
}

}  // namespace crolang::broker
