#include "net/descriptor.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <utility>

namespace crolang::net {
namespace {

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

TEST(Descriptor, ClosesWhatItOwns) {
  const int fd = ::dup(0);
  { const Descriptor owner(fd); }

  EXPECT_FALSE(is_open(fd));
}

TEST(Descriptor, LeavesWhatItHasReleased) {
  const int fd = ::dup(0);
  {
    Descriptor owner(fd);
    EXPECT_EQ(owner.release(), fd);
    EXPECT_EQ(owner.get(), -1);
  }

  EXPECT_TRUE(is_open(fd));
  ::close(fd);
}

TEST(Descriptor, HandsOverWhenItIsMoved) {
  const int fd = ::dup(0);
  Descriptor first(fd);
  Descriptor second(std::move(first));
  EXPECT_EQ(second.get(), fd);

  const int other = ::dup(0);
  second = Descriptor(other);

  EXPECT_EQ(second.get(), other);
  EXPECT_FALSE(is_open(fd));
}

}  // namespace
}  // namespace crolang::net
