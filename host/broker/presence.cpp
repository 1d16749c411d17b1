#include "broker/presence.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "broker/node_id.hpp"
#include "json/scanner.hpp"
#include "telemetry/log.hpp"
#include "telemetry/throttle.hpp"

namespace crolang::broker {

using session::SessionHandle;
using telemetry::Counter;

namespace {

// The burst of lookups that a node is allowed, expressed as time at its rate.
constexpr std::chrono::seconds kBurst{1};

}  // namespace

void Presence::on_event(Node& node, const socketio::Packet& packet) {
  context_.counters.add(Counter::presence_queries);
  if (packet.event.argument_count == 0 || packet.event.first_kind != json::Kind::string) {
    fail(node, packet.ack,
         packet.event.argument_count == 0 ? node_log::PresenceFault::no_payload
                                          : node_log::PresenceFault::payload_not_string);
    return;
  }
  if (!packet.ack.present()) {
    node_log::presence_refused(node.id(), node_log::PresenceFault::no_ack_requested, now_);
    return;
  }
  Asker& asker = askers_[node.handle().slot];
  asker.session = node.handle();
  const std::string_view literal = packet.event.first_argument;
  if (!has_room(asker, literal.size())) {
    refuse(node, asker, packet.ack);
  } else if (asker.deferred.empty() && budget_ > 0 && ids_at_modules_ < kMaxIdsAtModules &&
             due(asker) <= now_) {
    budget_ -= std::min(budget_, serve(node, asker, packet.ack, literal));
  } else {
    defer(node, asker, packet.ack, literal);
  }
}

bool Presence::has_room(const Asker& asker, std::size_t bytes) const {
  return asker.questions < kMaxQuestionsOfNode &&
         deferred_ + asked_.size() + authorizing_.size() < kMaxQuestions &&
         bytes_ + bytes <= kMaxQuestionBytes &&
         asker.bytes + bytes <= shared_.policy.max_outbox_bytes;
}

Presence::TimePoint Presence::due(const Asker& asker) const {
  return asker.paid_until - kBurst;
}

void Presence::charge(Asker& asker, std::size_t ids) const {
  const std::size_t rate = shared_.policy.max_presence_ids_per_second;
  if (rate == 0) return;
  asker.paid_until = std::max(asker.paid_until, now_) +
                     std::chrono::microseconds(ids * std::size_t{1'000'000} / rate);
}

void Presence::refuse(Node& node, Asker& asker, const socketio::AckId& ack) {
  if (!asker.deferred.empty() && due(asker) <= now_ && refusals_ < kMaxRefusals) {
    asker.deferred.push_back({node.token(), ack, {}});
    ++refusals_;
  } else {
    node.ack(context_, ack, AckStatus::error);
  }
  context_.counters.add(Counter::presence_refused);
  sessions_.pause_reading(node);
  static telemetry::Throttle throttle{1};
  if (const auto suppressed = throttle.admit(now_)) {
    telemetry::log::warning("a node exceeds the limit of presence queries: answered ERROR",
                            {{"node", node.id()}, {"suppressed", *suppressed}});
  }
}

void Presence::fail(Node& node, const socketio::AckId& ack, node_log::PresenceFault fault) {
  node.ack(context_, ack, AckStatus::error);
  node_log::presence_refused(node.id(), fault, now_);
}

void Presence::defer(Node& node, Asker& asker, const socketio::AckId& ack,
                     std::string_view literal) {
  asker.deferred.push_back({node.token(), ack, std::string(literal)});
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
  std::size_t budget = kDeferredIdsPerIteration;
  while (!ready_.empty() && budget > 0 && ids_at_modules_ < kMaxIdsAtModules) {
    const SessionHandle handle = ready_.front();
    ready_.pop_front();
    Asker* const asker = find(handle);
    if (asker == nullptr) continue;
    // One question and the refusals queued after it.
    do {
      const Deferred first = std::move(asker->deferred.front());
      asker->deferred.pop_front();
      // A question without ids costs as much as one id.
      budget -= std::min(budget, std::max<std::size_t>(resume(*asker, first), 1));
    } while (!asker->deferred.empty() && asker->deferred.front().literal.empty() && budget > 0);
    if (!asker->deferred.empty()) enqueue(*asker);
  }
}

std::size_t Presence::resume(Asker& asker, const Deferred& deferred) {
  if (deferred.literal.empty()) {
    --refusals_;
  } else {
    --asker.questions;
    asker.bytes -= deferred.literal.size();
    bytes_ -= deferred.literal.size();
    --deferred_;
  }
  Node* const node = sessions_.find(asker.session);
  if (node == nullptr || node->token() != deferred.token) return 0;
  std::size_t ids = 0;
  if (deferred.literal.empty()) {
    node->ack(context_, deferred.ack, AckStatus::error);
  } else {
    ids = serve(*node, asker, deferred.ack, deferred.literal);
  }
  sessions_.deadline_changed(*node);
  return ids;
}

Presence::TimePoint Presence::deadline() const {
  // At the limit of ids at modules, the modules' answers wake the worker.
  if (!ready_.empty() && ids_at_modules_ < kMaxIdsAtModules) return now_;
  return due_.empty() ? TimePoint::max() : due_.begin()->first;
}

std::size_t Presence::serve(Node& node, Asker& asker, const socketio::AckId& ack,
                            std::string_view literal) {
  const auto ids = reader_.read_ids(literal, shared_.policy.max_presence_ids);
  if (!ids) {
    fail(node, ack, node_log::presence_fault(ids.error()));
    return 1;
  }
  if (!shared_.policy.authorize_presence) {
    look_up(node, asker, ack, *ids, {}, literal.size(), Rate::to_be_charged);
    return ids->size();
  }
  const std::uint64_t question = ++last_question_;
  const auto permitted = authorization_.ask(question, node, *ids, shared_.policy.max_node_id_bytes);
  if (!permitted) {
    charge(asker, ids->size());
    ids_at_modules_ += ids->size();
    ++asker.questions;
    asker.bytes += literal.size();
    authorizing_.emplace(
        question, Authorizing{asker.session, node.token(), ack, ids->size(), literal.size()});
  } else if (permitted->size() == ids->size()) {
    look_up(node, asker, ack, *ids, *permitted, literal.size(), Rate::to_be_charged);
  } else {
    fail(node, ack, node_log::PresenceFault::authorization_unavailable);
  }
  return ids->size();
}

void Presence::look_up(Node& node, Asker& asker, const socketio::AckId& ack,
                       std::span<const std::string_view> ids, const std::vector<bool>& permitted,
                       std::size_t bytes, Rate rate) {
  std::vector<bool> connected(ids.size());
  std::vector<std::size_t> elsewhere;
  std::vector<std::string_view> unknown;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!permitted.empty() && !permitted[i]) continue;
    if (!can_exist(ids[i], shared_.policy.max_node_id_bytes)) continue;
    connected[i] = shared_.directory.find(ids[i]).has_value();
    if (connected[i]) continue;
    elsewhere.push_back(i);
    unknown.push_back(ids[i]);
  }
  if (unknown.empty()) {
    answer(node, ack, ids, connected);
    return;
  }
  const std::uint64_t question = ++last_question_;
  const modules::Answer* found =
      clients_.presence({this, asker.session.packed(), question}, unknown);
  if (found != nullptr) {
    if (found->succeeded()) {
      apply(*found, elsewhere, connected);
      answer(node, ack, ids, connected);
    } else {
      fail(node, ack, node_log::PresenceFault::registry_unavailable);
    }
    return;
  }
  if (rate == Rate::to_be_charged) charge(asker, unknown.size());
  ids_at_modules_ += unknown.size();
  ++asker.questions;
  asker.bytes += bytes;
  Asked asked{asker.session,        node.token(),         ack,  {},
              std::move(connected), std::move(elsewhere), bytes};
  asked.ids.assign(ids.begin(), ids.end());
  asked_.emplace(question, std::move(asked));
}

Node* Presence::asker_of(const SessionHandle& session, std::uint64_t token,
                         const socketio::AckId& ack, std::size_t bytes) {
  if (Asker* const asker = find(session)) {
    --asker->questions;
    asker->bytes -= bytes;
  }
  Node* const node = sessions_.find(session);
  if (node == nullptr || node->token() != token) return nullptr;
  // Pausing reads does not limit answers that arrive late all at once, so check the outbox here.
  if (node->outbox().waiting() <= shared_.policy.max_outbox_bytes) return node;
  fail(*node, ack, node_log::PresenceFault::asker_behind);
  sessions_.deadline_changed(*node);
  return nullptr;
}

void Presence::on_permitted(std::uint64_t number, const Permitted& permitted) {
  const auto question = authorizing_.extract(number);
  if (question.empty()) return;
  const Authorizing& asked = question.mapped();
  ids_at_modules_ -= asked.ids;
  Node* const node = asker_of(asked.asker, asked.token, asked.ack, asked.bytes);
  if (node == nullptr) return;
  Asker* const asker = find(asked.asker);
  if (permitted.flags.empty() || asker == nullptr) {
    fail(*node, asked.ack, node_log::PresenceFault::authorization_unavailable);
  } else {
    const std::vector<std::string_view> ids(permitted.ids.begin(), permitted.ids.end());
    look_up(*node, *asker, asked.ack, ids, permitted.flags, asked.bytes, Rate::charged);
  }
  sessions_.deadline_changed(*node);
}

void Presence::on_answer(const modules::Waiter& waiter, const modules::Answer& found) {
  auto question = asked_.extract(waiter.tag);
  if (question.empty()) return;
  Asked& asked = question.mapped();
  ids_at_modules_ -= asked.asked.size();
  Node* const node = asker_of(asked.asker, asked.token, asked.ack, asked.bytes);
  if (node == nullptr) return;
  if (found.succeeded()) {
    apply(found, asked.asked, asked.connected);
    answer(*node, asked.ack, asked.ids, asked.connected);
  } else {
    fail(*node, asked.ack, node_log::PresenceFault::registry_unavailable);
  }
  sessions_.deadline_changed(*node);
}

void Presence::on_end(Node& node) {
  const auto found = askers_.find(node.handle().slot);
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
    // The registry names this instance, but the directory does not have the node: it has not
    // joined.
    connected[asked[i]] = !instance.empty() && instance != shared_.instance;
  }
}

template <class Ids>
void Presence::answer(Node& asker, const socketio::AckId& ack, const Ids& ids,
                      const std::vector<bool>& connected) {
  text_ = R"({"results":[)";
  for (std::size_t i = 0; i < ids.size(); ++i) {
    text_ += i == 0 ? R"({"id":)" : R"(,{"id":)";
    json::append_quoted(text_, ids[i]);
    text_ += connected[i] ? R"(,"connected":true})" : R"(,"connected":false})";
  }
  text_ += "]}";
  asker.ack_text(context_, ack, text_);
}

}  // namespace crolang::broker
