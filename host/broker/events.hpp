#pragma once
/// All event names and texts of the wire protocol. Threads: any; no shared state. Errors: none.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "crolang/enum_count.hpp"

namespace crolang::broker {

inline constexpr std::string_view kAuthenticated = "AUTHENTICATED";
inline constexpr std::string_view kAreNodesConnected = "ARE_NODES_CONNECTED_TO_BROKER";

/// The types of messages that are relayed from node to node.
enum class Relayed : std::uint8_t {
  connection_attempt,
  connection_acceptance,
  connection_refusal,
  incoming_connections_not_allowed,
  ice_initiator_to_responder,
  ice_responder_to_initiator,
  socket_msg_exchange,
};

constexpr std::string_view name_of(Relayed type) {
  switch (type) {
    case Relayed::connection_attempt:
      return "CONNECTION_ATTEMPT";
    case Relayed::connection_acceptance:
      return "CONNECTION_ACCEPTANCE";
    case Relayed::connection_refusal:
      return "CONNECTION_REFUSAL";
    case Relayed::incoming_connections_not_allowed:
      return "INCOMING_CONNECTIONS_NOT_ALLOWED";
    case Relayed::ice_initiator_to_responder:
      return "ICE_CANDIDATES_EXCHANGE_INITIATOR_TO_RESPONDER";
    case Relayed::ice_responder_to_initiator:
      return "ICE_CANDIDATES_EXCHANGE_RESPONDER_TO_INITIATOR";
    case Relayed::socket_msg_exchange:
      return "SOCKET_MSG_EXCHANGE";
  }
  return {};
}

/// In the order of their values.
inline constexpr auto kRelayedNames = [] {
  std::array<std::string_view, enum_count<Relayed>()> names{};
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = name_of(static_cast<Relayed>(i));
  return names;
}();

// Hot: per message. Seven comparisons of lengths first.
constexpr std::optional<Relayed> relayed_type(std::string_view name) {
  for (std::size_t i = 0; i < kRelayedNames.size(); ++i) {
    if (kRelayedNames[i] == name) return static_cast<Relayed>(i);
  }
  return std::nullopt;
}

/// The acknowledgement of a message or a presence query: one word.
enum class AckStatus : std::uint8_t { ok, error, unauthorized, not_connected, disabled };

/// The arguments of such an acknowledgement, as they appear in its packet.
constexpr std::string_view arguments_of(AckStatus status) {
  switch (status) {
    case AckStatus::ok:
      return R"(["OK"])";
    case AckStatus::error:
      return R"(["ERROR"])";
    case AckStatus::unauthorized:
      return R"(["UNAUTHORIZED"])";
    case AckStatus::not_connected:
      return R"(["NOT_CONNECTED"])";
    case AckStatus::disabled:
      return R"(["DISABLED"])";
  }
  return {};
}

/// The word itself, for the log.
constexpr std::string_view name_of(AckStatus status) {
  return arguments_of(status).substr(2, arguments_of(status).size() - 4);
}

/// Why a node is refused permanently: the `message` of its CONNECT_ERROR.
enum class Refusal : std::uint8_t {
  missing_id,
  missing_version,
  missing_runtime,
  invalid_id,
  authentication_failed,
  already_connected,
  refused_by_operator,  ///< the node is told what an authentication that fails would tell it
};

constexpr std::string_view text_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::missing_id:
      return "server side exception: Error: Missing required OnConnectionData value: id";
    case Refusal::missing_version:
      return "server side exception: Error: Missing required OnConnectionData value: version";
    case Refusal::missing_runtime:
      return "server side exception: Error: Missing required OnConnectionData value: runtime";
    case Refusal::invalid_id:
      return "invalid node id";
    case Refusal::authentication_failed:
      return "authentication failed";
    case Refusal::already_connected:
      return "client already connected";
    case Refusal::refused_by_operator:
      return "authentication failed";
  }
  return {};
}

/// Why a node is asked to retry.
enum class TemporaryFailure : std::uint8_t {
  authentication,  ///< the module did not answer
  registry,        ///< the module did not answer
  rtc,             ///< the module did not answer, or its answer was unusable
  draining,
  full,     ///< MAX_CONNECTIONS or the file limit
  probing,  ///< another node claims the id at the same time, or its holder cannot be reached
  memory,   ///< MAX_MEMORY_BYTES is nearly used up
};

constexpr std::string_view text_of(TemporaryFailure failure) {
  switch (failure) {
    case TemporaryFailure::authentication:
      return "authentication is not available";
    case TemporaryFailure::registry:
      return "the registry is not available";
    case TemporaryFailure::rtc:
      return "the RTC configuration is not available";
    case TemporaryFailure::draining:
      return "shutting down";
    case TemporaryFailure::full:
      return "too many connections";
    case TemporaryFailure::probing:
      return "the id is in use by a node whose state is unknown";
    case TemporaryFailure::memory:
      return "too little memory";
  }
  return {};
}

}  // namespace crolang::broker
