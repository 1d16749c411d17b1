#pragma once
/// Exit codes of the process; print.cpp describes them to the operator. Threads: plain values, not
/// synchronised. Errors: none.

namespace crolang::program {

enum ExitCode : int {
  kFine = 0,
  kCannotRun = 1,
  kBadConfiguration = 2,
  kPluginRefused = 3,
  kPluginHangs = 4,
};

}  // namespace crolang::program
