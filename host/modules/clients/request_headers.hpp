#pragma once
/// The headers of a node's upgrade request, for plugins that read them: lines of "Name: value", as
/// received, already validated by the HTTP parser. Threads: any; no shared state. Errors: values.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crolang::modules {

struct RequestHeader {
  std::string_view name;
  std::string_view value;  ///< without surrounding white space
  bool operator==(const RequestHeader&) const = default;
};

/// The headers by index. Reading them one after the other looks at each line once, since a client
/// may send thousands of them.
class HeaderList {
 public:
  explicit HeaderList(std::string_view lines) : lines_(lines), rest_(lines) {}

  /// The header at this index, from 0 on, in the order sent.
  std::optional<RequestHeader> at(std::size_t index);

 private:
  std::string_view lines_;
  std::string_view rest_;  // from the header at next_ on
  std::size_t next_ = 0;
};

/// The headers that a module reads.
class HeaderSelection {
 public:
  static HeaderSelection all() { return HeaderSelection(); }
  /// Those of these names, which are separated by commas, with or without blanks.
  static HeaderSelection of(std::string_view names);

  /// The lines of these headers: all lines, or those copied to `scratch`.
  std::string_view select(std::string_view lines, std::string& scratch) const;

 private:
  HeaderSelection() = default;

  std::optional<std::vector<std::string>> names_;  // std::nullopt: all
};

/// The value of the first header of this name, compared case-insensitively (RFC 9110 5.1).
std::optional<std::string_view> find_header(std::string_view lines, std::string_view name);

}  // namespace crolang::modules
