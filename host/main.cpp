/// crolang-broker: prepares the process and runs the command that its command line names.

#include <malloc.h>

#include <exception>
#include <vector>

#include "config/command_line.hpp"
#include "config/unread.hpp"
#include "config/variable.hpp"
#include "process/control.hpp"
#include "process/memory_reserve.hpp"
#include "program/commands.hpp"
#include "program/configuration.hpp"
#include "program/console.hpp"

using namespace crolang;

int main(int argc, char** argv) {
  // First, since a signal may arrive at any moment of the start.
  process::Control::hold_signals();
  // Memory that slow readers or large messages needed is returned to the system; by default glibc
  // keeps up to 64 MiB of it.
  ::mallopt(M_MMAP_THRESHOLD, 512 * 1024);
  ::mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
  process::MemoryReserve::install();
  try {
    const std::vector<config::Variable> known = config::merged(config::known_besides(
        config::variables(), program::all_bundled_variables(program::Chosen::loaded)));
    return program::run(config::parse_command_line(argc, argv, known));
  } catch (const std::exception& error) {
    program::print_all({error.what()});
    return program::kCannotRun;
  }
}
