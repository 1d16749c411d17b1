#include "turn-credentials/configuration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "turn-credentials/credentials.hpp"

namespace crolang::turn_credentials {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::chrono::sys_seconds kNow{std::chrono::seconds(1'700'000'000)};

Settings settings() {
  return {.turn_urls = "turn:turn.example.org",
          .stun_urls = {},
          .secret = "north",
          .credential_ttl_s = "14400",
          .username = "expiry:id",
          .ice_transport_policy = "all"};
}

nlohmann::json answer(const Settings& given, std::string_view node = "alice") {
  return nlohmann::json::parse(Configuration(given).for_node(node, kNow));
}

std::string refusal_of(const Settings& given) {
  try {
    const Configuration configuration(given);
  } catch (const std::invalid_argument& refusal) {
    return refusal.what();
  }
  return "no refusal";
}

TEST(Configuration, IsTheWholeAnswerOfTheContract) {
  Settings given = settings();
  given.stun_urls = "stun:stun.example.org:3478";
  EXPECT_EQ(Configuration(given).for_node("alice", kNow),
            R"({"iceServers":[{"urls":["stun:stun.example.org:3478"]},)"
            R"({"urls":["turn:turn.example.org"],"username":"1700014400:alice",)"
            R"("password":"vdJ7XnuaY5qzTO0D1hs7yLBVLqA=",)"
            R"("credential":"vdJ7XnuaY5qzTO0D1hs7yLBVLqA="}],)"
            R"("iceTransportPolicy":"all","bundlePolicy":"max-bundle",)"
            R"("rtcpMuxPolicy":"require"})");
}

TEST(Configuration, HasNoStunEntryWithoutStunServers) {
  const auto servers = answer(settings())["iceServers"];
  ASSERT_EQ(servers.size(), 1u);
  EXPECT_EQ(servers[0]["urls"][0], "turn:turn.example.org");
}

TEST(Configuration, TakesListsWithCommasAndBlanks) {
  Settings given = settings();
  given.turn_urls =
      " turn:a.example:3478?transport=udp,turns:b.example:5349?transport=tcp\n"
      "turn:[2001:db8::1]:3478 ,, turn:192.0.2.1 ";
  given.stun_urls = "stun:c.example stuns:d.example";
  const auto servers = answer(given)["iceServers"];
  EXPECT_EQ(servers[0]["urls"], nlohmann::json({"stun:c.example", "stuns:d.example"}));
  EXPECT_EQ(servers[1]["urls"], nlohmann::json({"turn:a.example:3478?transport=udp",
                                                "turns:b.example:5349?transport=tcp",
                                                "turn:[2001:db8::1]:3478", "turn:192.0.2.1"}));
}

TEST(Configuration, CountsTheTimeToLiveFromNow) {
  Settings given = settings();
  given.credential_ttl_s = "60";
  EXPECT_EQ(answer(given)["iceServers"][0]["username"], "1700000060:alice");
}

TEST(Configuration, KeepsAnyNodeIdWholeInItsJson) {
  for (const std::string_view node :
       {"quote\"back\\slash", "a:b:c", "Zoë€😀", "line\nbreak", "</script>"}) {
    const auto server = answer(settings(), node)["iceServers"][0];
    const auto expected = make_credentials("north", node, kNow + std::chrono::seconds(14400));
    EXPECT_EQ(server["username"], expected.username);
    EXPECT_EQ(server["password"], expected.password);
    EXPECT_EQ(server["credential"], expected.password);
  }
}

TEST(Configuration, CanLeaveTheNodeOutOfItsUsername) {
  Settings given = settings();
  given.username = "expiry";
  const auto server = answer(given)["iceServers"][0];
  const auto expected =
      make_credentials("north", "alice", kNow + std::chrono::seconds(14400), Username::expiry);
  EXPECT_EQ(server["username"], "1700014400");
  EXPECT_EQ(server["password"], expected.password);
  EXPECT_EQ(server["credential"], expected.password);
}

TEST(Configuration, RefusesAnUnknownUsername) {
  Settings given = settings();
  given.username = "id";
  EXPECT_EQ(refusal_of(given), "TURN_USERNAME: 'id' is neither expiry:id nor expiry");
}

TEST(Configuration, CanAllowTheRelayOnly) {
  Settings given = settings();
  given.ice_transport_policy = "relay";
  EXPECT_EQ(answer(given)["iceTransportPolicy"], "relay");
}

TEST(Configuration, RefusesUrlsThatAreNoTurnServers) {
  for (const char* url : {"stun:a.example",
                          "turn:",
                          "turn",
                          "a.example:3478",
                          "turn://a.example",
                          "https://a.example",
                          "turn:a.example?transport=sctp",
                          "turn:a.example?transport=",
                          "xturn:a.example",
                          "turnx:a.example",
                          "turn:a.example?transport=udp?transport=udp",
                          ":a.example",
                          "turn:h:abc",
                          "turn:h:99999",
                          "turn:h:0",
                          "turn::3478",
                          "turn:h:",
                          "turn:::1",
                          "turn:[::1",
                          "turn:h:3478:9",
                          "turn:a\"b",
                          "turn:${TURN_HOST}:3478",
                          "turn:h:3478&transport=udp",
                          "turn:bücher.example"}) {
    Settings given = settings();
    const std::string list = std::string("turn:good.example,") + url;
    given.turn_urls = list;
    EXPECT_THAT(refusal_of(given), HasSubstr(std::string("TURN_URLS: '") + url + "' is not turn:"));
  }
}

TEST(Configuration, RefusesUrlsThatAreNoStunServers) {
  for (const char* url :
       {"turn:a.example", "stun:", "stun://a.example", "stun:a.example?transport=udp", "stun:h:abc",
        "STUN:h", "stuns:h?transport=tcp"}) {
    Settings given = settings();
    given.stun_urls = url;
    EXPECT_THAT(refusal_of(given), HasSubstr(std::string("STUN_URLS: '") + url + "' is not stun:"));
  }
}

TEST(Configuration, SaysWhatIsWrongWithAUrl) {
  Settings given = settings();
  given.turn_urls = "turn:a.example:99999";
  EXPECT_EQ(refusal_of(given),
            "TURN_URLS: 'turn:a.example:99999' is not turn:host[:port][?transport=udp|tcp] or "
            "turns:…: its port is not a number from 1 to 65535");
}

TEST(Configuration, RefusesASpellingThatNotEveryStackTakesWithTheRightOne) {
  for (const auto& [url, right] : std::initializer_list<std::pair<const char*, const char*>>{
           {"TURN:a.example:3478", "turn:a.example:3478"},
           {"turn:a.example?transport=TCP", "turn:a.example?transport=tcp"},
           {"turns:a.example?transport=udp", "turns:a.example?transport=tcp"}}) {
    Settings given = settings();
    given.turn_urls = url;
    const std::string refusal = refusal_of(given);
    EXPECT_TRUE(refusal.starts_with(std::string("TURN_URLS: '") + url + "' is not")) << refusal;
    EXPECT_TRUE(refusal.ends_with(std::string(": write ") + right)) << refusal;
  }
}

TEST(Configuration, ShowsNoPasswordOfAUrl) {
  Settings given = settings();
  given.turn_urls = "turn:user:hush@a.example";
  const std::string refusal = refusal_of(given);
  EXPECT_THAT(refusal, HasSubstr("TURN_URLS: 'turn:…@a.example' is not turn:"));
  EXPECT_THAT(refusal, Not(HasSubstr("hush")));
}

TEST(Configuration, RefusesAListWithoutAServer) {
  Settings given = settings();
  given.turn_urls = " , ";
  EXPECT_EQ(refusal_of(given), "TURN_URLS: ' , ' names no server");
}

TEST(Configuration, RefusesATimeToLiveOutOfBounds) {
  for (const char* value : {"0", "2592001", "-1", "1h", "", "99999999999999999999"}) {
    Settings given = settings();
    given.credential_ttl_s = value;
    EXPECT_EQ(refusal_of(given),
              std::string("TURN_CREDENTIAL_TTL_S: '") + value + "' is not between 1 and 2592000");
  }
  for (const char* value : {"1", "2592000"}) {
    Settings given = settings();
    given.credential_ttl_s = value;
    EXPECT_EQ(refusal_of(given), "no refusal");
  }
}

TEST(Configuration, RefusesAnUnknownTransportPolicy) {
  Settings given = settings();
  given.ice_transport_policy = "public";
  EXPECT_EQ(refusal_of(given), "ICE_TRANSPORT_POLICY: 'public' is neither all nor relay");
}

TEST(Configuration, RefusesAnEmptySecret) {
  Settings given = settings();
  given.secret = {};
  EXPECT_EQ(refusal_of(given), "TURN_SHARED_SECRET is empty");
}

TEST(Configuration, ShowsTheSecretInNoRefusalAndNoAnswer) {
  Settings given = settings();
  EXPECT_THAT(Configuration(given).for_node("alice", kNow), Not(HasSubstr("north")));
  given.turn_urls = "nonsense";
  EXPECT_THAT(refusal_of(given), Not(HasSubstr("north")));
}

}  // namespace
}  // namespace crolang::turn_credentials
