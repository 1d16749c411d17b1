#pragma once
/// The JSON that webhooks are sent, and what is read of their answers. Threads: any. Errors:
/// values.

#include <crolang/keyed_hash.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace crolang::webhook_common {

/// Appends `text` as JSON.stringify does. What is not UTF-8 becomes U+FFFD.
void append_string(std::string& out, std::string_view text);

/// `text` without the white space between its tokens if it is a JSON object or array, else nullopt.
/// Nothing else changes: numbers, escapes and doubled names stay as they were written.
std::optional<std::string> compact_container(std::string_view text);

/// The member of an object that must be true or false; of doubled names the last counts, as for
/// JSON.parse. nullopt: not JSON, no object, no such member, or of another type.
std::optional<bool> read_bool(std::string_view text, std::string_view member);

/// The same for an array of strings, without its order and repetitions.
std::optional<TextSet> read_strings(std::string_view text, std::string_view member);

/// Why one of these has come to nothing, in words for the log that hold nothing of the text.
std::string why_unreadable(std::string_view text, std::string_view member);

}  // namespace crolang::webhook_common
