// The contract suites over the built-in modules: they answer through the plugins' tables, so they
// have to keep what plugins have to.
#include "modules/builtin/builtin.hpp"

#include <crolang/testing/module_contract.hpp>
#include <crolang/testing/registry_contract.hpp>
#include <memory>
#include <optional>

namespace pt = crolang::plugin::testing;
namespace builtin = crolang::modules::builtin;
using crolang::modules::Kind;
using pt::Expect;
using pt::ModuleContract;
using pt::RegistryContract;

namespace {

/// For tables whose `self` is not used.
std::shared_ptr<void> nobody() {
  return nullptr;
}

template <Kind kind>
pt::MakeModule built_in() {
  return pt::module_of(builtin::built_ins(nullptr).of<kind>().table, &nobody);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(
    BuiltIn, ModuleContract,
    ::testing::Values(pt::ModuleCase{"GoogleStun",
                                     built_in<Kind::rtc_config>(),
                                     {pt::resolve("alice", R"({"iceServers":[{"urls":["stun:)"),
                                      pt::resolve("bob", R"("iceTransportPolicy":"all")")}},
                      pt::ModuleCase{"Everybody",
                                     built_in<Kind::authentication>(),
                                     {pt::authenticate("alice", "data", Expect::yes),
                                      pt::authenticate("bob", "", Expect::yes),
                                      pt::authenticate("carol", std::nullopt, Expect::yes)}},
                      pt::ModuleCase{"EveryPair",
                                     built_in<Kind::authorization>(),
                                     {pt::authorize("alice", "bob", Expect::yes),
                                      pt::authorize("alice", "alice", Expect::yes)}},
                      pt::ModuleCase{"AllValid",
                                     built_in<Kind::validity>(),
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
