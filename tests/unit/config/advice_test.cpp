#include "config/advice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace crolang::config {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::array<std::string_view, 4> kOptions{"--help", "--version", "--check-config",
                                                   "--print-config"};

std::string advice(std::vector<std::string_view> words) {
  return advice_on(words, kOptions, variables());
}

TEST(Advice, NamesTheVariableOfAnOption) {
  const std::string sentence =
      "unknown option \"--port\": set PORT=9000 in the environment or in .env";
  EXPECT_EQ(advice({"--port", "9000"}), sentence);
  EXPECT_EQ(advice({"--port=9000"}), sentence);
  EXPECT_EQ(advice({"--check-config", "--port", "9000"}), sentence);
  EXPECT_THAT(advice({"--workers=4"}), HasSubstr("set WORKERS=4 in"));
  EXPECT_THAT(advice({"--log-level", "2"}), HasSubstr("set LOG_LEVEL=2 in"));
  EXPECT_THAT(advice({"--LOG_LEVEL=2"}), HasSubstr("set LOG_LEVEL=2 in"));
  EXPECT_THAT(advice({"-log-level", "2"}), HasSubstr("set LOG_LEVEL=2 in"));
  EXPECT_THAT(advice({"--metrics-enabled"}), HasSubstr("set METRICS_ENABLED in"));
}

TEST(Advice, KnowsSomeLetters) {
  EXPECT_THAT(advice({"-p", "9000"}), HasSubstr("option \"-p\": set PORT=9000 in"));
  EXPECT_THAT(advice({"-w", "4"}), HasSubstr("set WORKERS=4 in"));
  EXPECT_THAT(advice({"-p9000"}), HasSubstr("option \"-p\": set PORT=9000 in"));
  EXPECT_THAT(advice({"-v"}), HasSubstr("did you mean --version?"));
  EXPECT_THAT(advice({"-x"}), HasSubstr("see crolang-broker --help"));
}

TEST(Advice, NamesTheVariableThatIsNear) {
  EXPECT_THAT(advice({"--metrics"}), HasSubstr("set METRICS_ENABLED in"));
  EXPECT_THAT(advice({"--redis", "localhost"}), HasSubstr("set REDIS_URL in"));
  EXPECT_THAT(advice({"--bind=0.0.0.0"}), HasSubstr("set BIND_ADDRESS in"));
}

TEST(Advice, KnowsWhatOthersCallIt) {
  EXPECT_THAT(advice({"--host", "0.0.0.0"}), HasSubstr("set BIND_ADDRESS in"));
  EXPECT_THAT(advice({"--verbose"}), HasSubstr("set LOG_LEVEL in"));
  EXPECT_THAT(advice({"--threads=4"}), HasSubstr("set WORKERS in"));
  EXPECT_THAT(advice({"--cert", "a.pem"}), HasSubstr("set TLS_CERT_FILE in"));
  EXPECT_THAT(advice({"--tls-key=a.pem"}), HasSubstr("set TLS_KEY_FILE in"));
}

TEST(Advice, NamesAFewThatBeginLikeIt) {
  EXPECT_THAT(advice({"--log", "debug"}), HasSubstr("set LOG_LEVEL or LOG_FORMAT in"));
  EXPECT_THAT(advice({"--max", "9"}), HasSubstr("see crolang-broker --help"));
}

TEST(Advice, NeverShowsASecret) {
  for (const auto& words : std::vector<std::vector<std::string_view>>{
           {"--redis-url", "redis://u:hush@h"},
           {"--redis-url=redis://u:hush@h"},
           {"--nodes-authentication-webhook-url=https://u:hush@h"},
           {"REDIS_URL=redis://u:hush@h"},
           {"--redis", "hush"}}) {
    EXPECT_THAT(advice(words), AllOf(HasSubstr("_URL"), Not(HasSubstr("hush"))));
  }
}

TEST(Advice, SaysWhereAVariableIsSet) {
  EXPECT_EQ(advice({"PORT=9000"}),
            "PORT is set before the name of the program: PORT=9000 crolang-broker");
}

TEST(Advice, NamesTheOptionThatIsNear) {
  EXPECT_THAT(advice({"--check"}), HasSubstr("did you mean --check-config?"));
  EXPECT_THAT(advice({"--verison"}), HasSubstr("did you mean --version?"));
  EXPECT_THAT(advice({"help"}), HasSubstr("\"help\" is not a command: did you mean --help?"));
}

TEST(Advice, SaysWhereToLookIfNothingIsNear) {
  EXPECT_EQ(
      advice({"--frobnicate"}),
      "unknown option \"--frobnicate\": the broker is configured by environment variables and "
      ".env, see crolang-broker --help");
  EXPECT_EQ(advice({"start"}), "");
  EXPECT_EQ(advice({""}), "");
  EXPECT_EQ(advice({}), "");
}

TEST(Advice, KeepsAWordOnOneLine) {
  EXPECT_THAT(advice({"--a\nb"}), AllOf(HasSubstr("\\u000a"), Not(HasSubstr("\n"))));
}

}  // namespace
}  // namespace crolang::config
