#include "broker/broker.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "broker/lease.hpp"
#include "broker/node_events.hpp"
#include "broker/node_log.hpp"
#include "telemetry/log.hpp"

namespace crolang::broker {

using session::EndReason;
using session::Session;
using session::State;
using telemetry::Counter;
namespace log = telemetry::log;

namespace {

// Nodes that were admitted together do not come back together: an authentication ends by up to a
// twentieth of its time earlier, a connection by up to a tenth of its age.
constexpr int kAuthenticationJitter = 20;
constexpr int kAgeJitter = 10;

// A transport may be admitted once before its 101 and twice after.
constexpr std::uint8_t kMaxAdmissions = 3;

Counter counter_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::authentication_failed:
      return Counter::refused_authentication;
    case Refusal::already_connected:
      return Counter::refused_duplicate;
    case Refusal::invalid_id:
      return Counter::refused_invalid_id;
    case Refusal::missing_id:
    case Refusal::missing_version:
    case Refusal::missing_runtime:
      break;
  }
  return Counter::refused_missing_field;
}

Counter counter_of(TemporaryFailure failure) {
  switch (failure) {
    case TemporaryFailure::authentication:
      return Counter::unavailable_authentication;
    case TemporaryFailure::registry:
      return Counter::unavailable_registry;
    case TemporaryFailure::rtc:
      return Counter::unavailable_rtc;
    case TemporaryFailure::draining:
      return Counter::unavailable_draining;
    case TemporaryFailure::full:
      return Counter::unavailable_limit;
    case TemporaryFailure::probing:
      return Counter::unavailable_probing;
    case TemporaryFailure::memory:
      break;
  }
  return Counter::unavailable_memory;
}

}  // namespace

Broker::Broker(SharedState& shared, modules::Clients& clients, LocalSessions& sessions,
               const session::Limits& limits, telemetry::WorkerCounters& counters)
    : shared_(shared),
      sessions_(sessions),
      clients_(clients),
      context_{limits, *this, counters, {}, {}, {}, {}},
      admissions_(shared, clients, *this, counters),
      relay_(shared, clients, sessions, context_, reader_),
      presence_(shared, clients, sessions, context_, reader_),
      probes_(sessions, context_),
      module_questions_(clients) {}

node_log::LoggedNode Broker::logged(const Node& node) const {
  return {node.id(), sessions_.client_of(node)};
}

void Broker::admit(Node& node) {
  node.count_admission();
  if (const auto failure = sessions_.capacity_failure(node)) {
    on_failure(node.handle(), *failure);
    return;
  }
  admissions_.start(node.handle(), node.identity(), sessions_.client_of(node));
}

void Broker::on_connect(Session& session) {
  Node& node = node_of(session);
  AdmissionResult result = node.take_admission_result();
  if (!std::holds_alternative<std::monostate>(result)) {
    apply(node, std::move(result));
    return;
  }
  if (node.count_admission() > kMaxAdmissions) {
    node.close(context_, websocket::CloseCode::no_status,
               {EndReason::socketio_violation, "too many CONNECTs on one connection"});
    return;
  }
  node.begin_readmission();
  // Its connection slot may have been taken while it was not connected as a node.
  if (const auto failure = sessions_.capacity_failure(node)) {
    on_failure(node.handle(), *failure);
    return;
  }
  admissions_.start(node.handle(), node.identity(), sessions_.client_of(node));
}

void Broker::on_foreign_namespace(Session& session, std::string_view name_space) {
  node_log::foreign_namespace(logged(node_of(session)), name_space, now_);
}

void Broker::apply(Node& node, AdmissionResult result) {
  if (const Refusal* refusal = std::get_if<Refusal>(&result)) {
    node.refuse(context_, text_of(*refusal), now_);
    return;
  }
  // All brokers must be able to find the node before it is told that it is connected, since it may
  // then tell other nodes by other means.
  node.begin_joining();
  const modules::Waiter waiter{this, node.handle().packed(), node.token()};
  node.keep_admission_result(std::move(result));
  const auto lease = lease_of(node.id(), node.token(), node.handle());
  if (clients_.announce(waiter, lease) != nullptr) join(node);
}

void Broker::on_answer(const modules::Waiter& waiter, const modules::Answer&) {
  Node* node = sessions_.find(SessionHandle::unpacked(waiter.asker));
  if (node == nullptr || node->state() != State::joining || node->token() != waiter.tag) {
    return;
  }
  join(*node);
  sessions_.deadline_changed(*node);
}

void Broker::join(Node& node) {
  const AdmissionResult result = node.take_admission_result();
  node.join(context_, kAuthenticated, *std::get<RtcLiteral>(result));
  shared_.directory.insert(node.id(), {node.handle(), node.token()});
  context_.counters.add(Counter::nodes_joined);
  if (shared_.events.is_watched())
    node_events::joined(shared_.events, logged(node), node.identity());
  if (log::enabled(log::Level::connections)) {
    log::connection("node joined",
                    {{"node", node.id()}, {"client", text_of(sessions_.client_of(node))}});
  }
}

void Broker::on_admission_result(Node& node, AdmissionResult result) {
  if (node.state() == State::admitting) {
    node.keep_admission_result(std::move(result));
    sessions_.open_transport(node);
    return;
  }
  apply(node, std::move(result));
  sessions_.deadline_changed(node);
}

void Broker::on_admitted(SessionHandle handle, std::uint64_t token, RtcLiteral rtc,
                         std::optional<TimePoint> until) {
  Node* node = sessions_.find(handle);
  if (node == nullptr) return;
  node->set_token(token);
  limit_stay(*node, until);
  on_admission_result(*node, std::move(rtc));
}

void Broker::on_refused(SessionHandle handle, Refusal refusal, std::string_view reason) {
  Node* node = sessions_.find(handle);
  if (node == nullptr) return;
  context_.counters.add(counter_of(refusal));
  node_log::refused(logged(*node), refusal, reason, now_);
  if (shared_.events.is_watched()) {
    node_events::refused(shared_.events, logged(*node), text_of(refusal), reason);
  }
  on_admission_result(*node, refusal);
}

void Broker::on_failure(SessionHandle handle, TemporaryFailure failure) {
  Node* node = sessions_.find(handle);
  if (node == nullptr) return;
  node_log::asked_to_retry(logged(*node), failure, now_);
  if (shared_.events.is_watched()) {
    node_events::asked_to_retry(shared_.events, logged(*node), text_of(failure));
  }
  context_.counters.add(counter_of(failure));
  if (node->state() == State::admitting) {
    sessions_.refuse_transport(*node, failure);
    return;
  }
  // Nodes do not retry after a CONNECT_ERROR, but reconnect if the transport ends.
  node->disconnect_for_reconnect(context_, EndReason::asked_to_retry);
  sessions_.deadline_changed(*node);
}

void Broker::on_event(Session& session, const socketio::Packet& packet) {
  Node& node = node_of(session);
  if (const auto type = relayed_type(packet.event.name)) {
    relay_.on_event(node, *type, packet);
  } else if (packet.event.name == kAreNodesConnected) {
    presence_.on_event(node, packet);
  } else {
    node_log::unknown_event(node.id(), packet.event.name, now_);
  }
}

void Broker::on_disconnect(Session& session) {
  Node& node = node_of(session);
  if (shared_.events.is_watched()) {
    node_events::left(shared_.events, node, logged(node), "it sent DISCONNECT");
  }
  relay_.on_end(node);
  give_up_lease(node);
  node.leave(context_, now_);
  node_log::left(logged(node), now_);
}

void Broker::on_activity(Session& session) {
  probes_.on_activity(node_of(session));
}

void Broker::on_end(Session& session, const session::End& end) {
  Node& node = node_of(session);
  // First of all, since this needs the node's lease.
  node_log::ended(node, sessions_.client_of(node), end, now_);
  if (shared_.events.is_watched()) node_events::ended(shared_.events, node, logged(node), end);
  if (node.state() == State::admitting || node.state() == State::readmitting) {
    admissions_.cancel(node.handle());
  }
  relay_.on_end(node);
  presence_.on_end(node);
  give_up_lease(node);
  probes_.on_end(node);
}

void Broker::give_up_lease(Node& node) {
  expiry_.erase(node.handle());
  if (node.token() == 0) return;
  shared_.directory.erase(node.id(), node.token());
  admissions_.release(node.id(), node.token());
  node.set_token(0);
}

void Broker::execute(Command command) {
  std::visit([this](auto& each) { execute_one(each); }, command);
}

void Broker::execute_one(ProbeSession& command) {
  probes_.begin(command.session, command.token, now_, command.timeout, std::move(command.reply));
}

void Broker::execute_one(const DisconnectHolder& command) {
  if (admissions_.lose(command.session, command.token)) return;
  const Node* node = sessions_.find(command.session);
  if (node != nullptr && node->token() == command.token) {
    execute_one(DisconnectSession{command.session, EndReason::lost_id});
  }
}

void Broker::execute_one(const DisconnectSession& command) {
  Node* node = sessions_.find(command.session);
  if (node == nullptr) return;
  node->disconnect_permanently(context_, command.reason);
  sessions_.deadline_changed(*node);
}

void Broker::execute_one(AskModule& command) {
  module_questions_.ask(command);
}

void Broker::shut_down(Node& node) {
  node.disconnect_for_reconnect(context_, EndReason::shutdown);
  sessions_.deadline_changed(node);
}

void Broker::start_validity_checks(std::chrono::milliseconds interval, TimePoint now) {
  validity_check_.emplace(shared_, clients_, interval, now);
}

void Broker::start_status_reports(TimePoint now) {
  status_reports_.emplace(shared_, clients_, now);
}

void Broker::limit_stay(const Node& node, std::optional<TimePoint> until) {
  // A token is a random number.
  const auto before = [&](TimePoint end, int share) {
    return some_time_before(end, now_, share, node.token());
  };
  std::optional<TimePoint> by_age;
  if (const auto age = shared_.policy.max_connection_age; age.count() != 0) {
    by_age = before(now_ + age, kAgeJitter);
  }
  if (until) until = before(*until, kAuthenticationJitter);
  if (until && (!by_age || *until <= *by_age)) {
    expiry_.set(node.handle(), *until, EndReason::authentication_expired);
  } else if (by_age) {
    expiry_.set(node.handle(), *by_age, EndReason::max_age);
  }
}

void Broker::end_expired() {
  while (const auto expired = expiry_.take_due(now_)) {
    Node* node = sessions_.find(expired->session);
    if (node == nullptr) continue;
    // The node reconnects by itself, perhaps with newer credentials or to another broker, and is
    // authenticated again.
    node->disconnect_for_reconnect(context_, expired->reason);
    sessions_.deadline_changed(*node);
  }
}

void Broker::tick() {
  clients_.calls().tick(now_);
  end_expired();
  presence_.tick();
  if (validity_check_) validity_check_->tick(now_);
  if (status_reports_) status_reports_->tick(now_);
}

Broker::TimePoint Broker::work_due() const {
  TimePoint due = std::min({clients_.calls().deadline(), presence_.deadline(), expiry_.deadline()});
  if (validity_check_) due = std::min(due, validity_check_->deadline());
  if (status_reports_) due = std::min(due, status_reports_->deadline());
  return due;
}

void Broker::check_probes() {
  probes_.tick(now_);
}

Broker::TimePoint Broker::probes_due() const {
  return probes_.deadline();
}

}  // namespace crolang::broker
