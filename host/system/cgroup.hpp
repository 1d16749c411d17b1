#pragma once
/// Finds the folders that hold the limits of this process's cgroup. Threads: any. Errors: what
/// cannot be read is left out.

#include <filesystem>
#include <string_view>
#include <vector>

namespace crolang::system {

struct CgroupFolder {
  enum class Version { v1, v2 } version;
  std::filesystem::path path;
};

/// The folders that may limit this process: its own cgroup and all above it, in each hierarchy that
/// has the `controller` ("memory", "cpu"). Some of them may not exist: in a container /proc shows
/// the path on the host, while the mount begins at the container's own cgroup. `root` is where
/// /proc and /sys are: "/" but for tests.
std::vector<CgroupFolder> cgroup_folders(const std::filesystem::path& root,
                                         std::string_view controller);

}  // namespace crolang::system
