#pragma once
/// What an instance hands to another one for a node there: the event as the node gets it. Before an
/// event that changes the state of a negotiation stand the names of the negotiation, since the
/// instance that has read the payload knows them already:
///
///   N00050036alice3d0c…42["CONNECTION_ATTEMPT","…"]
///
/// with the bytes of both names in four digits each.
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

struct RemoteEvent {
  std::optional<NegotiationNames> names;
  std::string_view event;
};
RemoteEvent split_remote_event(std::string_view body) noexcept;

}  // namespace crolang::broker
