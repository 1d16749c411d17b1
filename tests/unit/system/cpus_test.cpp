#include "system/cpus.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <string>

#include "unit/system/machine.hpp"

namespace crolang::system {
namespace {

/// Affinity is the kernel's; how many CPUs a test may use depends on the machine that it runs on.
unsigned of_this_process() {
  cpu_set_t set;
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? static_cast<unsigned>(CPU_COUNT(&set)) : 0;
}

class Cpus : public ::testing::Test {
 protected:
  unsigned usable() const { return usable_cpus(machine_.root().string()); }
  /// `cpus` as far as this process may use them.
  static unsigned at_most(unsigned cpus) { return std::min(cpus, of_this_process()); }

  test::Machine machine_;
};

TEST_F(Cpus, AreThoseThatTheProcessMayRunOn) {
  EXPECT_EQ(usable(), of_this_process());
}

TEST_F(Cpus, FollowTheAffinityOfTheProcess) {
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(usable(), 1u);
  ASSERT_EQ(::sched_setaffinity(0, sizeof before, &before), 0);
  EXPECT_EQ(usable(), of_this_process());
}

TEST_F(Cpus, FollowTheQuotaOfTheCgroupRoundedUp) {
  machine_.write("proc/self/cgroup", "0::/a\n");
  machine_.write("sys/fs/cgroup/a/cpu.max", "100000 100000\n");
  EXPECT_EQ(usable(), 1u);
  machine_.write("sys/fs/cgroup/a/cpu.max", "100001 100000\n");
  EXPECT_EQ(usable(), at_most(2));
  machine_.write("sys/fs/cgroup/a/cpu.max", "150000 100000\n");
  EXPECT_EQ(usable(), at_most(2));
}

TEST_F(Cpus, AreAtLeastOne) {
  machine_.write("proc/self/cgroup", "0::/a\n");
  machine_.write("sys/fs/cgroup/a/cpu.max", "1000 100000\n");
  EXPECT_EQ(usable(), 1u);
}

TEST_F(Cpus, FollowTheTightestQuotaOnTheWayToTheRoot) {
  machine_.write("proc/self/cgroup", "0::/pod/container\n");
  machine_.write("sys/fs/cgroup/pod/container/cpu.max", "max 100000\n");
  machine_.write("sys/fs/cgroup/pod/cpu.max", "50000 100000\n");
  EXPECT_EQ(usable(), 1u);
}

TEST_F(Cpus, KnowCgroupsOfVersion1) {
  machine_.write("proc/self/cgroup", "3:cpu,cpuacct:/docker/x\n");
  machine_.write("sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us", "-1\n");
  machine_.write("sys/fs/cgroup/cpu/docker/x/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(usable(), of_this_process());
  machine_.write("sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us", "100000\n");
  EXPECT_EQ(usable(), 1u);
}

TEST_F(Cpus, TakeNoLimitAndNonsenseForNone) {
  machine_.write("proc/self/cgroup", "0::/a\n3:cpu:/b\n");
  for (const char* text : {"max 100000\n", "", "nonsense", "100000", "-1 100000", "1 0", "0 0",
                           "99999999999999999999 1", "9223372036854775807 1"}) {
    machine_.write("sys/fs/cgroup/a/cpu.max", text);
    EXPECT_EQ(usable(), of_this_process()) << text;
  }
  machine_.write("sys/fs/cgroup/cpu/b/cpu.cfs_quota_us", "x\n");
  EXPECT_EQ(usable(), of_this_process());
}

TEST_F(Cpus, AreThereWithoutProcAndSys) {
  EXPECT_EQ(usable_cpus("/nowhere"), of_this_process());
}

}  // namespace
}  // namespace crolang::system
