/// What copying, editors and container tools leave around a value without anybody meaning it.
/// Threads: any. Errors: a sentence's end for the operator, without the value.
#pragma once

#include <string>
#include <string_view>

namespace crolang::config {

struct Cleaned {
  std::string_view text{};  ///< a part of what was given
  std::string note{};       ///< what was done about it, if somebody may have meant it
  std::string fault{};      ///< why it cannot be used
};

/// For texts, secrets and URLs: white space, line ends and byte order marks around the value are
/// taken off, since nobody can mean them. So is a pair of quotes around the whole (which docker's
/// --env-file and Kubernetes take for part of the value), with a note: whoever means them puts
/// another pair around. Faults: UTF-16, control characters, and blanks at the ends that cannot be
/// seen. An empty text is returned as it is.
Cleaned clean(std::string_view value);

}  // namespace crolang::config
