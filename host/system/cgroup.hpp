#pragma once
/// Where the limits of this process's cgroup stand. Threads: any. Errors: what cannot be read is
/// left out.

#include <filesystem>
#include <string_view>
#include <vector>

namespace crolang::system {

struct CgroupFolder {
  enum class Version { v1, v2 } version;
  std::filesystem::path path;
};

/// The folders that may limit this process: its own cgroup and all above it, in each hierarchy that
/// has the `controller` ("memory", "cpu"). Not each of them exists: in a container /proc tells the
/// path that the host knows, and what is mounted begins at the container's own.
/// `root` is where /proc and /sys are: "/" but for tests.
std::vector<CgroupFolder> cgroup_folders(const std::filesystem::path& root,
                                         std::string_view controller);

}  // namespace crolang::system
