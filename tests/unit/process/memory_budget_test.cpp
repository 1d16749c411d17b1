#include "process/memory_budget.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <vector>

namespace crolang::process {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Level = MemoryBudget::Level;

constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr std::uint64_t kMachine = 1000 * 1024;

/// A machine's /proc and /sys, as far as the budget reads them.
class MachineTest : public testing::Test {
 protected:
  MachineTest() { write("proc/meminfo", "MemTotal:           1000 kB\nMemFree:  10 kB\n"); }
  ~MachineTest() override { fs::remove_all(root_); }

  void write(const std::string& file, const std::string& text) {
    const fs::path path = root_ / file;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::uint64_t budget() const { return default_memory_budget(root_.string()); }

 private:
  static fs::path make_folder() {
    std::string name = (fs::temp_directory_path() / "memory_budget_XXXXXX").string();
    return ::mkdtemp(name.data());
  }
  const fs::path root_ = make_folder();
};

TEST_F(MachineTest, GivesHalfOfItsMemoryWithoutACgroup) {
  EXPECT_EQ(budget(), kMachine / 2);
}

TEST_F(MachineTest, GivesThreeQuartersOfACgroupsLimit) {
  write("proc/self/cgroup", "0::/\n");
  write("sys/fs/cgroup/memory.max", "400000\n");
  EXPECT_EQ(budget(), 300'000U);
}

TEST_F(MachineTest, TakesTheTightestLimitOnTheWayToTheRoot) {
  write("proc/self/cgroup", "0::/system.slice/crolang-broker.service\n");
  write("sys/fs/cgroup/system.slice/memory.max", "200000\n");
  write("sys/fs/cgroup/system.slice/crolang-broker.service/memory.max", "max\n");
  EXPECT_EQ(budget(), 150'000U);
  write("sys/fs/cgroup/system.slice/crolang-broker.service/memory.high", "100000\n");
  EXPECT_EQ(budget(), 75'000U);
}

TEST_F(MachineTest, KnowsCgroupsOfVersion1) {
  write("proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/docker/x\n1:name=systemd:/b\n");
  write("sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes", "400000\n");
  EXPECT_EQ(budget(), 300'000U);
}

TEST_F(MachineTest, TakesNoLimitForNone) {
  write("proc/self/cgroup", "0::/a\n4:memory:/a\n");
  write("sys/fs/cgroup/a/memory.max", "max\n");
  write("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(budget(), kMachine / 2);
}

TEST_F(MachineTest, TakesNonsenseForNone) {
  write("proc/self/cgroup", "\nnonsense\n0::\n0::/../..\n:::::\n");
  write("sys/fs/cgroup/memory.max", "-1\n");
  EXPECT_EQ(budget(), kMachine / 2);
}

TEST(DefaultMemoryBudget, KnowsTheMachineAlsoWhereItsFilesCannotBeSeen) {
  const std::uint64_t machine = 2 * default_memory_budget("/nowhere");
  EXPECT_GT(machine, 64 * kMiB);
  EXPECT_LT(machine, std::numeric_limits<std::uint64_t>::max() / 4);
}

TEST(DefaultMemoryBudget, IsSomethingOnThisMachine) {
  EXPECT_GT(default_memory_budget(), 64 * kMiB);
  EXPECT_LT(default_memory_budget(), std::numeric_limits<std::uint64_t>::max() / 4);
}

/// Memory that is really there.
std::unique_ptr<char[]> touched(std::size_t bytes) {
  auto memory = std::make_unique<char[]>(bytes);
  std::memset(memory.get(), 1, bytes);
  return memory;
}

TEST(MemoryBudget, SeesWhatIsUsed) {
  MemoryBudget budget(1024 * 1024 * kMiB);
  const std::uint64_t before = budget.used();
  const auto memory = touched(64 * kMiB);
  budget.measure();
  EXPECT_GT(budget.used(), before + 60 * kMiB);
  EXPECT_EQ(budget.level(), Level::ample);
  EXPECT_EQ(budget.excess(), 0U);
}

TEST(MemoryBudget, IsScarceBeforeItIsExhausted) {
  const std::uint64_t used = MemoryBudget(1).used();
  const auto level_with = [](std::uint64_t limit) { return MemoryBudget(limit).level(); };
  EXPECT_EQ(level_with(used * 2), Level::ample);
  EXPECT_EQ(level_with(used + used / 16), Level::scarce);
  EXPECT_EQ(level_with(used / 2), Level::exhausted);
}

TEST(MemoryBudget, DoesNotCountWhatIsBeingFreed) {
  MemoryBudget budget(1);
  const std::uint64_t used = budget.used();
  budget.subtract_freed(used / 2);
  EXPECT_EQ(budget.used(), used - used / 2);
  budget.subtract_freed(used);
  EXPECT_EQ(budget.excess(), 0U);
  budget.measure();
  EXPECT_GT(budget.excess(), 0U);
}

TEST(MemoryBudget, ReturnsFreedBlocksOfTheHeap) {
  constexpr std::size_t kBlocks = 2048;
  MemoryBudget budget(1024 * 1024 * kMiB);
  std::vector<std::unique_ptr<char[]>> blocks;
  std::vector<std::unique_ptr<char[]>> between;  // so that the heap does not end with free ones
  for (std::size_t i = 0; i < kBlocks; ++i) {
    blocks.push_back(touched(30'000));
    between.push_back(touched(100));
  }
  budget.measure();
  const std::uint64_t before = budget.used();
  blocks.clear();
  const auto now = MemoryBudget::TimePoint(1h);
  budget.trim(now);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(budget.used(), before - kBlocks * 20'000);
#else
  EXPECT_NE(before, 0U);
#endif
}

TEST(MemoryBudget, IsMeasuredAfterEachShareOfTheLimit) {
  MemoryBudget budget(32 * kMiB);
  EXPECT_FALSE(budget.note(kMiB / 2));
  EXPECT_TRUE(budget.note(kMiB / 2));
  EXPECT_FALSE(budget.note(kMiB - 1));
  EXPECT_TRUE(budget.note(1));
}

TEST(MemoryBudget, IsMeasuredAnewAfterAWhile) {
  MemoryBudget budget(1024 * 1024 * kMiB);
  auto now = MemoryBudget::TimePoint(1h);
  budget.refresh(now);
  const std::uint64_t before = budget.used();
  const auto memory = touched(64 * kMiB);
  budget.refresh(now + 99ms);
  EXPECT_EQ(budget.used(), before);
  budget.refresh(now + 100ms);
  EXPECT_GT(budget.used(), before + 60 * kMiB);
}

}  // namespace
}  // namespace crolang::process
