#include "broker/broker.hpp"

#include <algorithm>
#include <utility>

#include "broker/node_log.hpp"
#include "telemetry/log.hpp"

namespace crolang::broker {

using session::EndReason;
using session::Session;
using session::State;
using telemetry::Counter;
namespace log = telemetry::log;

namespace {

// A transport may ask to be admitted once before its 101 and twice after.
constexpr std::uint8_t kMaxAdmissions = 3;

Counter counter_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::authentication_failed:
      return Counter::refused_authentication;
    case Refusal::already_connected:
      return Counter::refused_duplicate;
    case Refusal::invalid_id:
      return Counter::refused_invalid_id;
    default:
      return Counter::refused_missing_field;
  }
}

Counter counter_of(Trouble trouble) {
  constexpr Counter kCounters[] = {Counter::unavailable_authentication,
                                   Counter::unavailable_registry,
                                   Counter::unavailable_rtc,
                                   Counter::unavailable_draining,
                                   Counter::unavailable_limit,
                                   Counter::unavailable_probing,
                                   Counter::unavailable_memory};
  return kCounters[static_cast<std::size_t>(trouble)];
}

}  // namespace

Broker::Broker(Grid& grid, modules::Clients& clients, LocalSessions& sessions,
               const session::Limits& limits, telemetry::WorkerCounters& counters)
    : grid_(grid),
      sessions_(sessions),
      clients_(clients),
      bench_{limits, *this, counters, {}, {}, {}, {}},
      admissions_(grid, clients, *this),
      relay_(grid, clients, sessions, bench_, reader_),
      presence_(grid, clients, sessions, bench_, reader_),
      probes_(sessions, bench_) {}

void Broker::admit(Session& session) {
  session.count_admission();
  if (const auto trouble = sessions_.lack(session)) {
    on_trouble(session.handle(), *trouble);
    return;
  }
  admissions_.start(session.handle(), session.identity());
}

void Broker::on_connect(Session& session) {
  Session::Verdict verdict = session.take_verdict();
  if (!verdict.empty()) {
    apply(session, std::move(verdict));
    return;
  }
  if (session.count_admission() > kMaxAdmissions) {
    session.close(bench_, websocket::CloseCode::no_status,
                  {EndReason::socketio_violation, "more CONNECTs than a connection has"});
    return;
  }
  session.begin_readmission();
  // While it was no node its place may have been given away.
  if (const auto trouble = sessions_.lack(session)) {
    on_trouble(session.handle(), *trouble);
    return;
  }
  admissions_.start(session.handle(), session.identity());
}

void Broker::on_foreign_namespace(Session& session, std::string_view name_space) {
  node_log::foreign_namespace(session.id(), name_space, now_);
}

void Broker::apply(Session& session, Session::Verdict verdict) {
  if (verdict.refusal) {
    session.refuse(bench_, text_of(static_cast<Refusal>(*verdict.refusal)), now_);
    return;
  }
  // A node that knows it is connected may tell others by other ways, so all brokers know it first.
  session.begin_joining();
  const modules::Waiter waiter{this, session.handle(), session.token()};
  session.set_verdict(std::move(verdict));
  if (clients_.announce(waiter, {session.id(), session.token()}) != nullptr) join(session);
}

void Broker::on_answer(const modules::Waiter& waiter, const modules::Answer&) {
  Session* session = sessions_.find(waiter.session);
  if (session == nullptr || session->state() != State::joining || session->token() != waiter.tag) {
    return;
  }
  join(*session);
  sessions_.touched(*session);
}

void Broker::join(Session& session) {
  session.join(bench_, *session.take_verdict().rtc);
  grid_.directory.insert(session.id(), {session.handle(), session.token()});
  bench_.counters.add(Counter::nodes_joined);
  if (log::enabled(log::Level::connections)) {
    log::connection("node joined", {{"node", session.id()}});
  }
}

void Broker::decide(Session& session, Session::Verdict verdict) {
  if (session.state() == State::admitting) {
    session.set_verdict(std::move(verdict));
    sessions_.open_transport(session);
    return;
  }
  apply(session, std::move(verdict));
  sessions_.touched(session);
}

void Broker::on_admitted(SessionHandle handle, std::uint64_t token, RtcLiteral rtc) {
  Session* session = sessions_.find(handle);
  if (session == nullptr) return;
  session->set_token(token);
  decide(*session, {std::move(rtc), std::nullopt});
}

void Broker::on_refused(SessionHandle handle, Refusal refusal, std::string_view reason) {
  Session* session = sessions_.find(handle);
  if (session == nullptr) return;
  bench_.counters.add(counter_of(refusal));
  node_log::refused(session->id(), refusal, reason, now_);
  decide(*session, {nullptr, static_cast<std::uint8_t>(refusal)});
}

void Broker::on_trouble(SessionHandle handle, Trouble trouble) {
  Session* session = sessions_.find(handle);
  if (session == nullptr) return;
  node_log::told_to_come_again(session->id(), trouble, now_);
  bench_.counters.add(counter_of(trouble));
  if (session->state() == State::admitting) {
    sessions_.refuse_transport(*session, trouble);
    return;
  }
  // On an open transport a CONNECT_ERROR would be final: the node comes again if it ends.
  session->send_back(bench_, EndReason::asked_to_retry);
  sessions_.touched(*session);
}

void Broker::on_event(Session& session, const socketio::Packet& packet) {
  if (const auto type = relayed_type(packet.event.name)) {
    relay_.on_event(session, *type, packet);
  } else if (packet.event.name == kAreNodesConnected) {
    presence_.on_event(session, packet);
  } else {
    node_log::unknown_event(session.id(), packet.event.name, now_);
  }
}

void Broker::on_disconnect(Session& session) {
  relay_.on_end(session);
  give_up_lease(session);
  session.leave(bench_, now_);
  node_log::left(session.id(), now_);
}

void Broker::on_sign_of_life(Session& session) {
  probes_.on_sign_of_life(session);
}

void Broker::on_end(Session& session, const session::End& end) {
  // While it is known which lease it has.
  node_log::ended(session, end, now_);
  if (session.state() == State::admitting || session.state() == State::readmitting) {
    admissions_.cancel(session.handle());
  }
  relay_.on_end(session);
  presence_.on_end(session);
  give_up_lease(session);
  probes_.on_end(session);
}

void Broker::give_up_lease(Session& session) {
  if (session.token() == 0) return;
  grid_.directory.erase(session.id(), session.token());
  admissions_.release(session.id(), session.token());
  session.set_token(0);
}

void Broker::expel(SessionHandle handle, EndReason reason) {
  Session* session = sessions_.find(handle);
  if (session == nullptr) return;
  session->expel(bench_, reason);
  sessions_.touched(*session);
}

void Broker::expel_holder(SessionHandle handle, std::uint64_t token) {
  if (admissions_.lose(handle, token)) return;
  const Session* session = sessions_.find(handle);
  if (session != nullptr && session->token() == token) expel(handle, EndReason::lost_id);
}

void Broker::shut_down(Session& session) {
  session.send_back(bench_, EndReason::shutdown);
  sessions_.touched(session);
}

void Broker::probe(SessionHandle handle, std::uint64_t token, std::chrono::milliseconds timeout,
                   Probes::Reply reply) {
  probes_.begin(handle, token, now_, timeout, std::move(reply));
}

void Broker::start_sweeping(std::chrono::milliseconds interval, TimePoint now) {
  sweep_.emplace(grid_, clients_, interval, now);
}

void Broker::tick() {
  clients_.desk().tick(now_);
  presence_.tick();
  if (sweep_) sweep_->tick(now_);
}

Broker::TimePoint Broker::work_due() const {
  const TimePoint due = std::min(clients_.desk().deadline(), presence_.deadline());
  return sweep_ ? std::min(due, sweep_->deadline()) : due;
}

void Broker::judge_nodes() {
  probes_.tick(now_);
}

Broker::TimePoint Broker::nodes_due() const {
  return probes_.deadline();
}

}  // namespace crolang::broker
