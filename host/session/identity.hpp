#pragma once
/// What a node says of itself in the query of its upgrade request: id, version, runtime, data. Kept
/// for the life of the transport, since a later CONNECT is a new admission with the same query.
/// Threads: a value.

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace crolang::session {

/// Calls `use(name, value)` for each parameter, decoded as forms are: `+` is a blank, a broken `%`
/// sequence stays as it is (WHATWG URL, application/x-www-form-urlencoded parsing). The views die
/// with the call.
void for_each_parameter(std::string_view query,
                        const std::function<void(std::string_view, std::string_view)>& use);

class Identity {
 public:
  enum class Field : std::uint8_t { id, version, runtime, data };

  Identity() = default;
  /// A field that is given more than once counts as not given.
  static Identity from_query(std::string_view query);

  std::optional<std::string_view> field(Field field) const;
  std::string_view id() const { return field(Field::id).value_or(std::string_view()); }
  /// The first required field that is missing.
  std::optional<Field> missing() const;

 private:
  static constexpr std::size_t kFields = 4;
  static constexpr std::uint16_t kAbsent = 0xffff;

  struct Slice {
    std::uint16_t begin = 0;
    std::uint16_t size = kAbsent;
  };

  std::string text_;  // all values, one after the other: one allocation
  std::array<Slice, kFields> slices_;
};

enum class IdFault : std::uint8_t {
  none,
  empty,
  too_long,
  not_utf8,
  control_character,
  blank_at_edge
};

/// May this be a node id? Trimming is JavaScript's, since receivers are looked up by trimmed ids.
IdFault check_id(std::string_view id, std::size_t max_bytes);

}  // namespace crolang::session
