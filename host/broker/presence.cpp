#include "broker/presence.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "broker/node_id.hpp"
#include "json/scanner.hpp"
#include "telemetry/log.hpp"
#include "telemetry/throttle.hpp"

namespace crolang::broker {

using session::Session;
using session::SessionHandle;
using socketio::AckStatus;
using telemetry::Counter;

namespace {

// What a node may have looked up at once, as time of its rate.
constexpr std::chrono::seconds kBurst{1};

}  // namespace

void Presence::on_event(Session& session, const socketio::Packet& packet) {
  bench_.counters.add(Counter::presence_queries);
  if (packet.event.argument_count == 0 || packet.event.first_kind != json::Kind::string) {
    fail(session, packet.ack,
         packet.event.argument_count == 0 ? node_log::PresenceFault::no_payload
                                          : node_log::PresenceFault::payload_no_string);
    return;
  }
  if (!packet.ack.present()) {
    node_log::presence_refused(session.id(), node_log::PresenceFault::unheard, now_);
    return;
  }
  Asker& asker = askers_[session.handle().slot];
  asker.session = session.handle();
  const std::string_view literal = packet.event.first_argument;
  if (!has_room(asker, literal.size())) {
    refuse(session, asker, packet.ack);
  } else if (asker.deferred.empty() && budget_ > 0 && ids_at_registry_ < kMaxIdsAtRegistry &&
             due(asker) <= now_) {
    budget_ -= std::min(budget_, serve(session, asker, packet.ack, literal));
  } else {
    defer(session, asker, packet.ack, literal);
  }
}

bool Presence::has_room(const Asker& asker, std::size_t bytes) const {
  return asker.questions < kMaxQuestionsOfNode && deferred_ + asked_.size() < kMaxQuestions &&
         bytes_ + bytes <= kMaxQuestionBytes &&
         asker.bytes + bytes <= grid_.policy.max_outbox_bytes;
}

Presence::TimePoint Presence::due(const Asker& asker) const {
  return asker.paid_until - kBurst;
}

void Presence::charge(Asker& asker, std::size_t ids) const {
  const std::size_t rate = grid_.policy.max_presence_ids_per_second;
  if (rate == 0) return;
  asker.paid_until = std::max(asker.paid_until, now_) +
                     std::chrono::microseconds(ids * std::size_t{1'000'000} / rate);
}

void Presence::refuse(Session& session, Asker& asker, const socketio::AckId& ack) {
  if (!asker.deferred.empty() && due(asker) <= now_ && refusals_ < kMaxRefusals) {
    asker.deferred.push_back({session.token(), ack, {}});
    ++refusals_;
  } else {
    session.ack(bench_, ack, AckStatus::error);
  }
  bench_.counters.add(Counter::presence_refused);
  sessions_.rest(session);
  static telemetry::Throttle throttle{1};
  if (const auto suppressed = throttle.admit(now_)) {
    telemetry::log::warning("presence questions of a node come too fast and are answered ERROR",
                            {{"node", session.id()}, {"suppressed", *suppressed}});
  }
}

void Presence::fail(Session& session, const socketio::AckId& ack, node_log::PresenceFault fault) {
  session.ack(bench_, ack, AckStatus::error);
  node_log::presence_refused(session.id(), fault, now_);
}

void Presence::defer(Session& session, Asker& asker, const socketio::AckId& ack,
                     std::string_view literal) {
  asker.deferred.push_back({session.token(), ack, std::string(literal)});
  ++asker.questions;
  asker.bytes += literal.size();
  bytes_ += literal.size();
  ++deferred_;
  if (asker.deferred.size() == 1) enqueue(asker);
}

void Presence::enqueue(const Asker& asker) {
  if (due(asker) <= now_) {
    ready_.push_back(asker.session);
  } else {
    due_.emplace(due(asker), asker.session);
  }
}

Presence::Asker* Presence::find(const SessionHandle& session) {
  const auto found = askers_.find(session.slot);
  return found == askers_.end() || found->second.session != session ? nullptr : &found->second;
}

void Presence::tick() {
  while (!due_.empty() && due_.begin()->first <= now_) {
    ready_.push_back(due_.extract(due_.begin()).mapped());
  }
  std::size_t budget = kDeferredIdsPerTurn;
  while (!ready_.empty() && budget > 0 && ids_at_registry_ < kMaxIdsAtRegistry) {
    const SessionHandle handle = ready_.front();
    ready_.pop_front();
    Asker* const asker = find(handle);
    if (asker == nullptr) continue;
    // One question, and the refusals behind it.
    do {
      const Deferred first = std::move(asker->deferred.front());
      asker->deferred.pop_front();
      // Also what is about nobody costs a bit.
      budget -= std::min(budget, std::max<std::size_t>(settle(*asker, first), 1));
    } while (!asker->deferred.empty() && asker->deferred.front().literal.empty() && budget > 0);
    if (!asker->deferred.empty()) enqueue(*asker);
  }
}

std::size_t Presence::settle(Asker& asker, const Deferred& deferred) {
  if (deferred.literal.empty()) {
    --refusals_;
  } else {
    --asker.questions;
    asker.bytes -= deferred.literal.size();
    bytes_ -= deferred.literal.size();
    --deferred_;
  }
  Session* const session = sessions_.find(asker.session);
  if (session == nullptr || session->token() != deferred.token) return 0;
  std::size_t ids = 0;
  if (deferred.literal.empty()) {
    session->ack(bench_, deferred.ack, AckStatus::error);
  } else {
    ids = serve(*session, asker, deferred.ack, deferred.literal);
  }
  sessions_.touched(*session);
  return ids;
}

Presence::TimePoint Presence::deadline() const {
  // Whoever waits for the registry is woken by its answers.
  if (!ready_.empty() && ids_at_registry_ < kMaxIdsAtRegistry) return now_;
  return due_.empty() ? TimePoint::max() : due_.begin()->first;
}

std::size_t Presence::serve(Session& session, Asker& asker, const socketio::AckId& ack,
                            std::string_view literal) {
  const auto ids = reader_.read_ids(literal, grid_.policy.max_presence_ids);
  if (!ids) {
    fail(session, ack, node_log::presence_fault(ids.error()));
    return 1;
  }
  std::vector<bool> connected(ids->size());
  std::vector<std::size_t> elsewhere;
  std::vector<std::string_view> unknown;
  for (std::size_t i = 0; i < ids->size(); ++i) {
    const std::string_view id = (*ids)[i];
    if (!can_exist(id, grid_.policy.max_node_id_bytes)) continue;
    connected[i] = grid_.directory.find(id).has_value();
    if (connected[i]) continue;
    elsewhere.push_back(i);
    unknown.push_back(id);
  }
  if (unknown.empty()) {
    answer(session, ack, *ids, connected);
    return ids->size();
  }
  const std::uint64_t question = ++last_question_;
  const modules::Answer* found = clients_.presence({this, asker.session, question}, unknown);
  if (found != nullptr) {
    if (found->could_ask()) {
      apply(*found, elsewhere, connected);
      answer(session, ack, *ids, connected);
    } else {
      fail(session, ack, node_log::PresenceFault::registry_unavailable);
    }
    return ids->size();
  }
  charge(asker, unknown.size());
  ids_at_registry_ += unknown.size();
  ++asker.questions;
  asker.bytes += literal.size();
  Asked asked{asker.session,        session.token(),      ack,           {},
              std::move(connected), std::move(elsewhere), literal.size()};
  asked.ids.assign(ids->begin(), ids->end());
  asked_.emplace(question, std::move(asked));
  return ids->size();
}

void Presence::on_answer(const modules::Waiter& waiter, const modules::Answer& found) {
  const auto node = asked_.extract(waiter.tag);
  if (node.empty()) return;
  Asked& asked = node.mapped();
  ids_at_registry_ -= asked.asked.size();
  if (Asker* const asker = find(asked.asker)) {
    --asker->questions;
    asker->bytes -= asked.bytes;
  }
  Session* session = sessions_.find(asked.asker);
  if (session == nullptr || session->token() != asked.token) return;
  // Many late answers at once would not be held back by reading less from the asker.
  const bool is_behind = session->outlet().waiting() > grid_.policy.max_outbox_bytes;
  if (!found.could_ask() || is_behind) {
    fail(*session, asked.ack,
         is_behind ? node_log::PresenceFault::asker_behind
                   : node_log::PresenceFault::registry_unavailable);
  } else {
    apply(found, asked.asked, asked.connected);
    answer(*session, asked.ack, asked.ids, asked.connected);
  }
  sessions_.touched(*session);
}

void Presence::on_end(Session& session) {
  const auto found = askers_.find(session.handle().slot);
  if (found == askers_.end()) return;
  for (const Deferred& each : found->second.deferred) {
    bytes_ -= each.literal.size();
    --(each.literal.empty() ? refusals_ : deferred_);
  }
  askers_.erase(found);
}

void Presence::apply(const modules::Answer& found, const std::vector<std::size_t>& asked,
                     std::vector<bool>& connected) const {
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const std::string& instance = found.holders[i].instance;
    // Who is said to be here was not in the directory, and so has not joined.
    connected[asked[i]] = !instance.empty() && instance != grid_.instance;
  }
}

template <class Ids>
void Presence::answer(Session& asker, const socketio::AckId& ack, const Ids& ids,
                      const std::vector<bool>& connected) {
  text_ = R"({"results":[)";
  for (std::size_t i = 0; i < ids.size(); ++i) {
    text_ += i == 0 ? R"({"id":)" : R"(,{"id":)";
    json::append_quoted(text_, ids[i]);
    text_ += connected[i] ? R"(,"connected":true})" : R"(,"connected":false})";
  }
  text_ += "]}";
  asker.ack_text(bench_, ack, text_);
}

}  // namespace crolang::broker
