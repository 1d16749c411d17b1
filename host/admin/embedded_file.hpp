#pragma once
/// A file that the build has put into the program. Threads: any; constants. Errors: none.

#include <string_view>

namespace crolang {

struct EmbeddedFile {
  std::string_view name;
  std::string_view content;
};

}  // namespace crolang
