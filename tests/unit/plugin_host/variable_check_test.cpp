#include "plugin_host/variable_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>

namespace crolang::plugin_host {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr crolang_env kEnv[] = {
    {"URL", CROLANG_URL, 0, "http://default", ""},
    {"TOKEN", CROLANG_STRING, CROLANG_SECRET, nullptr, ""},
};

void say(const crolang_check* to, const std::string& sentence) {
  to->fault(to->ctx, {sentence.data(), sentence.size()});
}

/// Says what it sees of both.
void check(const crolang_check* to) {
  for (const char* name : {"URL", "TOKEN"}) {
    crolang_str value{};
    const bool set = to->env(to->ctx, name, &value);
    say(to, std::string(name) + " is " +
                (set ? std::string(value.data, value.size) : std::string("not set")));
  }
  to->warning(to->ctx, {"careful", 7});
}

crolang_plugin plugin() {
  crolang_plugin plugin{};
  plugin.size = sizeof plugin;
  plugin.id = "org.example.test";
  plugin.env = kEnv;
  plugin.env_count = std::size(kEnv);
  plugin.check = &check;
  return plugin;
}

const Lookup kGiven = [](std::string_view) { return "given"; };
const Lookup kNothing = [](std::string_view) { return std::nullopt; };

TEST(VariableCheck, IsWhatTheCheckSaysOfTheValues) {
  const CheckResult result = check_variables(plugin(), kGiven, {});
  EXPECT_THAT(result.faults, ElementsAre("URL is given", "TOKEN is given"));
  EXPECT_THAT(result.warnings, ElementsAre("careful"));
}

TEST(VariableCheck, IsMadeWithDefaultsOfWhatIsNotSet) {
  EXPECT_THAT(check_variables(plugin(), kNothing, {}).faults,
              ElementsAre("URL is http://default", "TOKEN is not set"));
}

TEST(VariableCheck, LeavesOutWhatIsSaidOfAVariableThatIsRefusedAlready) {
  const std::vector<std::string> refused{"URL"};
  EXPECT_THAT(check_variables(plugin(), kGiven, refused).faults, ElementsAre("TOKEN is given"));
}

TEST(VariableCheck, TakesTheNameOfARefusedVariableForAWord) {
  crolang_plugin speaks = plugin();
  speaks.check = [](const crolang_check* to) {
    say(to, "MY_URL is wrong");
    say(to, "URLS is wrong");
    say(to, "wrong: set URL");
    say(to, "wrong: set MY_URL, not URL");
  };
  const std::vector<std::string> refused{"URL"};
  EXPECT_THAT(check_variables(speaks, kGiven, refused).faults,
              ElementsAre("MY_URL is wrong", "URLS is wrong"));
}

TEST(VariableCheck, IsEmptyWhereThereIsNoCheck) {
  crolang_plugin silent = plugin();
  silent.check = nullptr;
  EXPECT_THAT(check_variables(silent, kGiven, {}).faults, IsEmpty());
}

TEST(VariableCheck, ReadsNothingBehindTheEndOfAShorterEntry) {
  crolang_plugin older = plugin();
  older.size = offsetof(crolang_plugin, check);
  EXPECT_THAT(check_variables(older, kGiven, {}).faults, IsEmpty());
}

TEST(VariableCheck, FaultsACheckThatAsksForWhatIsNotDeclared) {
  crolang_plugin curious = plugin();
  curious.check = [](const crolang_check* to) {
    crolang_str value{};
    EXPECT_FALSE(to->env(to->ctx, "PATH", &value));
  };
  EXPECT_THAT(
      check_variables(curious, kGiven, {}).faults,
      ElementsAre("org.example.test asks for the variable PATH, which it does not declare"));
}

TEST(VariableCheck, NamesThePluginWhereItGivesNoReason) {
  crolang_plugin terse = plugin();
  terse.check = [](const crolang_check* to) { to->fault(to->ctx, {}); };
  EXPECT_THAT(check_variables(terse, kGiven, {}).faults,
              ElementsAre("org.example.test: check reported a fault or warning without a text"));
}

}  // namespace
}  // namespace crolang::plugin_host
