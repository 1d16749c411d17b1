#include "plugin_host/choices.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace crolang::plugin_host {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Choosing : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) /
              (std::string("choosing_") +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path add(const std::string& file) {
    std::ofstream(folder_ / file) << "";
    return folder_ / file;
  }

  Choices resolve(const std::map<std::string, std::string, std::less<>>& env) {
    const auto lookup = [&](std::string_view name) -> std::optional<std::string> {
      const auto found = env.find(name);
      if (found == env.end()) return std::nullopt;
      return found->second;
    };
    return resolve_choices(lookup, folder_);
  }

  fs::path folder_;
};

TEST_F(Choosing, AsksForNothingWithoutVariables) {
  const Choices choices = resolve({});
  EXPECT_THAT(choices.chosen, IsEmpty());
  EXPECT_THAT(choices.refusals, IsEmpty());
}

TEST_F(Choosing, TakesEmptyVariablesAsNotSet) {
  const Choices choices = resolve({{"REDIS_URL", ""}, {"NODES_AUTHENTICATION_PLUGIN", ""}});
  EXPECT_THAT(choices.chosen, IsEmpty());
  EXPECT_THAT(choices.refusals, IsEmpty());
}

TEST_F(Choosing, LooksForANameInThePluginsFolder) {
  const fs::path file = add("mine.so");
  const Choices choices = resolve({{"NODES_AUTHENTICATION_PLUGIN", "mine"}});
  ASSERT_EQ(choices.chosen.size(), 1u);
  EXPECT_EQ(choices.chosen[0].kind, kinds::Kind::authentication);
  EXPECT_EQ(choices.chosen[0].file, file);
  EXPECT_EQ(choices.chosen[0].variable, "NODES_AUTHENTICATION_PLUGIN");
}

TEST_F(Choosing, TakesAValueWithASlashAsAPath) {
  const fs::path file = add("elsewhere.plugin");
  const Choices choices = resolve({{"NODES_AUTHENTICATION_PLUGIN", file.string()}});
  ASSERT_EQ(choices.chosen.size(), 1u);
  EXPECT_EQ(choices.chosen[0].file, file);
}

TEST_F(Choosing, TakesTheBundledPluginForASetting) {
  const fs::path file = add("redis-registry.so");
  const Choices choices = resolve({{"REDIS_URL", "redis://localhost"}});
  ASSERT_EQ(choices.chosen.size(), 1u);
  EXPECT_EQ(choices.chosen[0].kind, kinds::Kind::registry);
  EXPECT_EQ(choices.chosen[0].file, file);
  EXPECT_EQ(choices.chosen[0].variable, "REDIS_URL");
}

TEST_F(Choosing, PrefersThePluginThatIsNamed) {
  const fs::path file = add("mine.so");
  add("redis-registry.so");
  const Choices choices =
      resolve({{"REDIS_URL", "redis://localhost"}, {"NODES_REGISTRY_PLUGIN", "mine"}});
  ASSERT_EQ(choices.chosen.size(), 1u);
  EXPECT_EQ(choices.chosen[0].file, file);
}

TEST_F(Choosing, TakesAListOfObservers) {
  add("one.so");
  add("two.so");
  const Choices choices = resolve({{"ON_AUTHENTICATED_SOCKET_MSG_PLUGIN", "one, two,"}});
  ASSERT_EQ(choices.chosen.size(), 2u);
  EXPECT_EQ(choices.chosen[0].file.filename(), "one.so");
  EXPECT_EQ(choices.chosen[1].file.filename(), "two.so");
}

TEST_F(Choosing, NamesVariableAndFileOfAMissingPlugin) {
  const Choices choices = resolve({{"NODES_AUTHENTICATION_PLUGIN", "mine"}});
  EXPECT_THAT(choices.chosen, IsEmpty());
  EXPECT_THAT(choices.refusals,
              ElementsAre("NODES_AUTHENTICATION_PLUGIN=mine: there is no plugin " +
                          (folder_ / "mine.so").string() + "; there are none in " +
                          folder_.string() + " (PLUGINS_DIR)"));
}

TEST_F(Choosing, NamesThePluginsThatThereAre) {
  add("token-auth.so");
  add("deny-list.so");
  add("README.md");
  EXPECT_THAT(resolve({{"NODES_AUTHENTICATION_PLUGIN", "mine"}}).refusals,
              ElementsAre(EndsWith("mine.so; there are: deny-list, token-auth")));
  EXPECT_THAT(resolve({{"NODES_AUTHENTICATION_PLUGIN", "/no/such.so"}}).refusals,
              ElementsAre(EndsWith("/no/such.so; by name there are: deny-list, token-auth")));
}

TEST_F(Choosing, SaysThatTheFolderIsNone) {
  const std::string folder = (folder_ / "none").string();
  const std::string why = folder + " (PLUGINS_DIR) cannot be read: No such file or directory";
  const auto refusals = [&](const char* variable) {
    return resolve_choices(
               [&](std::string_view name) {
                 return name == variable ? std::optional<std::string>("x") : std::nullopt;
               },
               folder)
        .refusals;
  };
  EXPECT_THAT(refusals("NODES_AUTHENTICATION_PLUGIN"), ElementsAre(EndsWith("; " + why)));
  EXPECT_THAT(refusals("REDIS_URL"), ElementsAre(EndsWith("; " + why)));
}

TEST_F(Choosing, NamesThePluginThatIsMeant) {
  add("jwt-auth.so");
  add("webhook-auth.so");
  add("turn-credentials.so");
  for (const char* name : {"jwt_auth", "JWT-AUTH", "jwt-auth.so", "jwt-aut", "jtw-auth", "jwt"}) {
    EXPECT_THAT(resolve({{"NODES_AUTHENTICATION_PLUGIN", name}}).refusals,
                ElementsAre(HasSubstr(": did you mean jwt-auth? There are: jwt-auth, ")))
        << name;
  }
  EXPECT_THAT(resolve({{"RTC_CONFIGURATION_RESOLVER_PLUGIN", "turn-credentials-v2"}}).refusals,
              ElementsAre(HasSubstr("did you mean turn-credentials?")));
}

TEST_F(Choosing, NamesTheSettingWhoseBundledPluginIsMissingButNotItsValue) {
  const Choices choices = resolve({{"REDIS_URL", "redis://user:password@host"}});
  EXPECT_THAT(choices.refusals,
              ElementsAre("REDIS_URL is set, but the plugin that serves it is missing: " +
                          (folder_ / "redis-registry.so").string() + ": is PLUGINS_DIR correct?"));
}

TEST_F(Choosing, RefusesAFolder) {
  fs::create_directory(folder_ / "mine.so");
  EXPECT_EQ(resolve({{"NODES_AUTHENTICATION_PLUGIN", "mine"}}).refusals.size(), 1u);
}

TEST_F(Choosing, CollectsAllThatIsMissing) {
  const Choices choices = resolve({{"NODES_AUTHENTICATION_PLUGIN", "a"},
                                   {"REDIS_URL", "redis://localhost"},
                                   {"ON_AUTHENTICATED_SOCKET_MSG_PLUGIN", "b,c"}});
  EXPECT_EQ(choices.refusals.size(), 4u);
}

}  // namespace
}  // namespace crolang::plugin_host
