#include "plugin_host/environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace crolang::plugin_host {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> faults(const crolang_env& variable, std::optional<std::string> value) {
  crolang_plugin plugin{};
  plugin.id = "org.example.test";
  plugin.env = &variable;
  plugin.env_count = 1;
  return environment_faults(plugin, [&](std::string_view) { return value; });
}

crolang_env of_type(std::uint32_t type, std::uint32_t flags = 0) {
  return {"NAME", type, flags, nullptr, "what it is for"};
}

TEST(Environment, AcceptsAnyText) {
  EXPECT_THAT(faults(of_type(CROLANG_STRING), "\n%"), IsEmpty());
}

TEST(Environment, AcceptsUrls) {
  for (const char* url :
       {"redis://localhost", "http://a/b?c#d", "a+b-c.d://x", "rediss://u:p@h:1/2"}) {
    EXPECT_THAT(faults(of_type(CROLANG_URL), url), IsEmpty()) << url;
  }
}

TEST(Environment, RefusesWhatIsNoUrl) {
  for (const char* text :
       {"localhost", "http:/x", "http://", "://x", "1http://x", "ht tp://x", "http://a b"}) {
    EXPECT_THAT(faults(of_type(CROLANG_URL), text),
                ElementsAre(std::string("NAME=") + text + " is not a URL (scheme://…)"));
  }
}

TEST(Environment, AcceptsNumbersOf64Bits) {
  for (const char* number : {"0", "007", "18446744073709551615"}) {
    EXPECT_THAT(faults(of_type(CROLANG_UINT), number), IsEmpty()) << number;
  }
}

TEST(Environment, RefusesWhatIsNoNumber) {
  for (const char* text : {"-1", "+1", "1.5", "1s", " 1", "0x1", "18446744073709551616", "one"}) {
    EXPECT_THAT(faults(of_type(CROLANG_UINT), text),
                ElementsAre(std::string("NAME=") + text +
                            " is not a whole number from 0 to 18446744073709551615"));
  }
}

TEST(Environment, AcceptsExactlyTrueAndFalse) {
  EXPECT_THAT(faults(of_type(CROLANG_BOOL), "true"), IsEmpty());
  EXPECT_THAT(faults(of_type(CROLANG_BOOL), "false"), IsEmpty());
  for (const char* text : {"True", "1", "yes", "true "}) {
    EXPECT_THAT(faults(of_type(CROLANG_BOOL), text),
                ElementsAre(std::string("NAME=") + text + " is neither true nor false"));
  }
}

TEST(Environment, DemandsWhatIsRequired) {
  const std::string sentence = "NAME must be set: org.example.test needs it (what it is for)";
  EXPECT_THAT(faults(of_type(CROLANG_URL, CROLANG_REQUIRED), std::nullopt), ElementsAre(sentence));
  EXPECT_THAT(faults(of_type(CROLANG_URL, CROLANG_REQUIRED), ""), ElementsAre(sentence));
}

TEST(Environment, LeavesOutWhatIsOptional) {
  EXPECT_THAT(faults(of_type(CROLANG_UINT), std::nullopt), IsEmpty());
  EXPECT_THAT(faults(of_type(CROLANG_UINT), ""), IsEmpty());
}

TEST(Environment, ADefaultSatisfiesARequirement) {
  EXPECT_THAT(faults({"NAME", CROLANG_UINT, CROLANG_REQUIRED, "7", ""}, std::nullopt), IsEmpty());
}

TEST(Environment, ChecksDefaultsToo) {
  EXPECT_THAT(faults({"NAME", CROLANG_BOOL, 0, "maybe", ""}, std::nullopt),
              ElementsAre("NAME=maybe is neither true nor false"));
}

TEST(Environment, NeverShowsTheValueOfASecret) {
  EXPECT_THAT(faults(of_type(CROLANG_URL, CROLANG_SECRET), "hunter2"),
              ElementsAre("NAME is not a URL (scheme://…)"));
}

}  // namespace
}  // namespace crolang::plugin_host
