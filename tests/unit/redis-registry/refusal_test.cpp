#include "redis-registry/refusal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crolang::redis_registry {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Refusal, DistinguishesTooManyClientsFromAWrongPassword) {
  const std::string full = describe_refusal("AUTH", "ERR max number of clients reached");
  EXPECT_THAT(full, HasSubstr("maxclients"));
  EXPECT_THAT(full, Not(HasSubstr("AUTH")));
  EXPECT_EQ(describe_refusal("INFO", "ERR max number of clients reached"), full);
  EXPECT_THAT(describe_refusal("AUTH", "ERR max number of clients + cluster connections reached"),
              HasSubstr("maxclients"));
}

TEST(Refusal, SaysThatNoPasswordIsConfigured) {
  for (const auto* const text :
       {"ERR AUTH <password> called without any password configured for the default user. Are you "
        "sure your configuration is correct?",
        "ERR Client sent AUTH, but no password is set"}) {
    EXPECT_THAT(describe_refusal("AUTH", text), HasSubstr("no password is configured in Redis"));
  }
}

TEST(Refusal, SaysThatUserOrPasswordAreWrong) {
  EXPECT_THAT(describe_refusal("AUTH", "WRONGPASS invalid username-password pair"),
              HasSubstr("WRONGPASS: the user or the password in REDIS_URL"));
}

TEST(Refusal, SaysThatAPasswordIsWanted) {
  EXPECT_THAT(describe_refusal("INFO", "NOAUTH Authentication required."),
              HasSubstr("requires a password"));
}

TEST(Refusal, SaysThatAServerKnowsNoUsers) {
  EXPECT_THAT(describe_refusal("AUTH", "ERR wrong number of arguments for 'auth' command"),
              HasSubstr("before version 6"));
}

TEST(Refusal, NamesProtectedMode) {
  EXPECT_THAT(describe_refusal("AUTH", "DENIED Redis is running in protected mode because …"),
              HasSubstr("protected mode"));
}

TEST(Refusal, SaysWhatIsNoRedis) {
  const std::string sentinel = describe_refusal(
      "SCRIPT", "ERR unknown command 'SCRIPT', with args beginning with: 'LOAD' 'local there'");
  EXPECT_THAT(sentinel, HasSubstr("SCRIPT: this server does not know the command"));
  EXPECT_THAT(sentinel, Not(HasSubstr("local there")));
  // Of a command that nobody waits for, such as SUBSCRIBE.
  EXPECT_EQ(describe_end("ERR unknown command 'SUBSCRIBE', with args beginning with: 'x'"),
            "this server does not know the command: is it Redis, not Sentinel or a proxy?");
  EXPECT_THAT(describe_end("Protocol error, got \"H\" as reply type byte"),
              HasSubstr("this is not Redis: is the port in REDIS_URL right?"));
}

TEST(End, KnowsAnAlertOfTls) {
  EXPECT_TRUE(is_tls_alert(R"(Protocol error, got "\x15" as reply type byte)"));
  EXPECT_FALSE(is_tls_alert(R"(Protocol error, got "H" as reply type byte)"));
}

TEST(Refusal, SaysThatADatabaseIsNotThere) {
  EXPECT_THAT(describe_refusal("SELECT", "ERR DB index is out of range"),
              HasSubstr("the number at the end of REDIS_URL"));
}

TEST(Refusal, NeverRepeatsAScript) {
  for (const auto* const text :
       {"ERR unknown subcommand 'LOAD'. Try SCRIPT HELP. local there = redis.pcall('GET')",
        "ERR no such thing 'SCRIPT' 'LOAD' '\nlocal there = redis.pcall('",
        "ERR what is this?\nlocal there = redis.pcall('GET', KEYS[1])"}) {
    EXPECT_THAT(describe_refusal("SCRIPT", text), testing::StartsWith("SCRIPT: ERR "));
    EXPECT_THAT(describe_refusal("SCRIPT", text), Not(HasSubstr("there =")));
  }
  EXPECT_LE(describe_refusal("SCRIPT", "ERR " + std::string(1000, 'x')).size(), 130U);
  EXPECT_EQ(describe_refusal(
                "SCRIPT", "NOPERM this user has no permissions to run the 'script|load' command"),
            "SCRIPT: NOPERM this user has no permissions to run the 'script|load' command");
}

TEST(End, IsSaidInTheSameWordsAsARefusal) {
  EXPECT_EQ(describe_end("NOAUTH Authentication required."),
            describe_refusal("INFO", "NOAUTH Authentication required."));
  EXPECT_THAT(describe_end("CLUSTERDOWN The cluster is down"),
              HasSubstr("redis-cli --cluster check"));
  EXPECT_EQ(describe_end("Server closed the connection"), "Server closed the connection");
}

// Servers that do not know a command repeat its arguments.
TEST(Refusal, NeverRepeatsWhatWasGivenToAuth) {
  for (const auto* const text :
       {"ERR unknown command `AUTH`, with args beginning with: `hunter2`,",
        "ERR unknown command 'AUTH hunter2'", "-hunter2 is not welcome", "WRONGPASS hunter2"}) {
    EXPECT_THAT(describe_refusal("AUTH", std::string(" ") + text), Not(HasSubstr("hunter2")));
    if (*text != '-') {
      EXPECT_THAT(describe_refusal("AUTH", text), Not(HasSubstr("hunter2")));
    }
  }
}

TEST(Refusal, OfAnotherCommandIsShownAsItIs) {
  EXPECT_EQ(describe_refusal("SCRIPT", "BUSY Redis is busy running a script"),
            "SCRIPT: BUSY Redis is busy running a script");
}

}  // namespace
}  // namespace crolang::redis_registry
