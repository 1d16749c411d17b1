#pragma once
/// The identity that a node states in the query of its upgrade request: id, version, runtime, data.
/// Kept for the life of the transport, since a later CONNECT is a new admission with the same
/// query.
/// Threads: a value that can be moved, not synchronised. Errors: std::bad_alloc.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "crolang/enum_count.hpp"

namespace crolang::broker {

/// Calls `use(name, value)` for each parameter, decoded as a form field: `+` is a blank, an invalid
/// `%` sequence stays as it is (WHATWG URL, application/x-www-form-urlencoded parsing). The views
/// are valid during the call only.
void for_each_parameter(std::string_view query,
                        const std::function<void(std::string_view, std::string_view)>& use);

class Identity {
 public:
  enum class Field : std::uint8_t { id, version, runtime, data };

  Identity() = default;
  /// A field that is given more than once counts as not given.
  static Identity from_query(std::string_view query);

  /// Also stores the request headers and the subject of the client's certificate for the
  /// authentication. Call it at most once, and with headers only if the module reads them, since
  /// they are larger than all other data of an idle node.
  void keep_request(std::string_view header_lines, std::string_view tls_client_subject = {});

  std::optional<std::string_view> field(Field field) const;
  // Hot: twice per message.
  std::string_view id() const {
    static_assert(static_cast<std::size_t>(Field::id) == 0, "it stands first in text_");
    return {text_.get(), sizes_[0] == kAbsent ? std::size_t{0} : sizes_[0]};
  }
  /// Empty unless keep_request was called.
  std::string_view header_lines() const { return part(kHeaderLines).value_or(std::string_view()); }
  /// Likewise.
  std::string_view tls_client_subject() const {
    return part(kClientSubject).value_or(std::string_view());
  }
  /// The first required field that is missing.
  std::optional<Field> first_missing_field() const;

 private:
  static constexpr std::size_t kFields = enum_count<Field>();
  static constexpr std::size_t kHeaderLines = kFields;
  static constexpr std::size_t kClientSubject = kFields + 1;
  static constexpr std::size_t kParts = kFields + 2;
  static constexpr std::uint16_t kAbsent = 0xffff;

  std::optional<std::string_view> part(std::size_t index) const;
  /// Where the part begins, or would.
  std::size_t begin_of(std::size_t index) const;
  std::string_view text() const { return {text_.get(), begin_of(kParts)}; }

  std::unique_ptr<char[]> text_;  // all parts, one after the other, allocated to their size
  std::array<std::uint16_t, kParts> sizes_ = [] {
    std::array<std::uint16_t, kParts> none{};
    none.fill(kAbsent);
    return none;
  }();
};

enum class IdFault : std::uint8_t {
  none,
  empty,
  too_long,
  not_utf8,
  control_character,
  whitespace_at_edge
};

/// Whether this is a valid node id. White space is what JavaScript's trim removes, since receivers
/// are looked up by trimmed ids.
IdFault check_id(std::string_view id, std::size_t max_bytes);

}  // namespace crolang::broker
