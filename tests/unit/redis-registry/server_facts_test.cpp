#include "redis-registry/server_facts.hpp"

#include <gmock/gmock.h>

#include "redis-registry/refusal.hpp"
#include "redis-registry/reply_reader.hpp"

namespace crolang::redis_registry {
namespace {

using testing::HasSubstr;

Hello hello_of(std::string_view bytes) {
  ReplyReader reader(10'000);
  reader.feed(bytes);
  const Reply reply = reader.next();
  EXPECT_NE(reply, nullptr);
  return read_hello(*reply);
}

// As Redis 7.0.15 answers, and a Sentinel of it, which has no role.
TEST(Hello, SaysModeAndRole) {
  const Hello replica = hello_of(
      "*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:2\r\n"
      "$2\r\nid\r\n:6\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$7\r\nreplica\r\n"
      "$7\r\nmodules\r\n*0\r\n");
  EXPECT_EQ(replica.mode, Hello::Mode::standalone);
  EXPECT_EQ(replica.role, Hello::Role::replica);
  const Hello sentinel = hello_of(
      "*6\r\n$6\r\nserver\r\n$5\r\nredis\r\n$4\r\nmode\r\n$8\r\nsentinel\r\n$7\r\nmodules\r\n*"
      "0\r\n");
  EXPECT_EQ(sentinel.mode, Hello::Mode::sentinel);
  EXPECT_EQ(sentinel.role, Hello::Role::unknown);
  const Hello node =
      hello_of("*4\r\n$4\r\nmode\r\n$7\r\ncluster\r\n$4\r\nrole\r\n$6\r\nmaster\r\n");
  EXPECT_EQ(node.mode, Hello::Mode::cluster);
  EXPECT_EQ(node.role, Hello::Role::master);
}

TEST(Hello, TakesWhatItDoesNotUnderstandForUnknown) {
  for (const char* const strange : {"+OK\r\n", "*0\r\n", "*-1\r\n", "*1\r\n$4\r\nmode\r\n",
                                    "*2\r\n$4\r\nmode\r\n:1\r\n", "*2\r\n$4\r\nmode\r\n$-1\r\n",
                                    "*2\r\n$4\r\nmode\r\n$4\r\nodd!\r\n", "*2\r\n*0\r\n*0\r\n"}) {
    EXPECT_EQ(hello_of(strange).mode, Hello::Mode::unknown) << strange;
    EXPECT_EQ(hello_of(strange).role, Hello::Role::unknown) << strange;
  }
}

// As Redis 6.0.16 answers INFO server.
TEST(ServerInfo, SaysModeAndVersionWhereHelloIsNotKnown) {
  const Hello node = read_server_info("# Server\r\nredis_version:6.0.16\r\nredis_mode:cluster\r\n");
  EXPECT_EQ(node.mode, Hello::Mode::cluster);
  EXPECT_EQ(node.version, 6u);
  EXPECT_EQ(read_server_info("redis_version:5.0.7\r\nredis_mode:standalone\r\n").mode,
            Hello::Mode::standalone);
  EXPECT_EQ(read_server_info("").mode, Hello::Mode::unknown);
}

TEST(Hello, IsNotKnownToOldServers) {
  EXPECT_TRUE(does_not_know_hello("ERR unknown command `HELLO`, with args beginning with: "));
  EXPECT_TRUE(does_not_know_hello("ERR wrong number of arguments for 'hello' command"));
  EXPECT_FALSE(
      does_not_know_hello("NOAUTH HELLO must be called with the client already "
                          "authenticated"));
}

TEST(Hello, OfAMasterASentinelOrAnUnknownServerIsEnough) {
  using enum Hello::Mode;
  using Role = Hello::Role;
  const Endpoint url = parse_url("redis://one");
  EXPECT_EQ(why_unusable({}, url, Place::of_url), "");
  EXPECT_EQ(why_unusable({standalone, Role::master}, url, Place::of_url), "");
  EXPECT_NE(why_unusable({standalone, Role::replica}, url, Place::of_url), "");
  EXPECT_EQ(why_unusable({Hello::Mode::sentinel, Role::unknown}, url, Place::of_url), "");
}

TEST(Hello, OfANodeOfAClusterIsEnoughToLearnOfTheOthers) {
  const Hello replica{Hello::Mode::cluster, Hello::Role::replica, 7};
  const Hello master{Hello::Mode::cluster, Hello::Role::master, 7};
  Endpoint url = parse_url("redis://one");
  EXPECT_EQ(why_unusable(replica, url, Place::of_url), "");
  EXPECT_EQ(why_unusable(master, url, Place::in_cluster), "");
  EXPECT_THAT(why_unusable(replica, url, Place::in_cluster), HasSubstr("this is a replica"));
  const Hello other{Hello::Mode::standalone, Hello::Role::master, 7};
  EXPECT_THAT(why_unusable(other, url, Place::in_cluster), HasSubstr("not in cluster mode"));
  const Hello old{Hello::Mode::cluster, Hello::Role::master, 6};
  EXPECT_THAT(why_unusable(old, url, Place::of_url), HasSubstr("version 6"));
  url.database = 3;
  EXPECT_THAT(why_unusable(master, url, Place::of_url), HasSubstr("remove /3 from REDIS_URL"));
  EXPECT_THAT(why_unusable(master, parse_url("unix:///run/redis.sock"), Place::of_url),
              HasSubstr("by host and port"));
}

TEST(ServerRun, IsReadFromInfo) {
  constexpr std::string_view kServer =
      "# Server\r\nredis_version:7.0.15\r\nrun_id:0123abc\r\nuptime_in_seconds:75\r\n";
  const ServerRun run =
      read_server_run(kServer,
                      "# Replication\r\nrole:master\r\nconnected_slaves:2\r\nmaster_replid:456\r\n"
                      "master_replid2:0000000000000000000000000000000000000000\r\n");
  EXPECT_EQ(run.id, "0123abc");
  EXPECT_EQ(run.uptime, std::chrono::seconds(75));
  EXPECT_EQ(run.replicas, 2U);
  EXPECT_EQ(read_server_run(kServer, {}).id, "0123abc");
  EXPECT_EQ(read_server_run(kServer, {}).replicas, std::nullopt);
  EXPECT_EQ(read_server_run({}, "master_replid:456\r\nmaster_replid2:1\r\n").id, "");
  EXPECT_EQ(read_server_run("uptime_in_seconds:x", {}).uptime, std::chrono::seconds(0));
  // It was promoted in this run.
  EXPECT_EQ(read_server_run(kServer, "master_replid:456\r\nmaster_replid2:123\r\n").id,
            "0123abc.456");
  EXPECT_EQ(read_server_run("run_id:" + std::string(500, 'x'), {}).id.size(), 100U);
}

}  // namespace
}  // namespace crolang::redis_registry
