#pragma once
/// How many CPUs this process may use. Threads: any. Errors: a limit that cannot be read is
/// ignored.

#include <string>

namespace crolang::system {

/// The CPUs that it may run on (sched_setaffinity(2), cpusets), or fewer where the CPU quota of its
/// cgroup, or of one above it, gives it less time than that: rounded up, at least 1. `root` is
/// where /proc and /sys are: "/" but for tests.
unsigned usable_cpus(const std::string& root = "/");

}  // namespace crolang::system
