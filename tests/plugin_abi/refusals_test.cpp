// One file for each refusal, opened by the real loader.
#include <elf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "plugin_host/loader.hpp"

namespace crolang::plugin_host {
namespace {

std::string fixture(const std::string& name) {
  return std::string(FIXTURES_DIR "/") + name + ".so";
}

std::string refusal_of(const std::string& path) {
  const Opened opened = open_plugin(path);
  return opened.has_error() ? opened.error().sentence : "loaded";
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Broken {
  std::string name;
  std::string sentence;
};

class Refusals : public ::testing::TestWithParam<Broken> {};

TEST_P(Refusals, NameTheFileAndTheReason) {
  const std::string path = fixture(GetParam().name);
  EXPECT_EQ(refusal_of(path), path + ": " + GetParam().sentence);
}

INSTANTIATE_TEST_SUITE_P(
    Fixtures, Refusals,
    ::testing::Values(
        Broken{"no_entry", "not a broker plugin: no symbol 'crolang_plugin_entry'"},
        Broken{"undefined_symbol", "undefined symbol: not_defined_anywhere"},
        Broken{"wrong_magic", "'crolang_plugin_entry' is not a broker plugin entry"},
        Broken{"before_1_0",
               "built for a plugin ABI before 1.0, which this broker does not support: rebuild it "
               "against plugin-api 1"},
        Broken{
            "other_major",
            "built for plugin ABI 2.3, this broker supports 1.x: rebuild it against plugin-api 1"},
        Broken{"newer_minor", "needs plugin ABI 1.7, this broker offers 1.0: update the broker"},
        Broken{"short_entry", "entry is 80 bytes, ABI 1.0 needs 104"},
        Broken{"null_create", "'create' is null"}, Broken{"null_stop", "'stop' is null"},
        Broken{"null_destroy", "'destroy' is null"}, Broken{"empty_id", "the plugin's id is empty"},
        Broken{"null_id", "the plugin's id is empty"},
        Broken{"unknown_env_type", "variable FIXTURE has the unknown type 99"},
        Broken{"provides_nothing", "provides nothing"},
        Broken{"unknown_kind",
               "provides 'registry/2'; this broker knows registry/1, rtc-config/1, "
               "authentication/1, authorization/1, validity/1, message-observer/1"},
        Broken{"null_table", "authorization/1: table is null"},
        Broken{"short_table", "authorization/1: table is 4 bytes, needs 16"},
        Broken{"null_table_function", "authorization/1: 'authorize' is null"},
        Broken{"kind_twice", "provides authorization/1 twice"}),
    [](const auto& broken) { return broken.param.name; });

TEST(Loader, OpensAHealthyPlugin) {
  const Opened opened = open_plugin(fixture("healthy"));
  ASSERT_FALSE(opened.has_error()) << opened.error().sentence;
  EXPECT_EQ(opened->path, fixture("healthy"));
  EXPECT_STREQ(opened->entry->id, "org.example.healthy");
}

TEST(Loader, GivesTheSameEntryEachTime) {
  EXPECT_EQ(open_plugin(fixture("healthy"))->entry, open_plugin(fixture("healthy"))->entry);
}

TEST(Loader, SaysWhatTheSystemSaysOfAMissingFile) {
  EXPECT_EQ(refusal_of("/nowhere/missing.so"),
            "/nowhere/missing.so: cannot open shared object file: No such file or directory");
}

TEST(Loader, SaysThatATextFileIsNoPlugin) {
  const auto path = std::filesystem::path(::testing::TempDir()) / "text.so";
  std::ofstream(path) << std::string(4096, 'x');
  EXPECT_EQ(refusal_of(path),
            path.string() + ": cannot be loaded: it is not a shared object (ELF file)");
}

// Of such a file the system says that there is none.
TEST(Loader, SaysThatAPluginIsForAnotherProcessor) {
  std::string bytes = bytes_of(fixture("healthy"));
  // e_machine
  bytes.at(18) = '\xF3';
  bytes.at(19) = '\0';
  const auto path = std::filesystem::path(::testing::TempDir()) / "other_machine.so";
  std::ofstream(path, std::ios::binary) << bytes;
  const std::string refusal = refusal_of(path);
  EXPECT_EQ(refusal.rfind(
                path.string() + ": cannot be loaded: it is built for riscv, the broker for ", 0),
            0u)
      << refusal;
}

std::size_t end_of_segments(const std::string& bytes) {
  Elf64_Ehdr elf{};
  std::memcpy(&elf, bytes.data(), sizeof elf);
  std::size_t end = 0;
  for (unsigned i = 0; i < elf.e_phnum; ++i) {
    Elf64_Phdr segment{};
    std::memcpy(&segment, bytes.data() + elf.e_phoff + i * sizeof segment, sizeof segment);
    if (segment.p_type == PT_LOAD) end = std::max(end, segment.p_offset + segment.p_filesz);
  }
  return end;
}

TEST(Loader, SaysThatAFileIsTruncated) {
  const std::string bytes = bytes_of(fixture("healthy"));
  const auto path = std::filesystem::path(::testing::TempDir()) / "truncated.so";
  for (const std::size_t size : {std::size_t{10}, sizeof(Elf64_Ehdr), end_of_segments(bytes) - 1}) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes.substr(0, size);
    const std::string refusal = refusal_of(path);
    EXPECT_EQ(refusal.rfind(path.string() + ": cannot be loaded: the file is truncated: it has " +
                                std::to_string(size) + " of at least ",
                            0),
              0u)
        << refusal;
  }
}

// Nothing behind them is read at run time.
TEST(Loader, AcceptsAFileThatEndsBehindItsSegments) {
  const std::string bytes = bytes_of(fixture("healthy"));
  const auto path = std::filesystem::path(::testing::TempDir()) / "no_sections.so";
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      << bytes.substr(0, end_of_segments(bytes));
  EXPECT_EQ(refusal_of(path), "loaded");
}

TEST(Loader, RefusesTheBrokerItself) {
  EXPECT_NE(refusal_of(std::filesystem::read_symlink("/proc/self/exe")), "loaded");
}

}  // namespace
}  // namespace crolang::plugin_host
