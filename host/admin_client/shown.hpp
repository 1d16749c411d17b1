#pragma once
/// What others have chosen, such as ids of nodes, made safe for a terminal; times, durations and
/// sizes for people. Pure. Threads: any. Errors: none.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace crolang::admin_client {

using Time = std::chrono::sys_time<std::chrono::milliseconds>;

/// Control characters, those that change the direction of writing, invisible ones and invalid UTF-8
/// as `\xNN` or `\u{NNNN}`; a backslash is doubled, so that what is shown is unambiguous.
std::string shown(std::string_view text);

/// RFC 3339 in UTC: 2026-01-02T03:04:05.678Z. nullopt: another form.
std::optional<Time> parse_time(std::string_view text);

/// "12 s", "4 min", "3 h", "12 d": the largest unit, rounded down. Negative: "0 s".
std::string age(std::chrono::milliseconds duration);

/// "512", "1.5k", "23M": powers of 1024.
std::string size(std::uint64_t bytes);

/// "0.4", "12": at most three digits or whole.
std::string number(double value);

}  // namespace crolang::admin_client
