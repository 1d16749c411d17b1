#include "program/interruption.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

namespace crolang::program {

Interruption::Interruption() noexcept {
  sigset_t caught;
  sigemptyset(&caught);
  sigaddset(&caught, SIGINT);
  sigaddset(&caught, SIGTERM);
  if (::pthread_sigmask(SIG_BLOCK, &caught, &before_) != 0) return;
  descriptor_ = ::signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
  if (descriptor_ < 0) ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

Interruption::~Interruption() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  // Nothing has read it, so it is still pending.
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace crolang::program
