#include "broker/node_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "unit/broker/harness.hpp"

namespace crolang::broker {
namespace {

using namespace std::chrono_literals;
using testing::event;
using testing::Harness;
using Json = nlohmann::json;

Json json_of(const NodeReport& report) {
  std::string text;
  append_json(text, report, "broker-1");
  return Json::parse(text);
}

TEST(NodeReport, CountsWhatANodeSendsAndReceives) {
  Harness harness;
  Node& ann = harness.join("ann");
  Node& bob = harness.join("bob");
  const NodeReport before = report_of(bob, {});
  harness.say(ann, event("SOCKET_MSG_EXCHANGE", R"({"to":"bob"})", "1"));
  harness.say(ann, event("SOCKET_MSG_EXCHANGE", R"({"to":"nobody"})", "2"));
  harness.say(ann, event("ARE_NODES_CONNECTED_TO_BROKER", R"({"ids":["bob"]})", "3"));
  harness.run_iteration();
  const NodeReport of_ann = report_of(ann, {});
  EXPECT_EQ(of_ann.messages_in, 2U);
  EXPECT_EQ(of_ann.messages_out, 0U);
  const NodeReport of_bob = report_of(bob, {});
  EXPECT_EQ(of_bob.messages_in, 0U);
  EXPECT_EQ(of_bob.messages_out, 1U);
  EXPECT_GT(of_bob.outbox_bytes, before.outbox_bytes);
}

TEST(NodeReport, TellsWhenANodeJoined) {
  Harness harness;
  Node& ann = harness.join("ann");
  harness.pass(1h);
  Node& bob = harness.join("bob");
  EXPECT_EQ(report_of(bob, {}).since - report_of(ann, {}).since, 1h);
  // However often it is asked.
  EXPECT_EQ(report_of(ann, {}).since, report_of(ann, {}).since);
}

TEST(NodeReport, IsWrittenAsJson) {
  NodeReport report;
  report.id = "ann \"ä\"";
  report.since = std::chrono::system_clock::time_point(1767323045678ms);
  report.version = "1.0";
  report.runtime = "node\n";
  report.address = client_address::ipv4_address({192, 0, 2, 7});
  report.round_trip = 1042us;
  report.messages_in = 1;
  report.messages_out = 2;
  report.bytes_in = 3;
  report.bytes_out = std::uint64_t{1} << 40;
  report.outbox_bytes = 5;
  EXPECT_EQ(json_of(report), (Json{{"id", "ann \"ä\""},
                                   {"instance", "broker-1"},
                                   {"since", "2026-01-02T03:04:05.678Z"},
                                   {"version", "1.0"},
                                   {"runtime", "node\n"},
                                   {"address", "192.0.2.7"},
                                   {"roundTripMs", 1.042},
                                   {"messagesIn", 1},
                                   {"messagesOut", 2},
                                   {"bytesIn", 3},
                                   {"bytesOut", std::uint64_t{1} << 40},
                                   {"outboxBytes", 5}}));
}

TEST(NodeReport, HasNoRoundTripBeforeTheFirstHeartbeat) {
  EXPECT_EQ(json_of(NodeReport{})["roundTripMs"], nullptr);
}

TEST(NodeReport, CutsWhatANodeStatesAtItsPleasure) {
  Harness harness;
  Node& ann = harness.request_upgrade("id=ann&version=" + std::string(5000, 'v') +
                                      "&runtime=%FF%FE&data=secret");
  const Json json = json_of(report_of(ann, {}));
  EXPECT_LT(json["version"].get<std::string>().size(), 200U);
  EXPECT_EQ(json["runtime"], "\ufffd\ufffd");
  EXPECT_EQ(json.dump().find("secret"), std::string::npos);
}

TEST(Rfc3339, HasMillisecondsAlsoBefore1970) {
  using Time = std::chrono::system_clock::time_point;
  EXPECT_EQ(rfc3339(Time(0ms)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(rfc3339(Time(-1ms)), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(rfc3339(Time(1767323045007ms)), "2026-01-02T03:04:05.007Z");
}

}  // namespace
}  // namespace crolang::broker
