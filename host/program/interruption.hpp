#pragma once
/// Lets a command that works with servers tidy up before SIGINT or SIGTERM ends it.
/// Threads: control, before there are others; they inherit that the signals are blocked. Errors:
/// without a descriptor the signals end the process as ever.

#include <signal.h>

namespace crolang::program {

class Interruption {
 public:
  Interruption() noexcept;
  /// Restores what the signals did before; one that has come ends the process now.
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  /// Readable as soon as a signal has come; -1: none is caught.
  int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_ = -1;
  sigset_t before_{};
};

}  // namespace crolang::program
