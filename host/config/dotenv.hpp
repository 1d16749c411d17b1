/// The syntax of .env files, as npm's dotenv reads them:
///   NAME=value   export NAME=value   NAME="a\nb"   NAME='unchanged'
///   NAME=value   # comment
/// Quoted values may span lines; \n, \r, \" and \\ are understood in double quotes. Pure, no files.
/// Threads: any. Errors: a sentence with the line number for each malformed line; the others are
/// still read. If the text is not UTF-8, a single sentence.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace crolang::config {

struct DotEnv {
  std::vector<std::pair<std::string, std::string>>
      values;                       ///< in order; the last value of a name counts
  std::vector<std::string> faults;  ///< "line 3: …"; values are never shown
};

DotEnv parse_dotenv(std::string_view text);

}  // namespace crolang::config
