/// Parses argv into one of the commands of crolang-broker. Threads: any. Errors: Kind::usage_error
/// with a sentence; exit code 2.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/admin_command.hpp"
#include "config/variable.hpp"

namespace crolang::config {

/// Of check_ice. Without turn_urls and stun_urls: the servers of the configured module.
struct CheckIce {
  std::string node = "check-ice";
  std::vector<std::string> turn_urls{};
  std::vector<std::string> stun_urls{};
  std::string secret{};       ///< for turn_urls; empty: TURN_SHARED_SECRET
  std::string secret_file{};  ///< instead of `secret`
  enum class Format { table, json } format = Format::table;
};

struct Command {
  enum class Kind {
    run,
    help,
    version,
    check_config,
    print_config,
    print_markdown,  ///< --print-config-markdown, for docs/configuration.md; not in --help
    plugins_list,
    plugins_check,
    healthcheck,
    check_ice,
    admin,
    usage_error,
  };
  Kind kind = Kind::run;
  std::string file{};   ///< of plugins_check
  std::string error{};  ///< of usage_error
  CheckIce check_ice{};
  AdminCommand admin{};
};

/// `known` are all variables that the host or a bundled plugin reads: an argument that names one of
/// them is refused with a hint to set the variable instead.
Command parse_command_line(int argc, const char* const* argv,
                           std::span<const Variable> known = variables());

}  // namespace crolang::config
