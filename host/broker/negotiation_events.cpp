#include "broker/negotiation_events.hpp"

#include <chrono>
#include <exception>
#include <string_view>

#include "telemetry/event_hub.hpp"

namespace crolang::broker::negotiation_events {

namespace {

/// Of the nodes of other instances nothing is asked here.
negotiation::Presence presence_of(const SharedState& shared, std::string_view id) {
  return shared.directory.find(id) ? negotiation::Presence::connected
                                   : negotiation::Presence::unknown;
}

void publish(SharedState& shared, const negotiation::Record& record, negotiation::TimePoint now) {
  const auto diagnosis = negotiation::diagnose(
      record,
      {now, presence_of(shared, record.initiator()), presence_of(shared, record.responder())});
  const std::string id = negotiation::id_of(record.number);
  const double seconds =
      record.answered_after ? static_cast<double>(record.answered_after->count()) / 1000 : 0;
  shared.events.publish(telemetry::EventKind::negotiation,
                        {{"id", std::string_view(id)},
                         {"initiator", record.initiator()},
                         {"responder", record.responder()},
                         {"sessionId", record.session()},
                         {"state", negotiation::name_of(record.state_at(now))},
                         {"answerSeconds", seconds},
                         {"diagnosis", std::string_view(diagnosis.words)},
                         {"usual", diagnosis.usual}});
}

}  // namespace

void changed(SharedState& shared, const negotiation::Change& change) noexcept {
  try {
    const auto record = shared.negotiations->find(change);
    if (record) publish(shared, *record, std::chrono::steady_clock::now());
  } catch (const std::exception&) {
    // There is no memory for it.
  }
}

}  // namespace crolang::broker::negotiation_events
