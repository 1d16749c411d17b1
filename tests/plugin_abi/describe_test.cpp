#include "plugin_host/describe.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace crolang::plugin_host {
namespace {

namespace fs = std::filesystem;

TEST(Describe, ChecksAFile) {
  const Report report = describe_file(PLUGINS_DIR "/token-auth.so");
  EXPECT_EQ(report.outcome, Report::Outcome::fine);
  EXPECT_EQ(report.text,
            std::string(PLUGINS_DIR "/token-auth.so\n") +
                "  org.crolang.example.token-auth 1.0.0: admits nodes that know a shared "
                "token\n"
                "  provides  authentication/1, chosen by NODES_AUTHENTICATION_PLUGIN=token-auth\n"
                "  reads     SHARED_TOKEN (text, required, secret, reloadable): what a node must "
                "send as data "
                "to be admitted\n");
}

TEST(Describe, SaysWhyAFileIsRefused) {
  const Report report = describe_file(FIXTURES_DIR "/short_table.so");
  EXPECT_EQ(report.outcome, Report::Outcome::refused);
  EXPECT_EQ(report.text, std::string(FIXTURES_DIR) +
                             "/short_table.so: authorization/1: table is 4 bytes, needs 16\n");
}

TEST(Describe, ListsAFolderByNameAndIsRefusedIfOneIs) {
  const Report report = describe_folder(FIXTURES_DIR);
  EXPECT_EQ(report.outcome, Report::Outcome::refused);
  const auto at = [&](const std::string& name) { return report.text.find("/" + name + ".so"); };
  EXPECT_LT(at("create_fails"), at("empty_id"));
  EXPECT_LT(at("empty_id"), at("healthy"));
  EXPECT_NE(at("wrong_magic"), std::string::npos);
}

TEST(Describe, IsFineWithAnEmptyFolder) {
  const fs::path folder = fs::path(::testing::TempDir()) / "no_plugins";
  fs::create_directories(folder);
  const Report report = describe_folder(folder);
  EXPECT_EQ(report.outcome, Report::Outcome::fine);
  EXPECT_EQ(report.text, "There are no plugins in " + folder.string() + "\n");
}

TEST(Describe, RefusesAFolderThatIsNotThere) {
  const Report report = describe_folder("/nowhere/plugins");
  EXPECT_EQ(report.outcome, Report::Outcome::refused);
  EXPECT_EQ(report.text, "/nowhere/plugins: No such file or directory\n");
}

}  // namespace
}  // namespace crolang::plugin_host
