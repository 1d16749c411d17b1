#include "ice/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "text/lines.hpp"
#include "unit/ice/now.hpp"

namespace crolang::ice {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using State = Outcome::State;

stun::TransportAddress address(std::string_view text, std::uint16_t port) {
  return {*client_address::parse_address(text), port};
}

Result works(std::string_view url) {
  Result result;
  result.target = std::get<std::vector<Target>>(targets_of(url, {"1700090000:alice", "geheim"}))[0];
  result.outcome.state = State::works;
  result.outcome.server = "192.0.2.9:3478";
  result.outcome.time = std::chrono::duration<double, std::milli>(12.3);
  result.outcome.mapped = address("198.51.100.7", 40000);
  if (result.target.service == Service::turn) result.outcome.relayed = address("192.0.2.9", 50000);
  return result;
}

Result refused(std::string_view url) {
  Result result = works(url);
  result.outcome = {};
  result.outcome.server = "192.0.2.9:3478";
  result.outcome.realm = "\xff";
  result.outcome.fault = Fault{Fault::Kind::stun};
  result.outcome.fault->failure =
      stun::Failure{stun::Failure::Kind::error_response, stun::Phase::allocate, 401, "Un\x1b"};
  return result;
}

TEST(IceReport, IsATable) {
  const std::vector<Result> results{works("stun:h"), works("turn:h")};
  EXPECT_EQ(report_text(results, {kNow}),
            "URL     SERVER          WAY  MS  YOUR ADDRESS        RELAYED ADDRESS\n"
            "stun:h  192.0.2.9:3478  UDP  12  198.51.100.7:40000\n"
            "turn:h  192.0.2.9:3478  UDP  12  198.51.100.7:40000  192.0.2.9:50000\n"
            "\n"
            "1 of 1 STUN URLs work, 1 of 1 TURN URLs work.\n");
}

TEST(IceReport, SaysWhatIsWrongBelowTheRow) {
  const std::vector<Result> results{refused("turn:h")};
  const std::string text = report_text(results, {kNow});
  EXPECT_THAT(text, HasSubstr("FAILED"));
  EXPECT_THAT(text, HasSubstr("\n    401 Un? to the Allocate request\n"));
  EXPECT_THAT(text, HasSubstr("\n    user: 1700090000:alice\n    likely: the password"));
  EXPECT_THAT(text, Not(HasSubstr("geheim")));
}

TEST(IceReport, SaysWhichCauseIsCertain) {
  Result result = refused("turn:h");
  result.outcome.accepted = Alternative::Meaning::later_expiry;
  EXPECT_THAT(report_text(std::vector{result}, {kNow}), HasSubstr("\n    cause: clocks apart"));
}

TEST(IceReport, SaysThatUdpIsEnoughForStun) {
  Result by_tcp = works("stun:h");
  by_tcp.target.way = Way::tcp;
  by_tcp.outcome.state = State::failed;
  by_tcp.outcome.fault = Fault{Fault::Kind::refused};
  EXPECT_THAT(report_text(std::vector{works("stun:h"), by_tcp}, {kNow}),
              HasSubstr("UDP is enough"));
  EXPECT_THAT(report_text(std::vector{works("stun:h")}, {kNow}), Not(HasSubstr("is enough")));
}

TEST(IceReport, SaysThatTcpIsNotEnoughForStun) {
  Result by_udp = works("stun:h");
  by_udp.outcome.state = State::failed;
  by_udp.outcome.fault = Fault{Fault::Kind::timed_out};
  Result by_tcp = works("stun:h");
  by_tcp.target.way = Way::tcp;
  EXPECT_THAT(
      report_text(std::vector{by_udp, by_tcp}, {kNow}),
      HasSubstr(
          "\n0 of 1 STUN URLs work, 0 of 0 TURN URLs work.\nA STUN server answers by TCP only"));
}

TEST(IceReport, SaysWhatWasNotTried) {
  const std::vector<Result> results{works("stun:h"), works("turn:h")};
  const NotTried not_tried{1, {"nodes do not get: turn:x"}};
  EXPECT_THAT(report_text(results, {kNow}, not_tried),
              HasSubstr("\n\nnodes do not get: turn:x\n1 of 1 STUN URLs work, 1 of 2 TURN URLs"));
  const auto json = nlohmann::json::parse(report_json(results, {kNow}, not_tried));
  EXPECT_EQ(json["ok"], false);
  EXPECT_EQ(json["turn"]["urls"], 2);
  EXPECT_EQ(json["notTried"][0], "nodes do not get: turn:x");
}

TEST(IceReport, SaysWhichOfTwoPasswordsFails) {
  Result result = refused("turn:h");
  result.target.password_name = "password";
  EXPECT_THAT(report_text(std::vector{result}, {kNow}), HasSubstr("with the member 'password'"));
  EXPECT_EQ(
      nlohmann::json::parse(report_json(std::vector{result}, {kNow}))["checks"][0]["password"],
      "password");
}

TEST(IceReport, FitsInto100Columns) {
  Result ipv6 = works("turn:a-rather-long-name.turn.europe-west.example.org:3478?transport=tcp");
  ipv6.outcome.server = "[2001:db8:1234:5678:9abc:def0:1234:5678]:3478";
  ipv6.outcome.mapped = address("2001:db8:1234:5678:9abc:def0:1234:5679", 40000);
  const std::vector<Result> results{ipv6, refused("turn:h")};
  std::istringstream text(report_text(results, {kNow}));
  for (std::string line; std::getline(text, line);)
    EXPECT_LE(text::columns(line), text::kColumns) << line;
}

TEST(IceReport, SaysThatThereIsNoTurnServer) {
  const std::vector<Result> results{works("stun:h")};
  EXPECT_THAT(report_text(results, {kNow}), HasSubstr("There is no TURN server"));
}

TEST(IceReport, IsJsonForScripts) {
  const std::vector<Result> results{works("stun:h"), refused("turn:h")};
  const std::string text = report_json(results, {kNow});
  EXPECT_THAT(text, Not(HasSubstr("geheim")));
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["ok"], false);
  EXPECT_EQ(json["turn"], (nlohmann::json{{"urls", 1}, {"work", 0}}));
  const auto& stun = json["checks"][0];
  EXPECT_EQ(stun["result"], "works");
  EXPECT_EQ(stun["mapped"], "198.51.100.7:40000");
  EXPECT_FALSE(stun.contains("relayed"));
  const auto& turn = json["checks"][1];
  EXPECT_EQ(turn["result"], "failed");
  EXPECT_EQ(turn["code"], 401);
  EXPECT_EQ(turn["username"], "1700090000:alice");
  EXPECT_TRUE(turn["ms"].is_null());
}

}  // namespace
}  // namespace crolang::ice
