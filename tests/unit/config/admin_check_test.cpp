#include "config/admin_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/settings.hpp"
#include "unit/config/support.hpp"

namespace crolang::config {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

AdminFacts usable_admin() {
  return {9090, 8080, 0, "127.0.0.1", "a-token-of-some-length", {}};
}

TEST(AdminCheck, HasNothingToSayAboutAUsableConfiguration) {
  for (const char* address : {"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"}) {
    AdminFacts facts = usable_admin();
    facts.bind_address = address;
    const AdminFindings findings = check(facts);
    EXPECT_THAT(findings.faults, IsEmpty());
    EXPECT_THAT(findings.warnings, IsEmpty()) << address;
  }
}

TEST(AdminCheck, ThePortNeedsAToken) {
  AdminFacts facts = usable_admin();
  facts.token.clear();
  EXPECT_THAT(check(facts).faults,
              ElementsAre(AllOf(HasSubstr("ADMIN_TOKEN is not set"), HasSubstr("openssl rand"))));
  facts.is_token_known = false;
  EXPECT_THAT(check(facts).faults, IsEmpty());
}

TEST(AdminCheck, ATokenIsLongAndFitsIntoAHeaderAndIsNotShown) {
  for (const char* token : {"fifteen-letters", "blanks are no good at all", "öäüöäüöäüöäüöäü",
                            "line-end-inside\nthe-token"}) {
    AdminFacts facts = usable_admin();
    facts.token = token;
    EXPECT_THAT(check(facts).faults,
                ElementsAre(AllOf(HasSubstr("ADMIN_TOKEN: "), Not(HasSubstr(token)))));
  }
  AdminFacts facts = usable_admin();
  facts.token = "sixteen-letters!";
  EXPECT_THAT(check(facts).faults, IsEmpty());
}

TEST(AdminCheck, ThePortIsItsOwn) {
  AdminFacts facts = usable_admin();
  facts.nodes_port = 9090;
  EXPECT_THAT(check(facts).faults, ElementsAre(HasSubstr("9090 is PORT too")));
  facts = usable_admin();
  facts.plain_port = 9090;
  EXPECT_THAT(check(facts).faults, ElementsAre(HasSubstr("9090 is PLAIN_PORT too")));
}

TEST(AdminCheck, WarnsOfAnAddressThatOthersReach) {
  for (const char* address : {"0.0.0.0", "::", "192.0.2.7", "2001:db8::1"}) {
    AdminFacts facts = usable_admin();
    facts.bind_address = address;
    EXPECT_THAT(check(facts).warnings, ElementsAre(HasSubstr("is not loopback"))) << address;
  }
}

TEST(AdminCheck, WithoutThePortTheOthersHaveNoEffect) {
  AdminFacts facts;
  facts.set = {"ADMIN_TOKEN", "ADMIN_MAX_STREAMS"};
  EXPECT_THAT(check(facts).warnings,
              ElementsAre("ADMIN_TOKEN has no effect without ADMIN_PORT",
                          "ADMIN_MAX_STREAMS has no effect without ADMIN_PORT"));
}

TEST(AdminCheck, KnowsWhichTokensCanBeUsed) {
  EXPECT_TRUE(is_usable_admin_token("a-token-of-some-length"));
  for (const char* token : {"", "short", "a token of some length"}) {
    EXPECT_FALSE(is_usable_admin_token(token)) << token;
  }
}

TEST(AdminCheck, IsPartOfTheConfiguration) {
  const Loaded loaded = load(test::environment({{"ADMIN_PORT", "9090"},
                                                {"ADMIN_TOKEN", "a-token-of-some-length"},
                                                {"ADMIN_MAX_STREAMS", "7"},
                                                {"ADMIN_METRICS_OPEN", "true"}}));
  EXPECT_THAT(loaded.faults, IsEmpty());
  EXPECT_THAT(loaded.warnings, IsEmpty());
  EXPECT_EQ(loaded.settings.admin.port, 9090);
  EXPECT_EQ(loaded.settings.admin.bind_address, "127.0.0.1");
  EXPECT_EQ(loaded.settings.admin.max_streams, 7u);
  EXPECT_EQ(loaded.settings.admin.open_metrics, Switch::on);
  EXPECT_THAT(load(test::environment({{"ADMIN_PORT", "8080"}})).faults,
              ElementsAre(HasSubstr("ADMIN_PORT"), HasSubstr("ADMIN_TOKEN is not set")));
}

}  // namespace
}  // namespace crolang::config
