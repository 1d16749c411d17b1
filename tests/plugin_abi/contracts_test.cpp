// The contract suites over the example plugins and those of the documentation, as files, and over
// the reference registry.
#include <crolang/testing/module_contract.hpp>
#include <crolang/testing/registry_contract.hpp>

#include "plugin_abi/memory_grid.hpp"

namespace pt = crolang::plugin::testing;
using pt::Expect;
using pt::ModuleContract;
using pt::RegistryContract;

INSTANTIATE_TEST_SUITE_P(
    Examples, ModuleContract,
    ::testing::Values(
        pt::ModuleCase{"TokenAuth",
                       pt::module_of(PLUGINS_DIR "/token-auth.so", CROLANG_AUTHENTICATION,
                                     {{"SHARED_TOKEN", "sesame"}}),
                       {pt::authenticate("alice", "sesame", Expect::yes),
                        pt::authenticate("alice", "sesamE", Expect::no),
                        pt::authenticate("alice", "sesam", Expect::no),
                        pt::authenticate("alice", "sesamesesame", Expect::no),
                        pt::authenticate("alice", "", Expect::no),
                        pt::authenticate("alice", std::nullopt, Expect::no)}},
        pt::ModuleCase{
            "DenyList",
            pt::module_of(PLUGINS_DIR "/deny-list.so", CROLANG_AUTHORIZATION,
                          {{"DENY_LIST", "eve, alice>bob"}}),
            {pt::authorize("alice", "bob", Expect::no), pt::authorize("bob", "alice", Expect::yes),
             pt::authorize("alice", "carol", Expect::yes),
             pt::authorize("eve", "carol", Expect::no), pt::authorize("carol", "eve", Expect::no),
             pt::authorize("carol", "eve2", Expect::yes)}},
        pt::ModuleCase{"MisbehaveAuthorization",
                       pt::module_of(TEST_PLUGINS_DIR "/misbehave.so", CROLANG_AUTHORIZATION),
                       {pt::authorize("alice", "bob", Expect::yes),
                        pt::authorize("alice", "no-bob", Expect::no),
                        pt::authorize("alice", "async-bob", Expect::yes),
                        pt::authorize("alice", "throw-bob", Expect::failure),
                        pt::authorize("alice", "down-bob", Expect::failure)}},
        pt::ModuleCase{"MisbehaveAuthentication",
                       pt::module_of(TEST_PLUGINS_DIR "/misbehave.so", CROLANG_AUTHENTICATION),
                       {pt::authenticate("async-bob", "x", Expect::yes),
                        pt::authenticate("slow-bob", std::nullopt, Expect::yes),
                        pt::authenticate("no-bob", "x", Expect::no)}}),
    pt::case_name);

INSTANTIATE_TEST_SUITE_P(
    Documented, ModuleContract,
    ::testing::Values(
        pt::ModuleCase{"RefuseOne",
                       pt::module_of(TEST_PLUGINS_DIR "/documented/refuse-one.so",
                                     CROLANG_AUTHENTICATION, {{"REFUSED_NODE", "mallory"}}),
                       {pt::authenticate("alice", std::nullopt, Expect::yes),
                        pt::authenticate("mallory", std::nullopt, Expect::no)}},
        pt::ModuleCase{
            "Teams",
            pt::module_of(TEST_PLUGINS_DIR "/documented/teams.so", CROLANG_AUTHORIZATION),
            {pt::authorize("alice@red", "bob@red", Expect::yes),
             pt::authorize("alice@red", "eve@blue", Expect::no)}},
        pt::ModuleCase{"NoEveInC",
                       pt::module_of(TEST_PLUGINS_DIR "/documented/no-eve-c.so",
                                     CROLANG_AUTHENTICATION, {{"BANNED_NODE", "mallory"}}),
                       {pt::authenticate("alice", std::nullopt, Expect::yes),
                        pt::authenticate("mallory", std::nullopt, Expect::no)}},
        pt::ModuleCase{"NoEve",
                       pt::module_of(TEST_PLUGINS_DIR "/documented/no-eve.so",
                                     CROLANG_AUTHENTICATION, {{"BANNED_NODE", "mallory"}}),
                       {pt::authenticate("alice", std::nullopt, Expect::yes),
                        pt::authenticate("mallory", std::nullopt, Expect::no)}}),
    pt::case_name);

INSTANTIATE_TEST_SUITE_P(Reference, RegistryContract,
                         ::testing::Values(pt::RegistryCase{
                             "MemoryGrid",
                             pt::module_of(crolang::plugin_abi::kMemoryGrid, CROLANG_REGISTRY),
                             pt::RegistryCase::Grid::shared}),
                         pt::case_name);
