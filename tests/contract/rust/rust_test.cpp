// The contract suite over the example in Rust, as a file, and what it does at its borders.
#include <gmock/gmock.h>

#include <array>
#include <crolang/testing/module_contract.hpp>
#include <cstdio>

namespace pt = crolang::plugin::testing;
using pt::Expect;
using pt::ModuleContract;

namespace {

std::string refusal_of(const char* list) {
  try {
    const pt::Running plugin(pt::open_file(PLUGIN), {{"ALLOW_LIST", list}});
  } catch (const std::runtime_error& refusal) {
    return refusal.what();
  }
  return "no refusal";
}

std::string output_of(const char* command) {
  std::string output;
  FILE* const pipe = popen(command, "r");
  std::array<char, 256> line{};
  while (pipe != nullptr && std::fgets(line.data(), line.size(), pipe)) output += line.data();
  if (pipe != nullptr) pclose(pipe);
  return output;
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(
    Rust, ModuleContract,
    ::testing::Values(pt::ModuleCase{
        "AllowList",
        pt::module_of(PLUGIN, CROLANG_AUTHORIZATION,
                      {{"ALLOW_LIST", "alice>bob, *>server, server>*, Zoë>€"}}),
        {pt::authorize("alice", "bob", Expect::yes), pt::authorize("bob", "alice", Expect::no),
         pt::authorize("alice", "bobby", Expect::no), pt::authorize("bob", "server", Expect::yes),
         pt::authorize("server", "carol", Expect::yes), pt::authorize("carol", "bob", Expect::no),
         pt::authorize("Zoë", "€", Expect::yes), pt::authorize("", "", Expect::no)}}),
    pt::case_name);

TEST(RustAllowList, RefusesTheStartWithASentence) {
  EXPECT_EQ(refusal_of("alice>bob,carol"), "ALLOW_LIST: 'carol' is not from>to");
}

TEST(RustAllowList, ValidatesItsListWithoutBeingCreated) {
  const auto faults_of = [](const char* list) {
    return pt::check_variables(pt::open_file(PLUGIN), {{"ALLOW_LIST", list}}).faults;
  };
  EXPECT_THAT(faults_of("alice>bob"), ::testing::IsEmpty());
  EXPECT_THAT(faults_of("alice>bob,carol"),
              ::testing::ElementsAre("ALLOW_LIST: 'carol' is not from>to"));
}

TEST(RustAllowList, WritesToTheLog) {
  pt::Running plugin(pt::open_file(PLUGIN), {{"ALLOW_LIST", "alice>bob,alice>carol,bob>carol"}});
  ASSERT_EQ(plugin.host().log().size(), 1u);
  EXPECT_EQ(plugin.host().log()[0].text, "senders on the list: 2");
}

TEST(RustAllowList, ExportsItsEntryOnly) {
  EXPECT_THAT(output_of(NM " --dynamic --defined-only --format=just-symbols " PLUGIN),
              ::testing::Eq("crolang_plugin_entry\n"));
}
