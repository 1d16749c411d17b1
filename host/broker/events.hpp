#pragma once
/// Every name of the wire contract, once.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace crolang::broker {

inline constexpr std::string_view kAuthenticated = "AUTHENTICATED";
inline constexpr std::string_view kAreNodesConnected = "ARE_NODES_CONNECTED_TO_BROKER";

/// The relayed types.
enum class Relayed : std::uint8_t {
  connection_attempt,
  connection_acceptance,
  connection_refusal,
  incoming_connections_not_allowed,
  ice_initiator_to_responder,
  ice_responder_to_initiator,
  socket_msg_exchange,
};

inline constexpr std::array<std::string_view, 7> kRelayedNames = {
    "CONNECTION_ATTEMPT",
    "CONNECTION_ACCEPTANCE",
    "CONNECTION_REFUSAL",
    "INCOMING_CONNECTIONS_NOT_ALLOWED",
    "ICE_CANDIDATES_EXCHANGE_INITIATOR_TO_RESPONDER",
    "ICE_CANDIDATES_EXCHANGE_RESPONDER_TO_INITIATOR",
    "SOCKET_MSG_EXCHANGE",
};

constexpr std::string_view name_of(Relayed type) {
  return kRelayedNames[static_cast<std::size_t>(type)];
}

// Hot: per message. Seven comparisons of lengths first.
constexpr std::optional<Relayed> relayed_type(std::string_view name) {
  for (std::size_t i = 0; i < kRelayedNames.size(); ++i) {
    if (kRelayedNames[i] == name) return static_cast<Relayed>(i);
  }
  return std::nullopt;
}

/// Why a node is refused for good: the `message` of its CONNECT_ERROR.
enum class Refusal : std::uint8_t {
  missing_id,
  missing_version,
  missing_runtime,
  invalid_id,
  authentication_failed,
  already_connected,
};

constexpr std::string_view text_of(Refusal refusal) {
  constexpr std::array<std::string_view, 6> kTexts = {
      "server side exception: Error: Missing required OnConnectionData value: id",
      "server side exception: Error: Missing required OnConnectionData value: version",
      "server side exception: Error: Missing required OnConnectionData value: runtime",
      "invalid node id",
      "authentication failed",
      "client already connected",
  };
  return kTexts[static_cast<std::size_t>(refusal)];
}

/// Why a node is told to come again.
enum class Trouble : std::uint8_t {
  authentication,  ///< could not be asked
  registry,        ///< could not be asked
  rtc,             ///< could not be asked, or answered nonsense
  draining,
  full,     ///< MAX_CONNECTIONS or the file limit
  probing,  ///< the id is being fought for, or its holder cannot be reached
  memory,   ///< MAX_MEMORY_BYTES are nearly used up
};

constexpr std::string_view text_of(Trouble trouble) {
  constexpr std::array<std::string_view, 7> kTexts = {
      "authentication is not available",
      "the registry is not available",
      "the RTC configuration is not available",
      "shutting down",
      "too many connections",
      "the id is in use by a node whose state is unknown",
      "too little memory"};
  return kTexts[static_cast<std::size_t>(trouble)];
}

}  // namespace crolang::broker
