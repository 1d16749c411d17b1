/// Environments and files for the tests of config.
#pragma once

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "config/environment.hpp"

namespace crolang::config::test {

inline Environment environment(
    std::initializer_list<std::pair<std::string, std::string>> values = {}) {
  Environment result;
  for (const auto& [name, value] : values)
    result.entries[name] = {.text = value, .source = Source::process};
  return result;
}

/// A folder that is gone at the end of the test.
class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "crolang-config-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::filesystem::path& path() const { return path_; }

  std::string write(std::string_view name, std::string_view text) const {
    const std::filesystem::path file = path_ / name;
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace crolang::config::test
