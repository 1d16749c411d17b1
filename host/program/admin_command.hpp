#pragma once
/// The commands that ask the admin interface of a running broker, on this machine unless
/// --admin-url names another. Threads: control. Errors: exit codes; the reason is written to
/// standard error, what was asked for to standard output. The token is of ADMIN_TOKEN, never of the
/// command line, which other users of the machine can read.

#include "config/command_line.hpp"
#include "config/environment.hpp"
#include "program/exit_code.hpp"

namespace crolang::program {

ExitCode ask_admin(const config::AdminCommand& command, const config::Environment& environment);

}  // namespace crolang::program
