#pragma once
/// The /proc and /sys of a machine, as far as a test writes them.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace crolang::system::test {

class Machine {
 public:
  Machine() {
    std::string name = (std::filesystem::temp_directory_path() / "machine_XXXXXX").string();
    root_ = ::mkdtemp(name.data());
  }
  ~Machine() { std::filesystem::remove_all(root_); }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  const std::filesystem::path& root() const { return root_; }

  void write(const std::string& file, const std::string& text) const {
    const std::filesystem::path path = root_ / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }

 private:
  std::filesystem::path root_;
};

}  // namespace crolang::system::test
