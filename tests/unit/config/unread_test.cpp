#include "config/unread.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/config/support.hpp"

namespace crolang::config {
namespace {

using test::environment;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Values = std::initializer_list<std::pair<std::string, std::string>>;

const std::vector<BundledVariable> kBundled{
    {"JWT_SECRET", Secrecy::secret, {"NODES_AUTHENTICATION_PLUGIN=jwt-auth"}},
    {"JWT_ISSUER", Secrecy::shown, {"NODES_AUTHENTICATION_PLUGIN=jwt-auth"}},
    {"WEBHOOK_TIMEOUT_MS", Secrecy::shown, {"A_URL", "B_URL", "C_URL"}}};

std::vector<std::string> warnings(Values values, const std::vector<Variable>& of_plugins = {}) {
  return unread(environment(values), merged(of_plugins), of_plugins, kBundled);
}

TEST(Unread, IsNothingInAnEmptyEnvironment) {
  EXPECT_THAT(warnings({}), IsEmpty());
  EXPECT_THAT(warnings({{"PATH", "/bin"}, {"PORT", "9000"}, {"PING_INTERVAL_MS", ""}}), IsEmpty());
}

TEST(Unread, IsWhatOnlyAPluginReadsThatIsNotLoaded) {
  EXPECT_THAT(warnings({{"JWT_SECRET", "hush"}}),
              ElementsAre("JWT_SECRET has no effect, since no plugin that reads it is loaded: "
                          "NODES_AUTHENTICATION_PLUGIN=jwt-auth would load one"));
  EXPECT_THAT(warnings({{"JWT_SECRET_FILE", "/x"}}),
              ElementsAre(HasSubstr("JWT_SECRET_FILE has no effect")));
  EXPECT_THAT(warnings({{"WEBHOOK_TIMEOUT_MS", "1"}}),
              ElementsAre(HasSubstr(": A_URL, B_URL or C_URL would load one")));
}

TEST(Unread, IsNotWhatALoadedPluginReads) {
  const std::vector<Variable> loaded{{.name = "JWT_SECRET", .secrecy = Secrecy::secret}};
  EXPECT_THAT(warnings({{"JWT_SECRET", "hush"}}, loaded), IsEmpty());
  EXPECT_THAT(warnings({{"JWT_SECRET_FILE", "/x"}}, loaded), IsEmpty());
}

TEST(Unread, IsNotWhatIsEmptyAndWouldNotBeReadAnyway) {
  EXPECT_THAT(warnings({{"JWT_SECRET", ""}, {"WEBHOOK_TIMEOUT_MS", ""}}), IsEmpty());
}

TEST(Unread, IsTheFileOfWhatIsNoSecret) {
  // misspelt() says what is wrong with it.
  EXPECT_THAT(warnings({{"JWT_ISSUER_FILE", "/x"}}), IsEmpty());
}

TEST(Empty, IsToldOfAVariableThatChoosesAModule) {
  EXPECT_THAT(warnings({{"NODES_AUTHENTICATION_PLUGIN", ""}}),
              ElementsAre("NODES_AUTHENTICATION_PLUGIN is set but empty, which counts as not set: "
                          "the built-in serves (every node)"));
  EXPECT_THAT(warnings({{"NODES_AUTHENTICATION_WEBHOOK_URL", ""}, {"REDIS_URL_FILE", ""}}),
              ElementsAre(HasSubstr("REDIS_URL_FILE is set but empty"),
                          HasSubstr("NODES_AUTHENTICATION_WEBHOOK_URL is set but empty")));
}

TEST(Empty, IsNotToldWhereTheOtherVariableChooses) {
  const std::vector<Variable> loaded{{.name = "NODES_AUTHENTICATION_WEBHOOK_URL"}};
  EXPECT_THAT(warnings({{"NODES_AUTHENTICATION_PLUGIN", ""},
                        {"NODES_AUTHENTICATION_WEBHOOK_URL", "http://h"}},
                       loaded),
              IsEmpty());
  EXPECT_THAT(
      warnings({{"NODES_AUTHENTICATION_PLUGIN", "x"}, {"NODES_AUTHENTICATION_WEBHOOK_URL", ""}}),
      IsEmpty());
}

TEST(Empty, IsToldOfASecretThatAPluginReads) {
  const std::vector<Variable> loaded{
      {.name = "SIGNING", .secrecy = Secrecy::secret},
      {.name = "TOKEN", .presence = Presence::required, .secrecy = Secrecy::secret},
      {.name = "ISSUER"}};
  EXPECT_THAT(warnings({{"SIGNING", ""}, {"TOKEN", ""}, {"ISSUER", ""}}, loaded),
              ElementsAre("SIGNING is set but empty, which counts as not set"));
  EXPECT_THAT(warnings({{"SIGNING", ""}, {"SIGNING_FILE", "/x"}}, loaded), IsEmpty());
}

TEST(Both, SayWhichOfThemServes) {
  EXPECT_THAT(warnings({{"NODES_AUTHENTICATION_PLUGIN", "jwt-auth"},
                        {"NODES_AUTHENTICATION_WEBHOOK_URL", "http://h"}}),
              ElementsAre("NODES_AUTHENTICATION_WEBHOOK_URL has no effect, since "
                          "NODES_AUTHENTICATION_PLUGIN is set too: the plugin serves (jwt-auth)"));
  EXPECT_THAT(warnings({{"NODES_REGISTRY_PLUGIN", "mine"}, {"REDIS_URL_FILE", "/x"}}),
              ElementsAre(HasSubstr("REDIS_URL_FILE has no effect")));
}

TEST(Detail, HasNoEffectIfNobodyIsAsked) {
  EXPECT_THAT(warnings({{"AUTHORIZE_NODES_COMMUNICATION_SCOPE", "initiation"}}),
              ElementsAre("AUTHORIZE_NODES_COMMUNICATION_SCOPE has no effect, since neither "
                          "AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL nor "
                          "AUTHORIZE_NODES_COMMUNICATION_PLUGIN is set: the built-in serves (every "
                          "pair)"));
  EXPECT_THAT(warnings({{"AUTHORIZE_NODES_COMMUNICATION_SCOPE", "every-message"}}), IsEmpty());
  EXPECT_THAT(warnings({{"AUTHORIZE_NODES_COMMUNICATION_SCOPE", "initiation"},
                        {"AUTHORIZE_NODES_COMMUNICATION_PLUGIN", "mine"}}),
              IsEmpty());
}

TEST(Detail, MayBeOneOfSeveral) {
  EXPECT_THAT(warnings({{"AUTHORIZE_PRESENCE", "true"}}),
              ElementsAre(HasSubstr("AUTHORIZE_PRESENCE has no effect, since neither")));
}

TEST(Both, AreWantedIfThePluginReadsTheOther) {
  const std::vector<Variable> loaded{{.name = "NODES_AUTHENTICATION_WEBHOOK_URL"}};
  EXPECT_THAT(warnings({{"NODES_AUTHENTICATION_PLUGIN", "webhook-auth"},
                        {"NODES_AUTHENTICATION_WEBHOOK_URL", "http://h"}},
                       loaded),
              IsEmpty());
}

TEST(KnownBesides, AreTheVariablesOfPluginsThatAreNotLoaded) {
  const std::vector<Variable> loaded{{.name = "JWT_SECRET", .secrecy = Secrecy::secret}};
  const std::vector<Variable> known = known_besides(loaded, kBundled);
  ASSERT_EQ(known.size(), 2u);
  EXPECT_EQ(known[0].name, "JWT_ISSUER");
  EXPECT_EQ(known[1].name, "WEBHOOK_TIMEOUT_MS");
}

}  // namespace
}  // namespace crolang::config
