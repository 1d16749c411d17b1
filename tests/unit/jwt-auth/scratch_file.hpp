/// A file of a test, gone with it. Threads: one. Errors: std::runtime_error.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace crolang::jwt_auth::testing {

class ScratchFile {
 public:
  explicit ScratchFile(std::string_view content) {
    std::string name = (std::filesystem::temp_directory_path() / "crolang-jwt-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no directory " + name);
    directory_ = name;
    write(content);
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile() { std::filesystem::remove_all(directory_); }

  std::string path() const { return (directory_ / "keys").string(); }

  /// Over what is there.
  void write(std::string_view content) const {
    std::ofstream(path(), std::ios::trunc | std::ios::binary) << content;
  }

  /// As careful writers do: a new file takes the name at once.
  void replace(std::string_view content) const {
    const std::string fresh = (directory_ / "fresh").string();
    std::ofstream(fresh, std::ios::binary) << content;
    std::filesystem::rename(fresh, path());
  }

  void remove() const { std::filesystem::remove_all(path()); }

 private:
  std::filesystem::path directory_;
};

}  // namespace crolang::jwt_auth::testing
