#include "system/cgroup.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "unit/system/machine.hpp"

namespace crolang::system {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// "v1 memory/docker/x", …, relative to where cgroups are mounted.
std::vector<std::string> folders(const std::string& groups, const std::string& controller) {
  const test::Machine machine;
  machine.write("proc/self/cgroup", groups);
  std::vector<std::string> found;
  for (const CgroupFolder& each : cgroup_folders(machine.root(), controller)) {
    found.push_back(
        (each.version == CgroupFolder::Version::v1 ? "v1 " : "v2 ") +
        each.path.lexically_relative(machine.root() / "sys/fs/cgroup").lexically_normal().string());
  }
  return found;
}

TEST(CgroupFolders, LeadFromTheOwnGroupToTheRoot) {
  EXPECT_THAT(folders("0::/system.slice/x.service\n", "cpu"),
              ElementsAre("v2 system.slice/x.service", "v2 system.slice", "v2 ."));
}

TEST(CgroupFolders, AreTheRootAloneInAContainer) {
  EXPECT_THAT(folders("0::/\n", "memory"), ElementsAre("v2 ."));
}

TEST(CgroupFolders, AreThoseOfTheControllerInVersion1) {
  const std::string groups = "5:memory:/docker/x\n4:cpuset:/b\n3:cpu:/a\n1:name=systemd:/c\n";
  EXPECT_THAT(folders(groups, "memory"),
              ElementsAre("v1 memory/docker/x", "v1 memory/docker", "v1 memory/"));
  EXPECT_THAT(folders(groups, "cpu"), ElementsAre("v1 cpu/a", "v1 cpu/"));
}

TEST(CgroupFolders, AreUnderBothNamesOfASharedHierarchy) {
  EXPECT_THAT(folders("3:cpu,cpuacct:/a\n", "cpu"),
              ElementsAre("v1 cpu/a", "v1 cpu/", "v1 cpu,cpuacct/a", "v1 cpu,cpuacct/"));
}

TEST(CgroupFolders, AreOfBothVersionsWhereBothAreInUse) {
  EXPECT_THAT(folders("3:cpu:/a\n0::/b\n", "cpu"),
              ElementsAre("v1 cpu/a", "v1 cpu/", "v2 b", "v2 ."));
}

TEST(CgroupFolders, AreNoneWithoutTheFileOrWithNonsenseInIt) {
  EXPECT_THAT(cgroup_folders("/nowhere", "cpu"), IsEmpty());
  EXPECT_THAT(folders("\nnonsense\n:\n", "cpu"), IsEmpty());
}

}  // namespace
}  // namespace crolang::system
