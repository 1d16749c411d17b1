// The contract suites over the built-in modules: they answer through the plugins' tables, so they
// have to keep what plugins have to.
#include "modules/builtin/builtin.hpp"

#include <crolang/testing/module_contract.hpp>
#include <crolang/testing/registry_contract.hpp>
#include <memory>
#include <optional>

namespace pt = crolang::plugin::testing;
namespace builtin = crolang::modules::builtin;
using pt::Expect;
using pt::ModuleContract;
using pt::RegistryContract;

namespace {

/// For tables whose `self` is not used.
std::shared_ptr<void> nobody() {
  return nullptr;
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(
    BuiltIn, ModuleContract,
    ::testing::Values(pt::ModuleCase{"GoogleStun",
                                     pt::module_of(builtin::google_stun_table(), &nobody),
                                     {pt::resolve("alice", R"({"iceServers":[{"urls":["stun:)"),
                                      pt::resolve("bob", R"("iceTransportPolicy":"all")")}},
                      pt::ModuleCase{"Everybody",
                                     pt::module_of(builtin::everybody_table(), &nobody),
                                     {pt::authenticate("alice", "data", Expect::yes),
                                      pt::authenticate("bob", "", Expect::yes),
                                      pt::authenticate("carol", std::nullopt, Expect::yes)}},
                      pt::ModuleCase{"EveryPair",
                                     pt::module_of(builtin::every_pair_table(), &nobody),
                                     {pt::authorize("alice", "bob", Expect::yes),
                                      pt::authorize("alice", "alice", Expect::yes)}},
                      pt::ModuleCase{"AllValid",
                                     pt::module_of(builtin::all_valid_table(), &nobody),
                                     {pt::check({}, {}), pt::check({"alice"}, {true}),
                                      pt::check({"alice", "bob", "alice"}, {true, true, true})}}),
    pt::case_name);

INSTANTIATE_TEST_SUITE_P(BuiltIn, RegistryContract,
                         ::testing::Values(pt::RegistryCase{
                             "MemoryRegistry",
                             pt::module_of(builtin::memory_registry_table(),
                                           [] {
                                             return std::shared_ptr<void>(
                                                 builtin::make_memory_registry(),
                                                 [](void* registry) {
                                                   builtin::destroy_memory_registry(
                                                       static_cast<builtin::MemoryRegistry*>(
                                                           registry));
                                                 });
                                           }),
                             pt::RegistryCase::Grid::one_instance}),
                         pt::case_name);
