#include "redis-registry/options.hpp"

#include <gmock/gmock.h>

#include <stdexcept>

namespace crolang::redis_registry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string refusal(std::string_view url) {
  try {
    parse_url(url);
  } catch (const std::invalid_argument& refused) {
    return refused.what();
  }
  return "accepted";
}

TEST(RedisUrl, NamesHostPortAndDatabase) {
  const Endpoint endpoint = parse_url("redis://cache.example:6380/3");
  EXPECT_EQ(endpoint.host, "cache.example");
  EXPECT_EQ(endpoint.port, 6380);
  EXPECT_EQ(endpoint.database, 3u);
  EXPECT_EQ(endpoint.user, "");
  EXPECT_EQ(endpoint.password, "");
}

TEST(RedisUrl, HasDefaultsForAllButTheScheme) {
  const Endpoint endpoint = parse_url("redis://");
  EXPECT_EQ(endpoint.host, "localhost");
  EXPECT_EQ(endpoint.port, 6379);
  EXPECT_EQ(endpoint.database, 0u);
}

TEST(RedisUrl, MayEndWithASlash) {
  EXPECT_EQ(parse_url("redis://host/").database, 0u);
}

TEST(RedisUrl, CarriesAPasswordAlone) {
  const Endpoint endpoint = parse_url("redis://:hush@host");
  EXPECT_EQ(endpoint.user, "");
  EXPECT_EQ(endpoint.password, "hush");
}

TEST(RedisUrl, CarriesUserAndPassword) {
  const Endpoint endpoint = parse_url("redis://broker:hush@host:1");
  EXPECT_EQ(endpoint.user, "broker");
  EXPECT_EQ(endpoint.password, "hush");
  EXPECT_EQ(endpoint.host, "host");
}

TEST(RedisUrl, DecodesUserAndPassword) {
  const Endpoint endpoint = parse_url("redis://b%40b:p%3A%2fw%25@host");
  EXPECT_EQ(endpoint.user, "b@b");
  EXPECT_EQ(endpoint.password, "p:/w%");
}

TEST(RedisUrl, TakesAPasswordWithUnescapedSigns) {
  const Endpoint endpoint = parse_url("redis://:a@b/c@host:7/1");
  EXPECT_EQ(endpoint.password, "a@b/c");
  EXPECT_EQ(endpoint.host, "host");
  EXPECT_EQ(endpoint.database, 1u);
}

TEST(RedisUrl, TakesAnIpv6AddressInBrackets) {
  const Endpoint endpoint = parse_url("redis://[::1]:6390/2");
  EXPECT_EQ(endpoint.host, "::1");
  EXPECT_EQ(endpoint.port, 6390);
  EXPECT_EQ(endpoint.database, 2u);
  EXPECT_EQ(endpoint.name(), "[::1]:6390");
  EXPECT_EQ(parse_url("redis://[::1]").port, 6379);
}

TEST(RedisUrl, NamesAUnixSocket) {
  const Endpoint endpoint = parse_url("unix:///run/redis/redis.sock?db=4");
  EXPECT_EQ(endpoint.host, "");
  EXPECT_EQ(endpoint.path, "/run/redis/redis.sock");
  EXPECT_EQ(endpoint.database, 4u);
  EXPECT_EQ(endpoint.name(), "/run/redis/redis.sock");
}

TEST(RedisUrl, CarriesAPasswordForAUnixSocket) {
  const Endpoint endpoint = parse_url("unix://user:hush@/run/a@b.sock");
  EXPECT_EQ(endpoint.user, "user");
  EXPECT_EQ(endpoint.password, "hush");
  EXPECT_EQ(endpoint.path, "/run/a@b.sock");
}

TEST(RedisUrl, IsNamedWithoutItsPassword) {
  EXPECT_EQ(parse_url("redis://user:hush@host:7/1").name(), "host:7");
}

TEST(RedisUrl, IsRefusedWithASentenceThatNamesTheVariable) {
  EXPECT_THAT(refusal("rediss://host"), HasSubstr("REDIS_URL: rediss:// needs hiredis 1.0"));
  EXPECT_THAT(refusal("http://host"), HasSubstr("REDIS_URL: the scheme is redis:// or unix://"));
  EXPECT_THAT(refusal("host:6379"), HasSubstr("REDIS_URL: is not a URL"));
  EXPECT_THAT(refusal("redis://host:0"), HasSubstr("the port is not a number"));
  EXPECT_THAT(refusal("redis://host:70000"), HasSubstr("the port is not a number"));
  EXPECT_THAT(refusal("redis://host:6379x"), HasSubstr("the port is not a number"));
  EXPECT_THAT(refusal("redis://host/zero"), HasSubstr("the database is a number"));
  EXPECT_THAT(refusal("redis://host/-1"), HasSubstr("the database is a number"));
  EXPECT_THAT(refusal("redis://[::1"), HasSubstr("bracket"));
  EXPECT_THAT(refusal("redis://[::1]x"), HasSubstr("no port follows"));
  EXPECT_THAT(refusal("redis://user@host"), HasSubstr("a user needs a password"));
  EXPECT_THAT(refusal("redis://host?tls=1"), HasSubstr("no parameters"));
  EXPECT_THAT(refusal("unix://run/redis.sock"), HasSubstr("by its path"));
  EXPECT_THAT(refusal("unix:///run/redis.sock?base=1"), HasSubstr("only parameter"));
}

TEST(RedisUrl, IsRefusedWithoutItsPassword) {
  for (const char* url : {"redis://user:hush%@host", "redis://user:hush%4@host",
                          "redis://user:hush%zz@host", "redis://user:hush@host:x"}) {
    EXPECT_THAT(refusal(url), Not(HasSubstr("hush")));
    EXPECT_NE(refusal(url), "accepted");
  }
}

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

TEST(RedisEndpoint, IsTheSamePlaceWhateverUserAndPassword) {
  const Endpoint here = parse_url("redis://one:first@host:6380/2");
  EXPECT_TRUE(here.is_same_place(parse_url("redis://two:second@host:6380/2")));
  EXPECT_TRUE(here.is_same_place(parse_url("redis://host:6380/2")));
  for (const char* other : {"redis://one:first@other:6380/2", "redis://one:first@host:6381/2",
                            "redis://one:first@host:6380/3", "unix://one:first@/host?db=2"}) {
    EXPECT_FALSE(here.is_same_place(parse_url(other))) << other;
  }
}

}  // namespace
}  // namespace crolang::redis_registry
