#include "config/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace crolang::config {
namespace {

using Kind = Command::Kind;
using ::testing::HasSubstr;
using ::testing::Not;

Command parse(std::vector<const char*> words) {
  words.insert(words.begin(), "crolang-broker");
  words.push_back(nullptr);
  return parse_command_line(static_cast<int>(words.size()) - 1, words.data());
}

TEST(CommandLine, RunsWithoutArguments) {
  EXPECT_EQ(parse({}).kind, Kind::run);
}

TEST(CommandLine, KnowsItsOptions) {
  EXPECT_EQ(parse({"--help"}).kind, Kind::help);
  EXPECT_EQ(parse({"-h"}).kind, Kind::help);
  EXPECT_EQ(parse({"--version"}).kind, Kind::version);
  EXPECT_EQ(parse({"--check-config"}).kind, Kind::check_config);
  EXPECT_EQ(parse({"--print-config"}).kind, Kind::print_config);
  EXPECT_EQ(parse({"--print-config-markdown"}).kind, Kind::print_markdown);
}

TEST(CommandLine, ListsPlugins) {
  EXPECT_EQ(parse({"plugins"}).kind, Kind::plugins_list);
}

TEST(CommandLine, ChecksTheHealthOfARunningBroker) {
  EXPECT_EQ(parse({"healthcheck"}).kind, Kind::healthcheck);
  EXPECT_EQ(parse({"healthcheck", "now"}).kind, Kind::usage_error);
  EXPECT_EQ(parse({"healthcheck", "plugins"}).kind, Kind::usage_error);
}

TEST(CommandLine, ChecksAPluginFile) {
  const Command command = parse({"plugins", "check", "./mine.so"});
  EXPECT_EQ(command.kind, Kind::plugins_check);
  EXPECT_EQ(command.file, "./mine.so");
}

TEST(CommandLine, HelpsWhateverElseIsAsked) {
  EXPECT_EQ(parse({"--nonsense", "--help"}).kind, Kind::help);
  EXPECT_EQ(parse({"plugins", "check", "-h"}).kind, Kind::help);
}

TEST(CommandLine, RefusesUnknownOptions) {
  const Command command = parse({"--port=8080"});
  EXPECT_EQ(command.kind, Kind::usage_error);
  EXPECT_THAT(command.error, HasSubstr("--port"));
}

TEST(CommandLine, SaysWhichVariableAnOptionIs) {
  EXPECT_THAT(parse({"--port", "8080"}).error, HasSubstr("set PORT=8080"));
  EXPECT_THAT(parse({"-p", "8080"}).error, HasSubstr("set PORT=8080"));
  EXPECT_THAT(parse({"--check-config", "--redis-url=x"}).error, HasSubstr("set REDIS_URL=…"));
  EXPECT_THAT(parse({"plugins", "--port=1"}).error, HasSubstr("set PORT=1"));
  EXPECT_THAT(parse({"PORT=8080"}).error, HasSubstr("PORT=8080 crolang-broker"));
  EXPECT_THAT(parse({"check"}).error, HasSubstr("--check-config"));
  EXPECT_THAT(parse({"serve"}).error, HasSubstr("serve: it runs without arguments"));
}

TEST(CommandLine, SaysNothingOfOptionsAboutTheFileOfACommand) {
  EXPECT_THAT(parse({"plugins", "check", "a.so", "b.so"}).error, Not(HasSubstr("--check-config")));
}

TEST(CommandLine, RefusesUnknownWords) {
  EXPECT_EQ(parse({"start"}).kind, Kind::usage_error);
  EXPECT_EQ(parse({"plugins", "install"}).kind, Kind::usage_error);
  EXPECT_EQ(parse({"plugins", "check", "a.so", "b.so"}).kind, Kind::usage_error);
  EXPECT_EQ(parse({""}).kind, Kind::usage_error);
}

TEST(CommandLine, WantsTheFileToCheck) {
  const Command command = parse({"plugins", "check"});
  EXPECT_EQ(command.kind, Kind::usage_error);
  EXPECT_THAT(command.error, HasSubstr("FILE"));
}

TEST(CommandLine, DoesOneThingAtATime) {
  EXPECT_EQ(parse({"--version", "--check-config"}).kind, Kind::usage_error);
  EXPECT_EQ(parse({"--version", "plugins"}).kind, Kind::usage_error);
}

}  // namespace
}  // namespace crolang::config
