#pragma once
/// What is kept of one negotiation: who wants to connect to whom, what passed and when, how it was
/// acknowledged, and how many candidates of which type each side sent. Never an SDP or an address.
/// docs/messages.md describes the messages.
///
/// Threads: values, not synchronised. Errors: std::bad_alloc where a text is set.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "negotiation/candidates.hpp"
#include "negotiation/ice_servers.hpp"

namespace crolang::negotiation {

using TimePoint = std::chrono::steady_clock::time_point;

/// For how long nodes wait for an answer: an attempt without one is classified then.
inline constexpr std::chrono::seconds kAnswerTime{30};
/// For how long a negotiation is kept after its last message.
inline constexpr std::chrono::minutes kRetention{15};

enum class MessageKind : std::uint8_t { attempt, acceptance, refusal, not_allowed, candidates };
enum class Side : std::uint8_t { initiator, responder };
enum class Ack : std::uint8_t { pending, ok, error, unauthorized, not_connected };

enum class State : std::uint8_t {
  attempting,     ///< for less than kAnswerTime
  answered,       ///< the responder has accepted
  refused,        ///< the responder has declined this attempt
  not_allowed,    ///< the responder takes no connections
  unanswered,     ///< there was no answer within kAnswerTime
  not_connected,  ///< the attempt was acknowledged NOT_CONNECTED
  unauthorized,   ///< the attempt was acknowledged UNAUTHORIZED
  failed,         ///< the attempt was acknowledged ERROR
};

/// The words of the API and of the metrics.
std::string_view name_of(MessageKind kind);
std::string_view name_of(Side side);
/// Empty while it is pending.
std::string_view name_of(Ack ack);
std::string_view name_of(State state);
std::optional<State> state_named(std::string_view name);
std::optional<MessageKind> message_kind_named(std::string_view name);
/// `pending` if it is empty, or no acknowledgement.
Ack ack_named(std::string_view name);

/// The number of a record as it is shown, 16 hexadecimal digits.
std::string id_of(std::uint64_t number);
/// 0: this is the id of none.
std::uint64_t number_of(std::string_view id);

constexpr Side other(Side side) {
  return side == Side::initiator ? Side::responder : Side::initiator;
}

/// One message, as the record keeps it.
struct Event {
  std::uint32_t milliseconds = 0;  ///< since the attempt
  MessageKind kind{};
  Side from{};
  Ack ack{};
  bool is_copy = false;  ///< another instance keeps it too, with what the sender was answered
};

struct Party {
  bool is_kept_here = false;  ///< this instance keeps what it has sent, or some of it
  /// Another instance does: what follows does not count that. Merging its half resets it.
  bool is_kept_elsewhere = false;
  Candidates candidates;
  IceServers servers;
  /// How many of its messages with candidates were not acknowledged OK, and the last of these.
  std::uint16_t lost = 0;
  Ack last_loss = Ack::pending;
};

struct Record {
  static constexpr std::size_t kMaxEvents = 40;

  std::uint64_t number = 0;  ///< 0: the record is not in use
  std::uint64_t hash = 0;    ///< of the two ids and the session's id
  TimePoint started;
  TimePoint last_message;
  State state{};
  bool is_counted = false;          ///< an outcome was reported
  bool initiator_is_local = false;  ///< connected to this instance when it sent the attempt
  Ack attempt_ack{};
  Ack answer_ack{};  ///< of acceptance, refusal or not-allowed
  std::optional<std::chrono::milliseconds> answered_after;  ///< also by a refusal
  std::string_view failure;      ///< why a message was answered ERROR; static storage duration
  std::array<Party, 2> parties;  ///< by Side
  std::array<Event, kMaxEvents> events;
  std::uint8_t event_count = 0;
  std::uint32_t events_left_out = 0;
  std::uint32_t copies_left_out = 0;  ///< among these

  /// As new, but with the memory that it has.
  void reset();
  void set_names(std::string_view initiator, std::string_view responder, std::string_view session);
  /// Frees what the names use.
  void clear_names();
  // Bounded as shortening.hpp describes.
  std::string_view initiator() const { return std::string_view(names_).substr(0, responder_at_); }
  std::string_view responder() const {
    return std::string_view(names_).substr(responder_at_, session_at_ - responder_at_);
  }
  std::string_view session() const { return std::string_view(names_).substr(session_at_); }
  std::string_view name(Side side) const {
    return side == Side::initiator ? initiator() : responder();
  }

  Party& party(Side side) { return parties[static_cast<std::size_t>(side)]; }
  const Party& party(Side side) const { return parties[static_cast<std::size_t>(side)]; }

  /// An attempt that nobody has answered in time is unanswered, whether that was noticed or not.
  State state_at(TimePoint now) const {
    return state == State::attempting && now - started >= kAnswerTime ? State::unanswered : state;
  }

 private:
  std::string names_;
  std::uint16_t responder_at_ = 0;
  std::uint16_t session_at_ = 0;
};

}  // namespace crolang::negotiation
