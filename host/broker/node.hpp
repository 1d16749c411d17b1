#pragma once
/// A node as the broker sees it: its stated identity, its lease, the result of its admission, and
/// whether messages of it are waiting. Node and session are one object, so that a message needs no
/// lookup to get from one to the other.
///
/// Threads: owning worker only. Errors: std::bad_alloc.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>

#include "broker/events.hpp"
#include "broker/identity.hpp"
#include "broker/rtc_configuration.hpp"
#include "negotiation/ice_servers.hpp"
#include "session/session.hpp"

namespace crolang::broker {

/// Admitted with this RTC configuration, or refused; std::monostate until the admission has ended.
using AdmissionResult = std::variant<std::monostate, RtcLiteral, Refusal>;

// Hot: per message.
constexpr telemetry::Counter counter_of(AckStatus status) {
  using telemetry::Counter;
  switch (status) {
    case AckStatus::ok:
      return Counter::ack_ok;
    case AckStatus::error:
      return Counter::ack_error;
    case AckStatus::unauthorized:
      return Counter::ack_unauthorized;
    case AckStatus::not_connected:
      return Counter::ack_not_connected;
    case AckStatus::disabled:
      break;
  }
  return Counter::ack_disabled;
}

class Node final : public session::Session {
 public:
  Node(session::SessionHandle handle, session::Outbox& outbox, Identity identity)
      : Session(handle, outbox), identity_(std::move(identity)) {}

  const Identity& identity() const noexcept { return identity_; }
  std::string_view id() const { return identity_.id(); }

  /// The token of the lease that it holds; 0: none.
  std::uint64_t token() const noexcept { return token_; }
  void set_token(std::uint64_t token) noexcept { token_ = token; }

  /// Counts one more admission of this transport, and returns their number.
  std::uint8_t count_admission() noexcept { return ++admissions_; }
  /// Stores the result of an admission that ended before the node's CONNECT, or whose lease is
  /// being announced.
  void keep_admission_result(AdmissionResult result) { admission_result_ = std::move(result); }
  AdmissionResult take_admission_result() { return std::exchange(admission_result_, {}); }

  /// Whether messages of this node wait for an answer: the relay looks for them only then.
  bool has_waiting() const noexcept { return has_waiting_; }
  void set_waiting(bool waiting) noexcept { has_waiting_ = waiting; }

  /// How many messages for others it has sent since its 101.
  std::uint64_t messages() const noexcept { return messages_; }
  // Hot: per message.
  void count_message() noexcept { ++messages_; }
  /// Those of its RTC configuration; unknown before it has joined, and without insight.
  negotiation::IceServers ice_servers() const noexcept {
    return {
        .known = knows_servers_, .stun = has_stun_, .turn = has_turn_, .relay_only = relay_only_};
  }
  void set_ice_servers(const negotiation::IceServers& servers) noexcept {
    knows_servers_ = servers.known;
    has_stun_ = servers.stun;
    has_turn_ = servers.turn;
    relay_only_ = servers.relay_only;
  }

  // Hot: per message.
  void ack(session::SessionContext& context, const socketio::AckId& id, AckStatus status) {
    context.counters.add(counter_of(status));
    Session::ack(context, id, arguments_of(status));
  }

 private:
  std::uint8_t admissions_ = 0;
  bool has_waiting_ : 1 = false;
  bool knows_servers_ : 1 = false;  // the following three count
  bool has_stun_ : 1 = false;
  bool has_turn_ : 1 = false;
  bool relay_only_ : 1 = false;
  Identity identity_;
  std::uint64_t token_ = 0;
  std::uint64_t messages_ = 0;
  AdmissionResult admission_result_;
};

// Most of a broker's nodes are idle, so their size determines its memory.
static_assert(sizeof(Node) <= 152);

/// The node behind a session that reports an event: LocalSessions own the sessions of a worker, and
/// each of them is a Node.
inline Node& node_of(session::Session& session) {
  return static_cast<Node&>(session);
}

}  // namespace crolang::broker
