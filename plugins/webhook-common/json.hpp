#pragma once
/// The JSON of requests and answers of webhooks. Threads: any. Errors: values.

#include <crolang/keyed_hash.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace crolang::webhook_common {

/// Appends `text` as JSON.stringify does. Invalid UTF-8 becomes U+FFFD.
void append_string(std::string& out, std::string_view text);

/// `text` without the white space between its tokens if it is a JSON object or array, else nullopt.
/// Nothing else changes: numbers, escapes and duplicate names are kept.
std::optional<std::string> compact_container(std::string_view text);

/// The member of an object that must be true or false; of duplicate names the last counts, as for
/// JSON.parse. nullopt: not JSON, not an object, no such member, or of another type.
std::optional<bool> read_bool(std::string_view text, std::string_view member);

/// The same for a number.
std::optional<double> read_number(std::string_view text, std::string_view member);

/// Whether there is such a member, whatever its value.
bool has_member(std::string_view text, std::string_view member);

/// The same for an array of strings, without its order and repetitions.
std::optional<TextSet> read_strings(std::string_view text, std::string_view member);

/// Why one of these functions failed, for the log, without any content of the text.
std::string why_unreadable(std::string_view text, std::string_view member);

}  // namespace crolang::webhook_common
