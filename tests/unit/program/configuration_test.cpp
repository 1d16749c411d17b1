#include "program/configuration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace crolang::program {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const config::BundledVariable& named(const std::vector<config::BundledVariable>& all,
                                     const std::string& name) {
  return *std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
}

TEST(WhatBundledPluginsRead, IsNamedWithWhatWouldLoadOneThatReadsIt) {
  const auto all = all_bundled_variables(Chosen::loaded);
  EXPECT_THAT(named(all, "JWT_ISSUER").loaded_by,
              ElementsAre("NODES_AUTHENTICATION_PLUGIN=jwt-auth"));
  EXPECT_THAT(named(all, "WEBHOOK_TIMEOUT_MS").loaded_by, SizeIs(5));
}

TEST(WhatBundledPluginsRead, IsOnlyKnownWhereAPluginThatWasChosenIsMissing) {
  const auto all = all_bundled_variables(Chosen::refused);
  EXPECT_THAT(all, Each(Field(&config::BundledVariable::loaded_by, IsEmpty())));
  EXPECT_EQ(named(all, "JWT_SECRET").secrecy, config::Secrecy::secret);
}

TEST(BundledVariables, AreNoneInAFolderWithoutPlugins) {
  EXPECT_THAT(bundled_variables(::testing::TempDir() + "no-such-folder"), IsEmpty());
}

}  // namespace
}  // namespace crolang::program
