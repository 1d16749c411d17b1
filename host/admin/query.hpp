#pragma once
/// Reads paths and queries strictly: what a route does not declare, or what is malformed, is an
/// error. Pure. Threads: any. Errors: sentences for the client; std::bad_alloc.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "admin/api.hpp"

namespace crolang::admin {

/// A parameter of a route's query.
struct Parameter {
  enum class Type : std::uint8_t {
    text,    ///< not empty, at most `most` bytes
    number,  ///< decimal, `least` to `most`
    choice,  ///< one of `choices`
  };

  std::string_view name;
  Type type = Type::text;
  std::string_view default_value{};  ///< empty: none
  std::uint64_t least = 0;
  std::uint64_t most = 1024;
  std::vector<std::string_view> choices{};
};

inline const std::vector<std::string_view> kTrueOrFalse{"true", "false"};

/// nullopt: an invalid `%` sequence, or the result is not UTF-8.
std::optional<std::string> percent_decoded(std::string_view text);

/// The segments of a path that starts with `/`, decoded. nullopt: as above.
std::optional<std::vector<std::string>> path_segments(std::string_view path);

/// application/x-www-form-urlencoded (WHATWG URL), but an invalid `%` sequence is an error.
std::optional<std::vector<std::pair<std::string, std::string>>> form_fields(std::string_view text);

/// The parameters, or a sentence.
std::variant<Parameters, std::string> read_query(std::string_view query,
                                                 std::span<const Parameter> declared);

}  // namespace crolang::admin
