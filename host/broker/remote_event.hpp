#pragma once
/// What an instance hands to another one for a node there: the event as the node gets it, and
/// before some events of negotiations what the other instance shall note:
///
///   N00050036alice3d0c…42["CONNECTION_ATTEMPT","…"]
///     The state changes: the names of the negotiation, with the bytes of each in four digits,
///     since the instance that has read the payload knows them already.
///   W42["CONNECTION_ACCEPTANCE","…"]
///     The sender's instance keeps no record of this negotiation, since the node has come from
///     another one: the receiver's is to keep the whole message.
///
/// Threads: functions of values. Errors: none; what is not of this form is taken for an event.

#include <cstddef>
#include <optional>
#include <string_view>

namespace crolang::broker {

struct NegotiationNames {
  std::string_view from;
  std::string_view session;

  bool operator==(const NegotiationNames&) const = default;
};

/// What stands before the event; 0: they are too long to stand there.
std::size_t names_size(const NegotiationNames& names) noexcept;
/// Writes so many bytes, and returns their end.
char* write_names(char* out, const NegotiationNames& names) noexcept;

inline constexpr char kWholeMark = 'W';

struct RemoteEvent {
  std::optional<NegotiationNames> names{};
  bool is_whole = false;  ///< the whole message is to be noted
  std::string_view event{};
};
RemoteEvent split_remote_event(std::string_view body) noexcept;

}  // namespace crolang::broker
