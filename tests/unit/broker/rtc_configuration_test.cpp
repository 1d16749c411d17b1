#include "broker/rtc_configuration.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace crolang::broker {
namespace {

using Json = nlohmann::ordered_json;

/// What a node reads out of the literal: JSON in a JSON string.
Json normalised(std::string_view answer) {
  RtcNormaliser normaliser;
  const auto result = normaliser.normalise(answer);
  const auto* literal = std::get_if<RtcLiteral>(&result);
  if (literal == nullptr) {
    ADD_FAILURE() << std::get<RtcNormaliser::Fault>(result).text;
    return {};
  }
  return Json::parse(Json::parse(**literal).get<std::string>());
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
      R"({"iceServers":[{"urls":["turn:a"],"password":"p","credential":"c"}]})")["iceServers"][0];

  EXPECT_EQ(server["password"], "p");
  EXPECT_EQ(server["credential"], "c");
}

TEST(RtcNormaliser, DropsMembersThatAreNull) {
  EXPECT_EQ(normalised(R"({"iceServers":[{"urls":["stun:a"],"username":null,"password":null,)"
                       R"("credential":null}]})"),
            Json::parse(R"({"iceServers":[{"urls":["stun:a"]}]})"));
}

TEST(RtcNormaliser, FillsANullPasswordFromTheCredential) {
  const Json server = normalised(
      R"({"iceServers":[{"urls":["turn:a"],"password":null,"credential":"c"}]})")["iceServers"][0];

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
  const auto result = normaliser.normalise(R"({"iceServers":[{"urls":"stun:ä"}]})");

  EXPECT_EQ(
      *std::get<RtcLiteral>(result),
      R"("{\n  \"iceServers\": [\n    {\n      \"urls\": [\n        \"stun:ä\"\n      ]\n    }\n  ]\n}")");
}

TEST(RtcNormaliser, NamesEachFault) {
  EXPECT_EQ(fault_of(""), "the RTC configuration is not JSON");
  EXPECT_EQ(fault_of("stun:a"), "the RTC configuration is not JSON");
  EXPECT_EQ(fault_of(R"({"iceServers":[{"urls":["stun:a"]}]},)"),
            "the RTC configuration is not JSON");
  EXPECT_EQ(fault_of("{\"iceServers\":[{\"urls\":\"\xff\"}]}"),
            "the RTC configuration is not JSON");
  EXPECT_EQ(fault_of("null"), "the RTC configuration is no object");
  EXPECT_EQ(fault_of("[]"), "the RTC configuration is no object");
  EXPECT_EQ(fault_of(R"({"rtcConfiguration":null})"), "rtcConfiguration is no object");
  EXPECT_EQ(fault_of(R"({"rtcConfiguration":"x"})"), "rtcConfiguration is no object");
  EXPECT_EQ(fault_of("{}"), "the RTC configuration has no list iceServers");
  EXPECT_EQ(fault_of(R"({"iceServers":{}})"), "the RTC configuration has no list iceServers");
  EXPECT_EQ(fault_of(R"({"rtcConfiguration":{}})"), "the RTC configuration has no list iceServers");
  EXPECT_EQ(fault_of(R"({"iceServers":[]})"), "iceServers is empty");
  EXPECT_EQ(fault_of(R"({"iceServers":["stun:a"]})"), "an entry of iceServers is no object");
  EXPECT_EQ(fault_of(R"({"iceServers":[{"urls":["stun:a"]},{}]})"),
            "an entry of iceServers has no urls");
  for (const std::string_view urls : {"null", "5", "{}", "[]", "[5]", R"(["stun:a",null])"}) {
    EXPECT_EQ(fault_of(R"({"iceServers":[{"urls":)" + std::string(urls) + "}]}"),
              "urls is neither a string nor a list of strings")
        << urls;
  }
  for (const std::string_view name : {"username", "password", "credential"}) {
    EXPECT_EQ(fault_of(R"({"iceServers":[{"urls":"stun:a",")" + std::string(name) + R"(":5}]})"),
              "username, password or credential is no string")
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

TEST(RtcNormaliser, DoesNotCountNestingThatWasLeftAgain) {
  std::string wide = R"({"iceServers":[{"urls":"stun:a"}],"x":[[])";
  for (int i = 0; i < 100; ++i) wide += ",[]";

  EXPECT_EQ(fault_of(wide + "]}"), "none");
}

TEST(RtcNormaliser, SharesOneLiteralAmongEqualAnswers) {
  RtcNormaliser normaliser;
  constexpr std::string_view kAnswer = R"({"iceServers":[{"urls":"stun:a"}]})";
  const auto first = std::get<RtcLiteral>(normaliser.normalise(kAnswer));

  EXPECT_EQ(std::get<RtcLiteral>(normaliser.normalise(std::string(kAnswer))), first);
}

TEST(RtcNormaliser, DoesNotTakeAnotherAnswerForTheOneBefore) {
  RtcNormaliser normaliser;
  const auto first =
      std::get<RtcLiteral>(normaliser.normalise(R"({"iceServers":[{"urls":"stun:a"}]})"));
  const auto second =
      std::get<RtcLiteral>(normaliser.normalise(R"({"iceServers":[{"urls":"stun:b"}]})"));

  EXPECT_NE(*first, *second);
  EXPECT_NE(second->find("stun:b"), std::string::npos);
}

TEST(RtcNormaliser, KeepsTheLiteralWhileAFaultCameBetween) {
  RtcNormaliser normaliser;
  constexpr std::string_view kAnswer = R"({"iceServers":[{"urls":"stun:a"}]})";
  const auto first = std::get<RtcLiteral>(normaliser.normalise(kAnswer));
  normaliser.normalise("{}");

  EXPECT_EQ(std::get<RtcLiteral>(normaliser.normalise(kAnswer)), first);
}

}  // namespace
}  // namespace crolang::broker
