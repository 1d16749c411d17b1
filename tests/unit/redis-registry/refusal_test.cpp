#include "redis-registry/refusal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crolang::redis_registry {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Refusal, TellsALackOfRoomFromAWrongPassword) {
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
              HasSubstr("wants a password"));
}

TEST(Refusal, SaysThatAServerKnowsNoUsers) {
  EXPECT_THAT(describe_refusal("AUTH", "ERR wrong number of arguments for 'auth' command"),
              HasSubstr("before version 6"));
}

TEST(Refusal, NamesProtectedMode) {
  EXPECT_THAT(describe_refusal("AUTH", "DENIED Redis is running in protected mode because …"),
              HasSubstr("protected mode"));
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
  EXPECT_EQ(describe_refusal("SELECT", "ERR DB index is out of range"),
            "SELECT: ERR DB index is out of range");
}

}  // namespace
}  // namespace crolang::redis_registry
