// The suite for registries, over the plugin's file and a real Redis.
#include <crolang/testing/registry_contract.hpp>

#include "redis_server.hpp"

namespace {

namespace pt = crolang::plugin::testing;
using pt::RegistryContract;

std::unique_ptr<pt::Module> make_registry() {
  return pt::module_of(
      std::string(REDIS_REGISTRY), CROLANG_REGISTRY,
      {{"REDIS_URL", crolang::testing::shared_redis().url()}, {"REDIS_KEY_PREFIX", "contract:"}})();
}

INSTANTIATE_TEST_SUITE_P(Redis, RegistryContract,
                         ::testing::Values(pt::RegistryCase{"redis", &make_registry,
                                                            pt::RegistryCase::Grid::shared}),
                         pt::case_name);

}  // namespace
