#include "system/cgroup.hpp"

#include <fstream>
#include <string>

namespace crolang::system {
namespace {

void add_ancestors(std::vector<CgroupFolder>& folders, CgroupFolder::Version version,
                   const std::filesystem::path& hierarchy, std::string_view group) {
  for (std::filesystem::path path = group;; path = path.parent_path()) {
    const std::string below = path.relative_path().string();
    folders.push_back({version, hierarchy / below});
    if (below.empty()) return;
  }
}

}  // namespace

std::vector<CgroupFolder> cgroup_folders(const std::filesystem::path& root,
                                         std::string_view controller) {
  std::vector<CgroupFolder> folders;
  const std::filesystem::path mount = root / "sys/fs/cgroup";
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    // cgroups(7): number:controllers:path. Version 2 has no controllers there.
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {
      add_ancestors(folders, CgroupFolder::Version::v2, mount, group);
    } else if (("," + controllers + ",").find("," + std::string(controller) + ",") !=
               std::string::npos) {
      // A hierarchy of several controllers is named after all of them; each has a link to it, as a
      // rule.
      add_ancestors(folders, CgroupFolder::Version::v1, mount / controller, group);
      if (controllers != controller)
        add_ancestors(folders, CgroupFolder::Version::v1, mount / controllers, group);
    }
  }
  return folders;
}

}  // namespace crolang::system
