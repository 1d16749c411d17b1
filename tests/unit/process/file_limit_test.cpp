#include "process/file_limit.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>

namespace crolang::process {
namespace {

TEST(RaiseFileLimit, RaisesTheSoftLimitToTheHardOne) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = std::min<rlim_t>(256, before.rlim_max);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);

  const FileLimit limit = raise_file_limit(2);

  rlimit after{};
  ::getrlimit(RLIMIT_NOFILE, &after);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  EXPECT_EQ(limit.files, before.rlim_max);
  EXPECT_LT(limit.connections, limit.files);
  EXPECT_GT(limit.connections, 0u);
  EXPECT_LT(limit.connections, limit.sockets);
  EXPECT_LT(limit.sockets, limit.files);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace crolang::process
