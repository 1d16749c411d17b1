#include "broker/rtc_configuration.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace crolang::broker {
namespace {

using Json = nlohmann::ordered_json;

using Configuration = RtcNormaliser::Configuration;

Configuration configuration_of(std::string_view answer) {
  RtcNormaliser normaliser;
  auto result = normaliser.normalise(answer);
  if (const auto* fault = std::get_if<RtcNormaliser::Fault>(&result)) {
    ADD_FAILURE() << fault->text;
    return {std::make_shared<const std::string>(R"("null")"), 0, 0, {}};
  }
  return std::get<Configuration>(std::move(result));
}

/// What a node reads out of the literal: JSON in a JSON string.
Json read_by_node(const Configuration& configuration) {
  return Json::parse(Json::parse(*configuration.literal).get<std::string>());
}
Json normalised(std::string_view answer) {
  return read_by_node(configuration_of(answer));
}

RtcLiteral literal_by(RtcNormaliser& normaliser, std::string_view answer) {
  return std::get<Configuration>(normaliser.normalise(answer)).literal;
}

std::string fault_of(std::string_view answer) {
  RtcNormaliser normaliser;
  const auto result = normaliser.normalise(answer);
  const auto* fault = std::get_if<RtcNormaliser::Fault>(&result);
  return fault == nullptr ? "none" : fault->text;
}

TEST(RtcNormaliser, TakesTheConfigurationFlat) {
  EXPECT_EQ(normalised(R"({"iceServers":[{"urls":["stun:a"]}],"bundlePolicy":"max-bundle"})"),
            Json::parse(R"({"iceServers":[{"urls":["stun:a"]}],"bundlePolicy":"max-bundle"})"));
}

TEST(RtcNormaliser, TakesTheConfigurationWrapped) {
  EXPECT_EQ(normalised(R"({"rtcConfiguration":{"iceServers":[{"urls":["stun:a"]}]},"other":1})"),
            Json::parse(R"({"iceServers":[{"urls":["stun:a"]}]})"));
}

TEST(RtcNormaliser, MakesAnArrayOfASingleUrl) {
  EXPECT_EQ(normalised(R"({"iceServers":[{"urls":"stun:a"},{"urls":["stun:b","stun:c"]}]})"),
            Json::parse(R"({"iceServers":[{"urls":["stun:a"]},{"urls":["stun:b","stun:c"]}]})"));
}

TEST(RtcNormaliser, SetsTheCredentialWhereOnlyThePasswordIsGiven) {
  EXPECT_EQ(
      normalised(R"({"iceServers":[{"urls":["turn:a"],"username":"u","password":"p"}]})"),
      Json::parse(
          R"({"iceServers":[{"urls":["turn:a"],"username":"u","password":"p","credential":"p"}]})"));
}

TEST(RtcNormaliser, SetsThePasswordWhereOnlyTheCredentialIsGiven) {
  EXPECT_EQ(
      normalised(R"({"iceServers":[{"urls":["turn:a"],"username":"u","credential":"c"}]})"),
      Json::parse(
          R"({"iceServers":[{"urls":["turn:a"],"username":"u","credential":"c","password":"c"}]})"));
}

TEST(RtcNormaliser, LeavesPasswordAndCredentialThatDiffer) {
  const Json server = normalised(
      R"({"iceServers":[{"urls":["turn:a"],"username":"u","password":"p","credential":"c"}]})")
      ["iceServers"][0];

  EXPECT_EQ(server["password"], "p");
  EXPECT_EQ(server["credential"], "c");
}

TEST(RtcNormaliser, DropsMembersThatAreNull) {
  EXPECT_EQ(normalised(R"({"iceServers":[{"urls":["stun:a"],"username":null,"password":null,)"
                       R"("credential":null}]})"),
            Json::parse(R"({"iceServers":[{"urls":["stun:a"]}]})"));
}

TEST(RtcNormaliser, DropsMembersOfTheConfigurationThatAreNull) {
  EXPECT_EQ(
      normalised(
          R"({"a":null,"iceServers":[{"x":null,"urls":"stun:a","y":1}],"bundlePolicy":null,"b":2})")
          .dump(),
      R"({"iceServers":[{"urls":["stun:a"],"y":1}],"b":2})");
}

TEST(RtcNormaliser, FillsANullPasswordFromTheCredential) {
  const Json server = normalised(
      R"({"iceServers":[{"urls":["turn:a"],"username":"u","password":null,"credential":"c"}]})")
      ["iceServers"][0];

  EXPECT_EQ(server["password"], "c");
  EXPECT_EQ(server["credential"], "c");
}

TEST(RtcNormaliser, KeepsMembersItDoesNotKnowInTheirOrder) {
  EXPECT_EQ(
      normalised(R"({"z":[1,{"y":null}],"iceServers":[{"x":true,"urls":["stun:a"]}],"a":1.5})")
          .dump(),
      R"({"z":[1,{"y":null}],"iceServers":[{"x":true,"urls":["stun:a"]}],"a":1.5})");
}

TEST(RtcNormaliser, PrintsWithTwoBlanksAsTheReferenceDoes) {
  RtcNormaliser normaliser;
  const auto result = normaliser.normalise(R"({"iceServers":[{"urls":"stun:a"}],"x":"ä"})");

  EXPECT_EQ(
      *std::get<Configuration>(result).literal,
      R"("{\n  \"iceServers\": [\n    {\n      \"urls\": [\n        \"stun:a\"\n      ]\n    }\n  ],\n  \"x\": \"ä\"\n}")");
}

TEST(RtcNormaliser, NamesEachFault) {
  EXPECT_EQ(fault_of(""), "the RTC configuration is not JSON");
  EXPECT_EQ(fault_of("stun:a"), "the RTC configuration is not JSON");
  EXPECT_EQ(fault_of(R"({"iceServers":[{"urls":["stun:a"]}]},)"),
            "the RTC configuration is not JSON");
  EXPECT_EQ(fault_of("{\"iceServers\":[{\"urls\":\"\xff\"}]}"),
            "the RTC configuration is not JSON");
  EXPECT_EQ(fault_of("null"), "the RTC configuration is not an object");
  EXPECT_EQ(fault_of("[]"), "the RTC configuration is not an object");
  EXPECT_EQ(fault_of(R"({"rtcConfiguration":null})"), "rtcConfiguration is not an object");
  EXPECT_EQ(fault_of(R"({"rtcConfiguration":"x"})"), "rtcConfiguration is not an object");
  EXPECT_EQ(fault_of("{}"), "the RTC configuration has no iceServers list");
  EXPECT_EQ(fault_of(R"({"iceServers":{}})"), "the RTC configuration has no iceServers list");
  EXPECT_EQ(fault_of(R"({"rtcConfiguration":{}})"), "the RTC configuration has no iceServers list");
  EXPECT_EQ(fault_of(R"({"iceServers":[]})"), "iceServers is empty");
  EXPECT_EQ(fault_of(R"({"iceServers":["stun:a"]})"), "an entry of iceServers is not an object");
  EXPECT_EQ(fault_of(R"({"iceServers":[{"urls":["stun:a"]},{}]})"),
            "an entry of iceServers has no urls");
  for (const std::string_view urls : {"null", "5", "{}", "[]", "[5]", R"(["stun:a",null])"}) {
    EXPECT_EQ(fault_of(R"({"iceServers":[{"urls":)" + std::string(urls) + "}]}"),
              "urls is neither a string nor a list of strings")
        << urls;
  }
  for (const std::string_view name : {"username", "password", "credential"}) {
    EXPECT_EQ(fault_of(R"({"iceServers":[{"urls":"stun:a",")" + std::string(name) + R"(":5}]})"),
              "username, password or credential is not a string")
        << name;
  }
}

TEST(RtcNormaliser, RefusesDeepNestingInsteadOfRecursing) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');

  EXPECT_EQ(fault_of(R"({"iceServers":[{"urls":["stun:a"]}],"x":)" + deep + "}"),
            "the RTC configuration is nested too deeply");
  EXPECT_EQ(fault_of(std::string(100'000, '{')), "the RTC configuration is nested too deeply");
}

TEST(RtcNormaliser, DoesNotCountBracketsWithinStrings) {
  EXPECT_EQ(
      fault_of(R"({"iceServers":[{"urls":"stun:a"}],"x":"\")" + std::string(100, '[') + "\"}"),
      "none");
}

TEST(RtcNormaliser, DoesNotCountClosedNesting) {
  std::string wide = R"({"iceServers":[{"urls":"stun:a"}],"x":[[])";
  for (int i = 0; i < 100; ++i) wide += ",[]";

  EXPECT_EQ(fault_of(wide + "]}"), "none");
}

TEST(RtcNormaliser, SharesOneLiteralAmongEqualAnswers) {
  RtcNormaliser normaliser;
  constexpr std::string_view kAnswer = R"({"iceServers":[{"urls":"stun:a"}]})";
  const auto first = literal_by(normaliser, kAnswer);

  EXPECT_EQ(literal_by(normaliser, std::string(kAnswer)), first);
}

TEST(RtcNormaliser, DoesNotReuseTheResultOfAnotherAnswer) {
  RtcNormaliser normaliser;
  const auto first = literal_by(normaliser, R"({"iceServers":[{"urls":"stun:a"}]})");
  const auto second = literal_by(normaliser, R"({"iceServers":[{"urls":"stun:b"}]})");

  EXPECT_NE(*first, *second);
  EXPECT_NE(second->find("stun:b"), std::string::npos);
}

TEST(RtcNormaliser, KeepsTheLiteralAcrossAFault) {
  RtcNormaliser normaliser;
  constexpr std::string_view kAnswer = R"({"iceServers":[{"urls":"stun:a"}]})";
  const auto first = literal_by(normaliser, kAnswer);
  normaliser.normalise("{}");

  EXPECT_EQ(literal_by(normaliser, kAnswer), first);
}

TEST(RtcNormaliser, ReportsWhatWasLeftOutForEveryEqualAnswer) {
  RtcNormaliser normaliser;
  for (int i = 0; i < 3; ++i) {
    const auto result = normaliser.normalise(R"({"iceServers":[{"urls":["stun:a","stun:b:0"]}]})");
    const auto& configuration = std::get<Configuration>(result);
    EXPECT_EQ(configuration.left_out, 1u);
    EXPECT_EQ(configuration.why_left_out,
              "iceServers[0] 'stun:b:0': its port is not a number from 1 to 65535");
  }
}

TEST(RtcNormaliser, FillsAnEmptyPasswordFromTheCredential) {
  const Json server = normalised(
      R"({"iceServers":[{"urls":["turn:a"],"username":"u","password":"","credential":"c"}]})")
      ["iceServers"][0];

  EXPECT_EQ(server["password"], "c");
  EXPECT_EQ(server["credential"], "c");
}

TEST(RtcNormaliser, CountsTheUrlsOfTurn) {
  EXPECT_EQ(
      configuration_of(
          R"({"iceServers":[{"urls":["stun:a","turn:b","turns:c"],"username":"u","password":"p"},)"
          R"({"urls":"turn:d:0","username":"u","password":"p"}]})")
          .turn_urls,
      2u);
}

TEST(RtcNormaliser, NamesWhatItLeftOutWithoutItsPasswords) {
  const auto configuration = configuration_of(
      R"({"iceServers":[{"urls":"turn:u:hush@a","username":"u","credential":"hush"},)"
      R"({"urls":["stun:b"]},{"urls":["turn:c?x=hush","turn:d"],"credential":"hush"}]})");

  EXPECT_EQ(configuration.left_out, 3u);
  EXPECT_EQ(configuration.why_left_out,
            "iceServers[0] 'turn:…@a': it has a user (@): username and credential are given "
            "separately; "
            "iceServers[2] 'turn:c?…': its query is neither ?transport=udp nor ?transport=tcp; "
            "iceServers[2] 'turn:d': a TURN server needs a username");
  EXPECT_EQ(read_by_node(configuration), Json::parse(R"({"iceServers":[{"urls":["stun:b"]}]})"));
}

TEST(RtcNormaliser, BoundsTheTextAboutManyFaults) {
  std::string answer = R"({"iceServers":[{"urls":"stun:a"})";
  for (int i = 0; i < 10'000; ++i) answer += R"(,{"urls":"turn:)" + std::string(50, '!') + "\"}";
  const auto configuration = configuration_of(answer + "]}");

  EXPECT_EQ(configuration.left_out, 10'000u);
  EXPECT_LE(configuration.why_left_out.size(), 1400u);
  EXPECT_TRUE(configuration.why_left_out.ends_with("; …"));
}

TEST(RtcNormaliser, BoundsTheValueOfAPolicy) {
  std::string value;
  for (int i = 0; i < 1000; ++i) value += "€";
  const std::string fault =
      fault_of(R"({"iceServers":[{"urls":"stun:a"}],"bundlePolicy":")" + value + "\"}");

  EXPECT_TRUE(fault.starts_with("bundlePolicy is \"€€€")) << fault;
  EXPECT_TRUE(fault.ends_with("€…, not balanced, max-compat or max-bundle")) << fault;
  EXPECT_LE(fault.size(), 150u);
}

TEST(RtcNormaliser, RefusesAConfigurationWithoutUsableServers) {
  EXPECT_EQ(fault_of(R"({"iceServers":[{"urls":["turn:a:0","stun://b"],"username":"u",)"
                     R"("credential":"c"}]})"),
            "no server in iceServers is usable: iceServers[0] 'turn:a:0': its port is not a number "
            "from 1 to 65535; iceServers[0] 'stun://b': it has // after its scheme");
}

TEST(RtcNormaliser, RefusesToHideAddressesWithoutARelay) {
  EXPECT_EQ(fault_of(R"({"iceServers":[{"urls":"stun:a"}],"iceTransportPolicy":"relay"})"),
            "iceTransportPolicy is relay, but there is no TURN server");
  EXPECT_EQ(fault_of(R"({"iceServers":[{"urls":["stun:a","turn:b"],"username":"u"}],)"
                     R"("iceTransportPolicy":"relay"})"),
            "iceTransportPolicy is relay, but there is no TURN server that can be used: "
            "iceServers[0] 'turn:b': a TURN server needs a credential");
}

// ---- Every configuration that was tried on ten WebRTC stacks -----------------------------------

struct ServerRow {
  std::string name;
  std::string entry;     ///< of iceServers, beside one that is fine
  std::string expected;  ///< empty: left out; "=": as it was
  std::string why = {};  ///< some of it was left out
};

std::string turn(const std::string& url) {
  return R"({"urls":[")" + url + R"("],"username":"u","password":"p","credential":"p"})";
}
std::string stun(const std::string& url) {
  return R"({"urls":[")" + url + R"("]})";
}
std::string user(const std::string& name) {
  return R"({"urls":["turn:h:3478"],"username":")" + name + R"(","password":"p","credential":"p"})";
}
std::string typed(const std::string& type) {
  return R"({"urls":["turn:h:3478"],"username":"u","password":"p","credential":"p",)"
         R"("credentialType":)" +
         type + "}";
}
std::string repeated(int count, const std::string& text) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

const std::string kNoUsername = "a TURN server needs a username";
const std::string kNoCredential = "a TURN server needs a credential";
const std::string kPort = "its port is not a number from 1 to 65535";
const std::string kNoHost = "it has no host";
const std::string kQuery = "its query is neither ?transport=udp nor ?transport=tcp";
const std::string kScheme = "it does not begin with stun:, stuns:, turn: or turns:";
const std::string kLong = "its username is longer than 508 bytes";
const std::string kType = "its credentialType is not password";
const std::string kUser = "it has a user (@)";

std::vector<ServerRow> server_rows() {
  return {
      {"stun-only", stun("stun:h:3478"), "="},
      {"password-only", R"({"urls":["turn:h"],"username":"u","password":"p"})",
       R"({"urls":["turn:h"],"username":"u","password":"p","credential":"p"})"},
      {"credential-only", R"({"urls":["turn:h"],"username":"u","credential":"p"})",
       R"({"urls":["turn:h"],"username":"u","credential":"p","password":"p"})"},
      {"turn-no-cred", stun("turn:h:3478"), "", kNoUsername},
      {"turn-no-password", R"({"urls":["turn:h"],"username":"u"})", "", kNoCredential},
      {"turn-no-username", R"({"urls":["turn:h"],"password":"p"})", "", kNoUsername},
      {"turn-empty-cred", R"({"urls":["turn:h"],"username":"u","credential":""})", "",
       kNoCredential},
      {"turn-empty-username", R"({"urls":["turn:h"],"username":"","credential":"p"})", "",
       kNoUsername},
      {"stun-transport-udp", stun("stun:h:3478?transport=udp"), stun("stun:h:3478")},
      {"stun-transport-tcp", stun("stun:h:3478?transport=tcp"), stun("stun:h:3478")},
      {"stuns", stun("stuns:h:5349"), "="},
      {"turns-udp", turn("turns:h:5349?transport=udp"), turn("turns:h:5349?transport=tcp")},
      {"turns-tcp", turn("turns:h:5349?transport=tcp"), "="},
      {"turns", turn("turns:h:5349"), "="},
      {"turn-ipv6", turn("turn:[::1]:3478"), "="},
      {"stun-ipv6", stun("stun:[::1]:3478"), "="},
      {"ipv6-noport", stun("stun:[::1]"), "="},
      {"ipv6-nobrackets", stun("stun:::1"), "", "write an IPv6 address in [ ]"},
      {"TURN", turn("TURN:h:3478"), turn("turn:h:3478")},
      {"Stun", stun("Stun:h:3478"), stun("stun:h:3478")},
      {"urls-string", R"({"urls":"stun:h:3478"})", stun("stun:h:3478")},
      {"legacy-url", R"({"urls":["stun:h"],"url":"stun:h"})", "="},
      {"slashes-stun", stun("stun://h:3478"), "", "it has // after its scheme"},
      {"slashes-turn", turn("turn://h:3478"), "", "it has // after its scheme"},
      {"userinfo", turn("turn:u@h:3478"), "", kUser},
      {"userinfo-pass", turn("turn:u:p@h:3478"), "", kUser},
      {"transport-TCP", turn("turn:h:3478?transport=TCP"), turn("turn:h:3478?transport=tcp")},
      {"transport-tls", turn("turn:h:3478?transport=tls"), "", kQuery},
      {"transport-empty", turn("turn:h:3478?transport="), "", kQuery},
      {"query-unknown", turn("turn:h:3478?x=y"), "", kQuery},
      {"query-two", turn("turn:h:3478?transport=udp&x=y"), "", kQuery},
      {"query-empty", turn("turn:h:3478?"), "", kQuery},
      {"port-0", turn("turn:h:0"), "", kPort},
      {"port-65536", turn("turn:h:65536"), "", kPort},
      {"port-text", turn("turn:h:abc"), "", kPort},
      {"port-empty", turn("turn:h:"), "", kPort},
      {"noport", turn("turn:h"), "="},
      {"host-empty", stun("stun:"), "", kNoHost},
      {"host-empty-port", stun("stun::3478"), "", kNoHost},
      {"url-empty", stun(""), "", "it is empty"},
      {"no-scheme", stun("h:3478"), "", kScheme},
      {"http", stun("http://h:3478"), "", kScheme},
      {"space-front", stun(" stun:h:3478"), stun("stun:h:3478")},
      {"space-end", stun("stun:h:3478 "), stun("stun:h:3478")},
      {"newline-end", stun(R"(stun:h:3478\n)"), stun("stun:h:3478")},
      {"path", stun("stun:h:3478/x"), "", "it has a path (/)"},
      {"fragment", stun("stun:h:3478#x"), "", "it has a fragment (#)"},
      {"host-underscore", stun("stun:a_b.example:3478"), "="},
      {"host-idn", stun("stun:bücher.example:3478"), "", "write it in punycode"},
      {"host-punycode", stun("stun:xn--bcher-kva.example:3478"), "="},
      {"host-trailing-dot", stun("stun:localhost.:3478"), "="},
      {"host-unresolvable", stun("stun:nowhere.invalid:3478"), "="},
      {"host-localhost", turn("turn:localhost:3478"), "="},
      {"mixed-entry",
       R"({"urls":["stun:h","turn:h"],"username":"u","password":"p","credential":"p"})", "="},
      {"mixed-entry-nocred", R"({"urls":["stun:h","turn:h"]})", stun("stun:h"), kNoUsername},
      {"stun-with-creds", turn("stun:h"), "="},
      {"stun-empty-creds", R"({"urls":["stun:h"],"username":"","credential":"","password":""})",
       "="},
      {"dup-urls", R"({"urls":["turn:h","turn:h"],"username":"u","password":"p","credential":"p"})",
       "="},
      {"urls-100", R"({"urls":["stun:h")" + repeated(99, R"(,"stun:h")") + "]}", "="},
      {"username-508", user(std::string(508, 'x')), "="},
      {"username-509", user(std::string(509, 'x')), "", kLong},
      {"username-510", user(std::string(510, 'x')), "", kLong},
      {"username-512", user(std::string(512, 'x')), "", kLong},
      {"username-513", user(std::string(513, 'x')), "", kLong},
      {"username-600", user(std::string(600, 'x')), "", kLong},
      {"username-uni-256", user(repeated(256, "é")), "", kLong},
      {"credentialType-password", typed("\"password\""), user("u")},
      {"credentialType-oauth", typed("\"oauth\""), "", kType},
      {"credentialType-token", typed("\"token\""), "", kType},
      {"credentialType-null", typed("null"), user("u")},
      {"credentialType-of-stun", R"({"urls":["stun:h"],"credentialType":"oauth"})", "", kType},
      {"unknown-entry", R"({"urls":["stun:h"],"x":[1]})", "="},
      {"dead-live-urls",
       R"({"urls":["turn:192.0.2.9","turn:h"],"username":"u","password":"p","credential":"p"})",
       "="},
      {"deadtcp-live-urls",
       R"({"urls":["turn:192.0.2.9?transport=tcp","turn:h"],"username":"u",)"
       R"("password":"p","credential":"p"})",
       "="},
      {"user-nocolon", user("1700000000"), "="},
      {"user-at", user("1700000000:a@b"), "="},
      {"user-space", user("1700000000:a b"), "="},
      {"user-percent", user("1700000000:a%3Ab"), "="},
      {"user-utf8", user("1700000000:Zoë€😀"), "="},
      {"cred-slash", R"({"urls":["turn:h"],"username":"u","password":"a/b","credential":"a/b"})",
       "="},
      {"cred-at", R"({"urls":["turn:h"],"username":"u","password":"a@b","credential":"a@b"})", "="},
  };
}

TEST(RtcNormaliser, KeepsCorrectsOrLeavesOutEachServer) {
  for (const ServerRow& row : server_rows()) {
    SCOPED_TRACE(row.name);
    const std::string good = stun("stun:good.example");
    const auto configuration =
        configuration_of(R"({"iceServers":[)" + row.entry + "," + good + "]}");
    Json expected = Json::array();
    if (!row.expected.empty()) {
      expected.push_back(Json::parse(row.expected == "=" ? row.entry : row.expected));
    }
    expected.push_back(Json::parse(good));
    EXPECT_EQ(read_by_node(configuration)["iceServers"], expected);
    EXPECT_EQ(configuration.left_out, row.why.empty() ? 0u : 1u);
    EXPECT_TRUE(row.why.empty() ? configuration.why_left_out.empty()
                                : configuration.why_left_out.find(row.why) != std::string::npos)
        << configuration.why_left_out;
  }
}

struct MemberRow {
  std::string name;
  std::string members;  ///< beside iceServers
  /// Empty: dropped; "=": as they were; in ( ): the configuration is refused
  std::string expected;
};

std::vector<MemberRow> member_rows() {
  const std::string all = R"("iceTransportPolicy":"all","bundlePolicy":"max-bundle",)"
                          R"("rtcpMuxPolicy":"require")";
  const auto pool = [](const std::string& value) {
    return "(iceCandidatePoolSize is " + value + ", not an integer from 0 to 255)";
  };
  const auto policy = [](const std::string& value) {
    return "(iceTransportPolicy is " + value + ", not all or relay)";
  };
  const auto bundle = [](const std::string& value) {
    return "(bundlePolicy is " + value + ", not balanced, max-compat or max-bundle)";
  };
  return {
      {"base", all + R"(,"iceCandidatePoolSize":10)", "="},
      {"base-pool0", all + R"(,"iceCandidatePoolSize":0)", "="},
      {"base-nopool", all, "="},
      {"pool-1", R"("iceCandidatePoolSize":1)", "="},
      {"pool-10", R"("iceCandidatePoolSize":10)", "="},
      {"pool-255", R"("iceCandidatePoolSize":255)", "="},
      {"pool-256", R"("iceCandidatePoolSize":256)", pool("256")},
      {"pool--1", R"("iceCandidatePoolSize":-1)", pool("-1")},
      {"pool-1.5", R"("iceCandidatePoolSize":1.5)", pool("1.5")},
      {"pool-text", R"("iceCandidatePoolSize":"10")", pool("\"10\"")},
      {"pool-list", R"("iceCandidatePoolSize":[10])", pool("a list")},
      {"pool-null", R"("iceCandidatePoolSize":null)", ""},
      {"mux-negotiate", R"("rtcpMuxPolicy":"negotiate")", "="},
      {"mux-null", R"("rtcpMuxPolicy":null)", ""},
      {"mux-Require", R"("rtcpMuxPolicy":"Require")",
       "(rtcpMuxPolicy is \"Require\", not require or negotiate)"},
      {"bundle-balanced", R"("bundlePolicy":"balanced")", "="},
      {"bundle-max-compat", R"("bundlePolicy":"max-compat")", "="},
      {"bundle-underscore", R"("bundlePolicy":"max_bundle")", bundle("\"max_bundle\"")},
      {"bundle-maxbundle", R"("bundlePolicy":"maxbundle")", bundle("\"maxbundle\"")},
      {"bundle-disable", R"("bundlePolicy":"disable")", bundle("\"disable\"")},
      {"bundle-object", R"("bundlePolicy":{"a":1})", bundle("an object")},
      {"bundle-null", R"("bundlePolicy":null)", ""},
      {"relay", R"("iceTransportPolicy":"relay")", "="},
      {"policy-Relay", R"("iceTransportPolicy":"Relay")", policy("\"Relay\"")},
      {"policy-nohost", R"("iceTransportPolicy":"nohost")", policy("\"nohost\"")},
      {"policy-none", R"("iceTransportPolicy":"none")", policy("\"none\"")},
      {"policy-public", R"("iceTransportPolicy":"public")", policy("\"public\"")},
      {"policy-null", R"("iceTransportPolicy":null)", ""},
      {"policy-5", R"("iceTransportPolicy":5)", policy("5")},
      {"policy-empty", R"("iceTransportPolicy":"")", policy("\"\"")},
      {"certificates-empty", R"("certificates":[])", ""},
      {"certificates-null", R"("certificates":null)", ""},
      {"certificates", R"("certificates":[{}])", "(certificates cannot be given to a node)"},
      {"certificates-object", R"("certificates":{})", "(certificates cannot be given to a node)"},
      {"peerIdentity", R"("peerIdentity":"a@example.org")", "="},
      {"sdpSemantics-plan-b", R"("sdpSemantics":"plan-b")", "="},
      {"sdpSemantics-unified", R"("sdpSemantics":"unified-plan")", "="},
      {"sdpSemantics-x", R"("sdpSemantics":"x")", ""},
      {"unknown-top", R"("x":{"y":[null,1]})", "="},
  };
}

TEST(RtcNormaliser, KeepsDropsOrRefusesEachMember) {
  const std::string servers = R"("iceServers":[)" + turn("turn:h:3478") + "]";
  for (const MemberRow& row : member_rows()) {
    SCOPED_TRACE(row.name);
    const std::string flat = "{" + servers + "," + row.members + "}";
    for (const std::string& answer : {flat, R"({"rtcConfiguration":)" + flat + "}"}) {
      if (row.expected.starts_with('(')) {
        EXPECT_EQ("(" + fault_of(answer) + ")", row.expected);
      } else {
        const std::string kept = row.expected == "=" ? "," + row.members : "";
        EXPECT_EQ(normalised(answer), Json::parse("{" + servers + kept + "}"));
      }
    }
  }
}

TEST(RtcNormaliser, AcceptsManyServersAndUnreachableOnes) {
  const auto servers = [](int count, const std::string& entry) {
    return R"({"iceServers":[)" + entry + repeated(count - 1, "," + entry) + "]}";
  };
  for (const std::string& answer :
       {servers(40, stun("stun:h")), servers(100, stun("stun:h")), servers(40, turn("turn:h")),
        servers(2, turn("turn:192.0.2.9"))}) {
    EXPECT_EQ(normalised(answer), Json::parse(answer));
  }
  EXPECT_EQ(configuration_of(servers(40, turn("turn:h"))).turn_urls, 40u);
}

TEST(RtcNormaliser, CountsWhichOfTheUrlsLeftOutWereOfTurnServers) {
  const Configuration configuration = configuration_of(R"({"iceServers":[
      {"urls":["stun:a"," STUN:b:0","stuns://c"]},
      {"urls":["turn:d"]},
      {"urls":["TURNS:e","turn.example.org"],"username":"u","credential":"p"},
      {"urls":["turn:f","turn:g@h"],"username":"u","credential":"p"}]})");
  EXPECT_EQ(configuration.left_out, 5u);
  EXPECT_EQ(configuration.turn_left_out, 3u)
      << "without credentials, without a scheme, with a user";
  EXPECT_EQ(configuration.turn_urls, 2u);
}

TEST(RtcNormaliser, IsIdempotent) {
  for (const ServerRow& row : server_rows()) {
    SCOPED_TRACE(row.name);
    const auto once =
        configuration_of(R"({"iceServers":[)" + row.entry + R"(,{"urls":"stun:a"}]})");
    const auto twice = configuration_of(Json::parse(*once.literal).get<std::string>());
    EXPECT_EQ(*twice.literal, *once.literal);
    EXPECT_EQ(twice.left_out, 0u);
  }
}

}  // namespace
}  // namespace crolang::broker
