#include "redis-registry/options.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace crolang::redis_registry {
namespace {

TEST(RedisOptions, BoundTheLifeOfALease) {
  EXPECT_EQ(parse_options("redis://", "p:", "1000").lock_ttl, std::chrono::seconds(1));
  EXPECT_THROW(parse_options("redis://", "p:", "999"), std::invalid_argument);
  EXPECT_THROW(parse_options("redis://", "p:", "86400001"), std::invalid_argument);
  EXPECT_THROW(parse_options("redis://", "p:", ""), std::invalid_argument);
}

TEST(RedisOptions, BoundTheKeyPrefix) {
  EXPECT_EQ(parse_options("redis://", "", "1000").key_prefix, "");
  EXPECT_THROW(parse_options("redis://", std::string(257, 'p'), "1000"), std::invalid_argument);
}

TEST(RedisOptions, SayWhatPrefixIsNotForClusters) {
  EXPECT_EQ(describe_prefix_in_cluster(""), "");
  EXPECT_EQ(describe_prefix_in_cluster("crolang:"), "");
  EXPECT_EQ(describe_prefix_in_cluster("{grid}:").find("REDIS_KEY_PREFIX: {grid}: contains {"), 0U);
}

}  // namespace
}  // namespace crolang::redis_registry
