/// Removes what copying, editors and container tools add around a value unintentionally.
/// Threads: any. Errors: the end of a sentence for the operator, without the value.
#pragma once

#include <string>
#include <string_view>

namespace crolang::config {

struct Cleaned {
  std::string_view text{};  ///< a part of the value given
  std::string note{};       ///< what was removed, if it may have been intended
  std::string fault{};      ///< why it cannot be used
};

/// For texts, secrets and URLs: white space, line ends and byte order marks around the value are
/// removed, since they are never intended. So is a pair of quotes around the whole value (which
/// docker's --env-file and Kubernetes keep as part of it), with a note: quotes that are intended
/// need another pair around them. Faults: UTF-16, control characters, and invisible blanks at the
/// ends. An empty text is returned unchanged.
Cleaned clean(std::string_view value);

}  // namespace crolang::config
