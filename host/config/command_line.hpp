/// argv as one of the few things that crolang-broker does. Threads: any. Errors: Kind::usage_error
/// with a sentence; exit code 2.
#pragma once

#include <span>
#include <string>

#include "config/variable.hpp"

namespace crolang::config {

struct Command {
  enum class Kind {
    run,
    help,
    version,
    check_config,
    print_config,
    print_markdown,  ///< --print-config-markdown, for README's table; not in --help
    plugins_list,
    plugins_check,
    healthcheck,
    usage_error,
  };
  Kind kind = Kind::run;
  std::string file{};   ///< of plugins_check
  std::string error{};  ///< of usage_error
};

/// `known` are all variables that anybody reads: whoever gives one as an option is told so.
Command parse_command_line(int argc, const char* const* argv,
                           std::span<const Variable> known = variables());

}  // namespace crolang::config
