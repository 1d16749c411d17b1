#include "system/cpus.hpp"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <thread>

#include "system/cgroup.hpp"

namespace crolang::system {
namespace {

constexpr unsigned kNoLimit = std::numeric_limits<unsigned>::max();
// Beyond what any kernel is built for.
constexpr int kMostCpus = 1 << 16;

/// The kernel refuses sets that are too small for the machine.
unsigned allowed_cpus() {
  for (int count = CPU_SETSIZE; count <= kMostCpus; count *= 2) {
    struct Free {
      void operator()(cpu_set_t* set) const { CPU_FREE(set); }
    };
    const std::unique_ptr<cpu_set_t, Free> set(CPU_ALLOC(count));
    if (!set) break;
    const std::size_t size = CPU_ALLOC_SIZE(count);
    if (::sched_getaffinity(0, size, set.get()) == 0)
      return static_cast<unsigned>(CPU_COUNT_S(size, set.get()));
    if (errno != EINVAL) break;
  }
  return std::thread::hardware_concurrency();
}

unsigned cpus_for(std::int64_t quota, std::int64_t period) {
  // A negative quota, or "max", is none.
  if (quota <= 0 || period <= 0) return kNoLimit;
  const std::int64_t cpus = (quota - 1) / period + 1;
  return cpus < kNoLimit ? static_cast<unsigned>(cpus) : kNoLimit;
}

std::int64_t first_number(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::int64_t value = 0;
  return in >> value ? value : 0;
}

unsigned quota_of(const CgroupFolder& folder) {
  if (folder.version == CgroupFolder::Version::v1)
    return cpus_for(first_number(folder.path / "cpu.cfs_quota_us"),
                    first_number(folder.path / "cpu.cfs_period_us"));
  std::ifstream in(folder.path / "cpu.max");
  std::int64_t quota = 0;
  std::int64_t period = 0;
  return in >> quota >> period ? cpus_for(quota, period) : kNoLimit;
}

}  // namespace

unsigned usable_cpus(const std::string& root) {
  unsigned cpus = std::max(allowed_cpus(), 1u);
  for (const CgroupFolder& folder : cgroup_folders(root, "cpu"))
    cpus = std::min(cpus, quota_of(folder));
  return cpus;
}

}  // namespace crolang::system
