#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <crolang/small_file.hpp>
#include <filesystem>
#include <fstream>
#include <string>

namespace crolang {
namespace {

class ReadSmallFile : public ::testing::Test {
 protected:
  ReadSmallFile() { std::filesystem::create_directories(folder_); }
  ~ReadSmallFile() override { std::filesystem::remove_all(folder_); }

  std::string with(const std::string& content) {
    const auto path = folder_ / "file";
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("crolang-small-file-" + std::to_string(::getpid()));
};

TEST_F(ReadSmallFile, GivesContentAndFacts) {
  const auto read = read_small_file(with(std::string("a\0b", 3)), 3);
  ASSERT_TRUE(std::holds_alternative<SmallFile>(read));
  EXPECT_EQ(std::get<SmallFile>(read).content, std::string("a\0b", 3));
  EXPECT_EQ(std::get<SmallFile>(read).facts.st_size, 3);
}

TEST_F(ReadSmallFile, RefusesMoreThanIsAllowed) {
  EXPECT_EQ(std::get<FileFault>(read_small_file(with("abcd"), 3)).kind, FileFault::Kind::too_large);
}

TEST_F(ReadSmallFile, RefusesAFolder) {
  EXPECT_EQ(std::get<FileFault>(read_small_file(folder_, 3)).kind, FileFault::Kind::not_regular);
}

TEST_F(ReadSmallFile, SaysWhyItCannotBeRead) {
  const auto fault = std::get<FileFault>(read_small_file(folder_ / "absent", 3));
  EXPECT_EQ(fault.kind, FileFault::Kind::unreadable);
  EXPECT_EQ(fault.error, ENOENT);
}

}  // namespace
}  // namespace crolang
