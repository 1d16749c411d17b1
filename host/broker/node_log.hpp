#pragma once
/// What the log says of nodes at LOG_LEVEL 1: who is refused and why, what of theirs is answered
/// with anything but OK, and how they end. Nobody but nodes causes these lines, so each reason is
/// limited by itself: a flood for one does not hide the first line about another.
///
/// `reason` is what a module says of its "no", if it says anything. Nothing of what nodes
/// authenticate with or say to each other is handed over.
///
/// Threads: any. Errors: std::bad_alloc, but for `ended`. Time is an argument.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/events.hpp"
#include "broker/outcome.hpp"
#include "envelope/envelope.hpp"
#include "session/session.hpp"

namespace crolang::broker::node_log {

using session::TimePoint;

void refused(std::string_view node, Refusal refusal, std::string_view reason, TimePoint now);
void foreign_namespace(std::string_view node, std::string_view name_space, TimePoint now);
void told_to_come_again(std::string_view node, Trouble trouble, TimePoint now);

/// A relayed message that is answered with ERROR, UNAUTHORIZED or DISABLED. `to` is empty where it
/// is not known.
void not_relayed(Relayed type, std::string_view from, std::string_view to, Outcome outcome,
                 std::string_view reason, TimePoint now);
void unknown_event(std::string_view node, std::string_view event, TimePoint now);

/// Why a presence question is answered ERROR, or not at all, besides that there are too many.
enum class PresenceFault : std::uint8_t {
  no_payload,
  payload_no_string,
  payload_not_json,
  payload_no_object,
  no_ids,
  unusable_id,
  too_many_ids,
  registry_unavailable,
  asker_behind,
  unheard,  ///< it is not answered at all
};
PresenceFault presence_fault(envelope::Fault fault);
void presence_refused(std::string_view node, PresenceFault fault, TimePoint now);

/// It sent DISCONNECT; its connection stays.
void left(std::string_view node, TimePoint now);
/// Before the session is closing. Who was refused, or has left, and then ends its connection has
/// nothing more to be said about it.
void ended(const session::Session& session, const session::End& end, TimePoint now) noexcept;

}  // namespace crolang::broker::node_log
