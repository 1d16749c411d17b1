#include "config/spelling.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/config/support.hpp"

namespace crolang::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string_view meant(std::string_view name) {
  return meant_by(name, variables());
}

TEST(Spelling, FindsTheNameThatWasMeant) {
  EXPECT_EQ(meant("PING_INTERVALL_MS"), "PING_INTERVAL_MS");
  EXPECT_EQ(meant("PING_INTREVAL_MS"), "PING_INTERVAL_MS");
  EXPECT_EQ(meant("MAX_PAYLOAD_BYTE"), "MAX_PAYLOAD_BYTES");
  EXPECT_EQ(meant("REDIS_URI"), "REDIS_URL");
  EXPECT_EQ(meant("WORKER"), "WORKERS");
}

TEST(Spelling, LeavesKnownNamesAlone) {
  for (const Variable& each : variables()) EXPECT_EQ(meant(each.name), "") << each.name;
  EXPECT_EQ(meant("REDIS_URL_FILE"), "");
}

TEST(Spelling, LeavesNamesOfTheSystemAlone) {
  for (const char* name : {"PATH",
                           "HOME",
                           "HOSTNAME",
                           "HOST",
                           "USER",
                           "PWD",
                           "OLDPWD",
                           "SHELL",
                           "SHLVL",
                           "TERM",
                           "LANG",
                           "LC_ALL",
                           "LOGNAME",
                           "MAIL",
                           "EDITOR",
                           "DISPLAY",
                           "TMPDIR",
                           "NODE_ENV",
                           "NODE_PATH",
                           "LD_LIBRARY_PATH",
                           "LD_PRELOAD",
                           "REDIS_PORT",
                           "REDIS_HOST",
                           "KUBERNETES_PORT",
                           "PORTAGE",
                           "_",
                           ""})
    EXPECT_EQ(meant(name), "") << name;
}

TEST(Spelling, LeavesNamesAloneThatAreThreeEditsAway) {
  EXPECT_EQ(meant("PING_INTERVALLLL_MS"), "");
}

TEST(Spelling, WarnsOfEachMisspeltName) {
  const Environment given = test::environment(
      {{"PING_INTERVALL_MS", "1"}, {"WORKER", "2"}, {"PATH", "/bin"}, {"PORT", "8080"}});
  EXPECT_THAT(
      misspelt(given, variables()),
      ElementsAre(
          "PING_INTERVALL_MS is not a variable of this broker: did you mean PING_INTERVAL_MS?",
          "WORKER is not a variable of this broker: did you mean WORKERS?"));
}

TEST(Spelling, KnowsTheVariablesOfPluginsToo) {
  const std::vector<Variable> known{{.name = "WEBHOOK_TIMEOUT_MS"}};
  EXPECT_THAT(misspelt(test::environment({{"WEBHOOK_TIMEOUT_MS", "1"}}), known), IsEmpty());
  EXPECT_EQ(meant_by("WEBHOOK_TIMEOUT", known), "");
  EXPECT_EQ(meant_by("WEBHOOK_TIMEOUTS_MS", known), "WEBHOOK_TIMEOUT_MS");
}

}  // namespace
}  // namespace crolang::config
