#include "redis-registry/endpoint.hpp"

#include <gmock/gmock.h>

#include <stdexcept>
#include <string_view>
#include <vector>

namespace crolang::redis_registry {
namespace {

using ::testing::ElementsAre;
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
  EXPECT_EQ(endpoint.hosts[0].host, "cache.example");
  EXPECT_EQ(endpoint.hosts[0].port, 6380);
  EXPECT_EQ(endpoint.database, 3u);
  EXPECT_EQ(endpoint.login.user, "");
  EXPECT_EQ(endpoint.login.password, "");
}

TEST(RedisUrl, HasDefaultsForAllButTheScheme) {
  const Endpoint endpoint = parse_url("redis://");
  EXPECT_EQ(endpoint.hosts[0].host, "localhost");
  EXPECT_EQ(endpoint.hosts[0].port, 6379);
  EXPECT_EQ(endpoint.database, 0u);
}

TEST(RedisUrl, MayEndWithASlash) {
  EXPECT_EQ(parse_url("redis://host/").database, 0u);
}

TEST(RedisUrl, CarriesAPasswordAlone) {
  const Endpoint endpoint = parse_url("redis://:hush@host");
  EXPECT_EQ(endpoint.login.user, "");
  EXPECT_EQ(endpoint.login.password, "hush");
}

TEST(RedisUrl, CarriesUserAndPassword) {
  const Endpoint endpoint = parse_url("redis://broker:hush@host:1");
  EXPECT_EQ(endpoint.login.user, "broker");
  EXPECT_EQ(endpoint.login.password, "hush");
  EXPECT_EQ(endpoint.hosts[0].host, "host");
}

TEST(RedisUrl, DecodesUserAndPassword) {
  const Endpoint endpoint = parse_url("redis://b%40b:p%3A%2fw%25@host");
  EXPECT_EQ(endpoint.login.user, "b@b");
  EXPECT_EQ(endpoint.login.password, "p:/w%");
}

TEST(RedisUrl, TakesAPasswordWithUnescapedSigns) {
  const Endpoint endpoint = parse_url("redis://:a@b/c@host:7/1");
  EXPECT_EQ(endpoint.login.password, "a@b/c");
  EXPECT_EQ(endpoint.hosts[0].host, "host");
  EXPECT_EQ(endpoint.database, 1u);
}

TEST(RedisUrl, TakesAnIpv6AddressInBrackets) {
  const Endpoint endpoint = parse_url("redis://[::1]:6390/2");
  EXPECT_EQ(endpoint.hosts[0].host, "::1");
  EXPECT_EQ(endpoint.hosts[0].port, 6390);
  EXPECT_EQ(endpoint.database, 2u);
  EXPECT_EQ(endpoint.name(), "[::1]:6390");
  EXPECT_EQ(parse_url("redis://[::1]").hosts[0].port, 6379);
}

TEST(RedisUrl, NamesAUnixSocket) {
  const Endpoint endpoint = parse_url("unix:///run/redis/redis.sock?db=4");
  EXPECT_TRUE(endpoint.is_unix());
  EXPECT_EQ(endpoint.path, "/run/redis/redis.sock");
  EXPECT_EQ(endpoint.database, 4u);
  EXPECT_EQ(endpoint.name(), "/run/redis/redis.sock");
}

TEST(RedisUrl, CarriesAPasswordForAUnixSocket) {
  const Endpoint endpoint = parse_url("unix://user:hush@/run/a@b.sock");
  EXPECT_EQ(endpoint.login.user, "user");
  EXPECT_EQ(endpoint.login.password, "hush");
  EXPECT_EQ(endpoint.path, "/run/a@b.sock");
}

TEST(RedisUrl, NamesSeveralHosts) {
  const Endpoint endpoint = parse_url("redis://broker:h,sh@a:1,b,[::1]:3,a:1/4?master=my%20one");
  EXPECT_EQ(endpoint.login.password, "h,sh");
  EXPECT_THAT(endpoint.hosts,
              ElementsAre(HostPort{"a", 1}, HostPort{"b", 6379}, HostPort{"::1", 3}));
  EXPECT_EQ(endpoint.database, 4u);
  EXPECT_EQ(endpoint.master, "my one");
  EXPECT_EQ(endpoint.name(), "a:1,b:6379,[::1]:3");
}

TEST(RedisUrl, BoundsTheNumberOfHosts) {
  std::string many = "redis://h";
  for (int i = 1; i < 32; ++i) many += ",h" + std::to_string(i);
  EXPECT_EQ(parse_url(many).hosts.size(), 32u);
  EXPECT_THAT(refusal(many + ",more"), HasSubstr("more than 32 hosts"));
}

TEST(RedisUrl, AsksForTlsByItsScheme) {
  EXPECT_FALSE(parse_url("redis://host").tls);
  const Endpoint endpoint = parse_url("rediss://user:hush@host:7/1");
  EXPECT_TRUE(endpoint.tls);
  EXPECT_EQ(endpoint.name(), "host:7");
  EXPECT_FALSE(endpoint.is_same_place(parse_url("redis://user:hush@host:7/1")));
}

TEST(RedisUrl, IsNamedWithoutItsPassword) {
  EXPECT_EQ(parse_url("redis://user:hush@host:7/1").name(), "host:7");
}

TEST(RedisUrl, IsRefusedWithASentenceThatNamesTheVariable) {
  EXPECT_THAT(refusal("http://host"), HasSubstr("REDIS_URL: the scheme is redis://, rediss://"));
  EXPECT_THAT(refusal("host:6379"), HasSubstr("REDIS_URL: is not a URL"));
  EXPECT_THAT(refusal("redis://host:0"), HasSubstr("the port is not a number"));
  EXPECT_THAT(refusal("redis://host:70000"), HasSubstr("the port is not a number"));
  EXPECT_THAT(refusal("redis://host:6379x"), HasSubstr("the port is not a number"));
  EXPECT_THAT(refusal("redis://host/zero"), HasSubstr("the database must be a number"));
  EXPECT_THAT(refusal("redis://host/-1"), HasSubstr("the database must be a number"));
  EXPECT_THAT(refusal("redis://[::1"), HasSubstr("bracket"));
  EXPECT_THAT(refusal("redis://[::1]x"), HasSubstr("no port follows"));
  EXPECT_THAT(refusal("redis://user@host"), HasSubstr("a user needs a password"));
  EXPECT_THAT(refusal("redis://host?tls=1"), HasSubstr("the only parameter of redis:// is master"));
  EXPECT_THAT(refusal("redis://host?master=a&db=1"), HasSubstr("the only parameter"));
  EXPECT_THAT(refusal("redis://host?master="), HasSubstr("the name of the master is empty"));
  EXPECT_THAT(refusal("redis://host?master=%x"), HasSubstr("a percent sign in the name"));
  EXPECT_THAT(refusal("redis://a:1,,b:2"), HasSubstr("a host in the list is empty"));
  EXPECT_THAT(refusal("redis://a:1,b:x"), HasSubstr("the port is not a number"));
  EXPECT_THAT(refusal("redis://host#x"), HasSubstr("the only parameter"));
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

TEST(RedisEndpoint, IsTheSamePlaceWhateverUserAndPassword) {
  const Endpoint here = parse_url("redis://one:first@host:6380/2");
  EXPECT_TRUE(here.is_same_place(parse_url("redis://two:second@host:6380/2")));
  EXPECT_TRUE(here.is_same_place(parse_url("redis://host:6380/2")));
  for (const char* other :
       {"redis://one:first@other:6380/2", "redis://one:first@host:6381/2",
        "redis://one:first@host:6380/3", "rediss://one:first@host:6380/2",
        "redis://one:first@host:6380,other/2", "redis://one:first@host:6380/2?master=m",
        "unix://one:first@/host?db=2"}) {
    EXPECT_FALSE(here.is_same_place(parse_url(other))) << other;
  }
}

TEST(Login, NamesTheUserIfThereIsOne) {
  using Words = std::vector<std::string_view>;
  EXPECT_EQ((Login{"", "secret"}.command()), (Words{"AUTH", "secret"}));
  EXPECT_EQ((Login{"someone", "secret"}.command()), (Words{"AUTH", "someone", "secret"}));
}

}  // namespace
}  // namespace crolang::redis_registry
