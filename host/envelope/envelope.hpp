/// Reads the few members of a message that the broker looks at: `from` and `to` of a relayed
/// message, what tells one negotiation from another, `ids` of a presence query. The payload is a
/// JSON text inside a JSON string literal; all functions read it exactly as a node's JSON.parse
/// would, and return a fault where that would throw. Threads: one reader per worker. Errors: a
/// Fault; nothing is thrown but std::bad_alloc.
#pragma once

#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "json/scanner.hpp"

namespace crolang::envelope {

struct Envelope {
  /// `unusable`: there is a `from`, but it is not a string.
  enum class From : std::uint8_t { absent, named, unusable };

  From from_kind = From::absent;
  std::string_view from;  ///< Not trimmed; empty unless named.
  std::string_view to;    ///< Trimmed, never empty.
};

/// What the messages of a negotiation have as well. docs/messages.md describes them.
struct NegotiationMembers {
  std::string_view session_id;   ///< The characters of a string; else raw JSON; empty: absent.
  std::string_view candidate;    ///< Raw JSON, whose strings have their escapes; empty: absent.
  std::string_view description;  ///< `sessionDescription`, the same.
};

/// What is wrong with a payload.
enum class Fault : std::uint8_t {
  not_json,
  no_object,
  no_receiver,  ///< `to` is absent, blank or not a string
  no_ids,       ///< `ids` is absent or not an array
  unusable_id,  ///< one of the ids is blank or not a string
  too_many_ids,
};

/// In the order asked, repetitions kept; each trimmed and never empty.
using Ids = std::span<const std::string_view>;

/// The text without the white space around it that JavaScript's trim() removes.
[[nodiscard]] std::string_view trim(std::string_view utf8) noexcept;

/// Reads payloads given as the raw literal of the packet: with its quotes, checked by
/// `json::scan_string`, in valid UTF-8. What it returns views its own memory or the literal's
/// decoded copy in it, and so is valid until its next call.
class EnvelopeReader {
 public:
  /// Hot: per message. No JSON tree, and no allocation once the buffers have grown to the traffic.
  /// Fault: malformed JSON anywhere, not an object, or no `to` that names a receiver.
  [[nodiscard]] boost::system::result<Envelope, Fault> read(std::string_view literal);
  /// The same, and finds the members of a negotiation in the same pass.
  [[nodiscard]] boost::system::result<Envelope, Fault> read(std::string_view literal,
                                                            NegotiationMembers& negotiation);

  /// Fault: malformed JSON anywhere, not an object, `ids` not an array, an id that is not a string
  /// or is blank, or more than `max_ids` of them.
  [[nodiscard]] boost::system::result<Ids, Fault> read_ids(std::string_view literal,
                                                           std::size_t max_ids);

 private:
  struct Member {
    std::string_view name;
    std::string_view value = {};  ///< Raw JSON; empty: absent.
  };

  [[nodiscard]] boost::system::result<Envelope, Fault> envelope_of(std::string_view from,
                                                                   std::string_view to);
  [[nodiscard]] std::string_view decode_payload(std::string_view literal);
  [[nodiscard]] bool find_members(std::string_view text, std::span<Member> wanted);
  /// Why find_members has failed.
  [[nodiscard]] Fault fault_of(std::string_view text);
  [[nodiscard]] bool is_named(const json::KeyScan& key, std::string_view name);
  [[nodiscard]] std::string_view decode(std::string_view literal);

  std::string payload_;  ///< Never shrinks; decode_payload() returns the part in use.
  std::string decoded_;  ///< Strings of the payload that had escapes.
  std::vector<std::string_view> ids_;
  json::Depth depth_;
};

}  // namespace crolang::envelope
