#pragma once
/// What each command of the command line does. Threads: control. Errors: exit codes; the reason is
/// written to standard error. Throws only what cannot be handled: std::bad_alloc,
/// std::system_error.

#include "config/command_line.hpp"
#include "program/exit_code.hpp"

namespace crolang::program {

ExitCode run(const config::Command& command);

}  // namespace crolang::program
