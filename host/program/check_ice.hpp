#pragma once
/// `crolang-broker check-ice`: tries the STUN and TURN servers that a node would get, or those of
/// the command line. Threads: control. Errors: exit codes; the reason is written to standard error,
/// what was tried to standard output.

#include <filesystem>

#include "config/command_line.hpp"
#include "config/environment.hpp"
#include "plugin_host/lookup.hpp"
#include "program/exit_code.hpp"

namespace crolang::program {

ExitCode check_ice(const config::CheckIce& options, const config::Environment& environment,
                   const plugin_host::Lookup& host_lookup,
                   const std::filesystem::path& plugins_dir);

}  // namespace crolang::program
