#include "plugin_host/entry_check.hpp"

#include <gtest/gtest.h>

#include <array>

namespace crolang::plugin_host {
namespace {

crolang_status create(const crolang_host*, void**, char*, std::size_t) {
  return CROLANG_OK;
}
void stop(void*, void (*)(void*), void*) {}
void destroy(void*) {}
void authorize(void*, crolang_str, crolang_str, std::uint32_t, crolang_yes_no_fn, void*) {}
void resolve(void*, crolang_str, std::uint32_t, crolang_text_fn, void*) {}

class EntryCheck : public ::testing::Test {
 protected:
  void expect_refusal(const std::string& sentence) {
    EXPECT_EQ(entry_refusal(&entry_).value_or("fits"), sentence);
  }

  crolang_authorization authorization_{sizeof(crolang_authorization), &authorize};
  crolang_rtc_config rtc_config_{sizeof(crolang_rtc_config), &resolve};
  std::array<crolang_module, 2> modules_{
      {{CROLANG_AUTHORIZATION, &authorization_}, {CROLANG_RTC_CONFIG, &rtc_config_}}};
  std::array<crolang_env, 1> env_{{{"NAME", CROLANG_BOOL, 0, nullptr, "help"}}};
  crolang_plugin entry_{CROLANG_MAGIC,
                        CROLANG_ABI_MAJOR,
                        0,
                        sizeof(crolang_plugin),
                        0,
                        "org.example.test",
                        "1",
                        "a test",
                        env_.data(),
                        env_.size(),
                        modules_.data(),
                        modules_.size(),
                        &create,
                        &stop,
                        &destroy,
                        nullptr,
                        nullptr};
};

TEST_F(EntryCheck, AcceptsWhatFits) {
  expect_refusal("fits");
}

TEST_F(EntryCheck, AcceptsNoVariables) {
  entry_.env = nullptr;
  entry_.env_count = 0;
  expect_refusal("fits");
}

TEST_F(EntryCheck, AcceptsEntriesAndTablesThatHaveGrown) {
  entry_.size = sizeof(crolang_plugin) + 64;
  authorization_.size = sizeof(crolang_authorization) + 64;
  expect_refusal("fits");
}

TEST_F(EntryCheck, AcceptsAnEntryThatEndsBeforeCheck) {
  entry_.size = offsetof(crolang_plugin, check);
  expect_refusal("fits");
}

TEST_F(EntryCheck, AcceptsAnOlderMinor) {
  EXPECT_EQ(entry_refusal(&entry_, {CROLANG_ABI_MAJOR, 9}), std::nullopt);
}

TEST_F(EntryCheck, ReadsNothingBehindAWrongMagic) {
  const std::uint64_t other = 42;
  EXPECT_EQ(entry_refusal(reinterpret_cast<const crolang_plugin*>(&other)),
            "'crolang_plugin_entry' is not a broker plugin entry");
}

TEST_F(EntryCheck, LooksAtTheMajorBeforeAnythingThatItMayHaveMoved) {
  entry_.abi_major = 2;
  entry_.abi_minor = 9;
  entry_.size = 1;
  expect_refusal(
      "built for plugin ABI 2.9, this broker supports 1.x: rebuild it against plugin-api 1");
}

TEST_F(EntryCheck, NamesThePluginsMinorAndTheBrokers) {
  entry_.abi_minor = 7;
  EXPECT_EQ(entry_refusal(&entry_, {1, 6}),
            "needs plugin ABI 1.7, this broker offers 1.6: update the broker");
}

TEST_F(EntryCheck, LooksAtTheSizeBeforeWhatLiesBehind) {
  entry_.size = 80;
  entry_.create = nullptr;
  expect_refusal("entry is 80 bytes, ABI 1.0 needs 104");
}

TEST_F(EntryCheck, RefusesTextsAndListsThatAreNull) {
  entry_.version = nullptr;
  expect_refusal("'version' is null");
  entry_.version = "1";
  entry_.description = nullptr;
  expect_refusal("'description' is null");
  entry_.description = "";
  entry_.env = nullptr;
  expect_refusal("'env' is null");
  entry_.env = env_.data();
  entry_.modules = nullptr;
  expect_refusal("'modules' is null");
}

TEST_F(EntryCheck, RefusesVariablesWithoutNameOrHelp) {
  env_[0].name = "";
  expect_refusal("variable 1 has no name");
  env_[0] = {"NAME", CROLANG_BOOL, 0, nullptr, nullptr};
  expect_refusal("variable NAME has no help");
}

TEST_F(EntryCheck, RefusesAVariableThatNoShellCanSet) {
  for (const char* name : {"name", "1NAME", "MY-NAME", "MY NAME", "NAME=", "_NAME"}) {
    env_[0].name = name;
    expect_refusal("variable " + std::string(name) +
                   " is not named in capitals, digits and underscores");
  }
  env_[0].name = "NAME_2_";
  expect_refusal("fits");
}

TEST_F(EntryCheck, RefusesAVariableThatIsDeclaredTwice) {
  const std::array<crolang_env, 2> twice{env_[0], env_[0]};
  entry_.env = twice.data();
  entry_.env_count = twice.size();
  expect_refusal("variable NAME is declared twice");
}

TEST_F(EntryCheck, RefusesADefaultThatIsNotOfItsType) {
  env_[0] = {"NAME", CROLANG_BOOL, 0, "yes", "help"};
  expect_refusal("variable NAME: its default 'yes' is not of its type");
  env_[0].type = CROLANG_UINT;
  env_[0].default_value = "-1";
  expect_refusal("variable NAME: its default '-1' is not of its type");
  env_[0].default_value = "18446744073709551616";
  expect_refusal("variable NAME: its default '18446744073709551616' is not of its type");
  env_[0].default_value = "";
  expect_refusal("variable NAME: its default '' is not of its type");
  env_[0].default_value = "18446744073709551615";
  expect_refusal("fits");
  env_[0].type = CROLANG_URL;
  expect_refusal("variable NAME: its default '18446744073709551615' is not of its type");
  env_[0].default_value = "http://localhost";
  expect_refusal("fits");
  env_[0].type = CROLANG_STRING;
  env_[0].default_value = "";
  expect_refusal("fits");
}

TEST_F(EntryCheck, RefusesADefaultOfWhatIsRequired) {
  env_[0] = {"NAME", CROLANG_BOOL, CROLANG_REQUIRED, "true", "help"};
  expect_refusal("variable NAME is required and has a default");
}

TEST_F(EntryCheck, AcceptsFlagsThatALaterMinorMayAdd) {
  env_[0].flags = 128;
  expect_refusal("fits");
}

TEST_F(EntryCheck, RefusesTextsThatBreakALine) {
  env_[0].help = "two\nlines";
  expect_refusal("variable NAME: its help is not one line of text");
  env_[0].help = "h\xc3\xa9lp";
  expect_refusal("fits");
  entry_.description = "\x1b[31m";
  expect_refusal("'description' is not one line of text");
  entry_.description = "a test";
  entry_.version = "1\t0";
  expect_refusal("'version' is not one line of text");
}

TEST_F(EntryCheck, RefusesAnIdThatALogCannotHold) {
  for (const char* id : {"Bad id", "a=b", "two\nlines", "org/example"}) {
    entry_.id = id;
    expect_refusal("the plugin's id has other characters than letters, digits, '.', '_' and '-'");
  }
  entry_.id = "org.example.Test-2_x";
  expect_refusal("fits");
}

TEST_F(EntryCheck, RefusesAnUnknownKindBeforeItLooksIntoTables) {
  modules_[0].table = nullptr;
  modules_[1].kind = nullptr;
  expect_refusal(
      "provides ''; this broker knows registry/1, rtc-config/1, authentication/1, "
      "authorization/1, validity/1, message-observer/1");
}

TEST_F(EntryCheck, ChecksEveryTable) {
  rtc_config_.resolve = nullptr;
  expect_refusal("rtc-config/1: 'resolve' is null");
}

TEST_F(EntryCheck, NamesTheMissingFunctionOfABigTable) {
  crolang_registry registry{};
  registry.size = sizeof registry;
  registry.bind = [](void*, crolang_str, const crolang_registry_events*, char*,
                     std::size_t) -> crolang_status { return CROLANG_OK; };
  modules_[1] = {CROLANG_REGISTRY, &registry};
  expect_refusal("registry/1: 'claim' is null");
}

TEST_F(EntryCheck, AcceptsARegistryWithoutFlush) {
  crolang_registry registry{
      sizeof registry,
      [](void*, crolang_str, const crolang_registry_events*, char*, std::size_t) -> crolang_status {
        return CROLANG_OK;
      },
      [](void*, crolang_lease, std::uint32_t, crolang_claimed_fn, void*) {},
      [](void*, crolang_lease, crolang_holder, std::uint32_t, crolang_claimed_fn, void*) {},
      [](void*, crolang_lease, std::uint32_t, crolang_done_fn, void*) {},
      [](void*, crolang_lease, std::uint32_t, crolang_done_fn, void*) {},
      [](void*, crolang_str, crolang_holder, std::uint32_t, std::uint32_t, crolang_probed_fn,
         void*) {},
      [](void*, const crolang_str*, std::size_t, std::uint32_t, crolang_located_fn, void*) {},
      [](void*, crolang_str, crolang_lease, crolang_str, std::uint32_t, crolang_yes_no_fn, void*) {
      },
      nullptr,
      nullptr,
      nullptr,
      nullptr,
      nullptr,
      nullptr,
      nullptr};
  modules_[1] = {CROLANG_REGISTRY, &registry};
  expect_refusal("fits");
  registry.size = offsetof(crolang_registry, presence);
  expect_refusal("fits");
  registry.send = nullptr;
  expect_refusal("registry/1: 'send' is null");
}

TEST_F(EntryCheck, RefusesAKindThatIsProvidedTwice) {
  modules_[1] = modules_[0];
  expect_refusal("provides authorization/1 twice");
}

}  // namespace
}  // namespace crolang::plugin_host
