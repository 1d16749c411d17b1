#include "net/descriptor.hpp"

#include <unistd.h>

namespace crolang::net {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  reset();
  fd_ = other.release();
  return *this;
}

Descriptor::~Descriptor() {
  reset();
}

void Descriptor::reset() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

}  // namespace crolang::net
