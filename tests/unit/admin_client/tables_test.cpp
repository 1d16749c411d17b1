#include "admin_client/tables.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "admin_client/negotiation_tables.hpp"
#include "text/lines.hpp"

namespace crolang::admin_client {
namespace {

using ::testing::HasSubstr;

Time now() {
  return *parse_time("2026-01-02T03:10:00.000Z");
}

Json node(std::string_view id) {
  return {{"id", id},          {"instance", "broker-a"}, {"since", "2026-01-02T03:04:05.678Z"},
          {"version", "1.0"},  {"runtime", "nodejs"},    {"address", "192.0.2.7"},
          {"roundTripMs", 12}, {"messagesIn", 7},        {"messagesOut", 1234},
          {"bytesIn", 1536},   {"bytesOut", 23'000'000}, {"outboxBytes", 0}};
}

TEST(AdminTables, AlignNumbersToTheRight) {
  Json silent = node("b");
  silent["roundTripMs"] = nullptr;
  EXPECT_EQ(nodes_table(Json::array({node("alice"), silent}), Scope::instance, now()),
            "ID     ADDRESS    RUNTIME    FOR  RTT  IN   OUT  OUTQ\n"
            "alice  192.0.2.7  nodejs   5 min   12   7  1234     0\n"
            "b      192.0.2.7  nodejs   5 min    -   7  1234     0\n");
}

TEST(AdminTables, NameTheInstanceInTheGrid) {
  EXPECT_THAT(nodes_table(Json::array({node("alice")}), Scope::grid, now()),
              HasSubstr("0  broker-a\n"));
}

TEST(AdminTables, FitIntoATerminal) {
  Json large = node("a-node-with-an-id-20");
  large["address"] = "203.0.113.255";
  large["messagesIn"] = 1'234'567;
  large["messagesOut"] = 1'234'567;
  large["outboxBytes"] = 1'000'000;
  std::istringstream lines(nodes_table(Json::array({large}), Scope::instance, now()));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(text::columns(line), 80U) << line;
}

TEST(AdminTables, MakeIdsSafe) {
  EXPECT_THAT(nodes_table(Json::array({node("\x1b[2Jx\n")}), Scope::instance, now()),
              HasSubstr("\\x1b[2Jx\\x0a  192.0.2.7"));
}

TEST(AdminTables, CountColumnsNotBytes) {
  EXPECT_THAT(nodes_table(Json::array({node("Zoë"), node("abcd")}), Scope::instance, now()),
              HasSubstr("\nZoë   192"));
}

TEST(AdminTables, ShowWhatIsMissingAsADash) {
  EXPECT_EQ(nodes_table(Json::array({Json::object()}), Scope::instance, now()),
            "ID  ADDRESS  RUNTIME  FOR  RTT  IN  OUT  OUTQ\n"
            "-   -        -          -    -   -    -     -\n");
  EXPECT_EQ(instances_table(Json::object()), "INSTANCE  STATE  NODES  UP  VERSION\n");
  EXPECT_EQ(refused_ids_table(Json{{"refusedIds", 7}}), "ID  UNTIL  REASON\n");
}

TEST(AdminTables, ShowInstances) {
  const Json answer = {
      {"instances",
       {{{"id", "a"},
         {"version", "0.1.0"},
         {"nodes", 1200},
         {"startedAt", "2026-01-02T03:04:05.678Z"},
         {"uptimeSeconds", 7300},
         {"state", "running"},
         {"self", true}},
        {{"id", "b"}, {"nodes", 3}, {"uptimeSeconds", 5}, {"state", "draining"}}}}};
  EXPECT_EQ(instances_table(answer),
            "INSTANCE  STATE     NODES   UP  VERSION\n"
            "a         running    1200  2 h  0.1.0    this one\n"
            "b         draining      3  5 s  -\n");
}

TEST(AdminTables, ShowAllOfANode) {
  const std::string text = node_properties(node("alice"), now());
  EXPECT_THAT(text, HasSubstr("id          alice\n"));
  EXPECT_THAT(text, HasSubstr("connected   5 min, since 2026-01-02T03:04:05.678Z\n"));
  EXPECT_THAT(text, HasSubstr("received    7 messages, 1.5k bytes\n"));
}

TEST(AdminTables, SayWhatBecameOfANode) {
  EXPECT_EQ(disconnected_text({{"id", "bob"}, {"instance", "b"}, {"disconnected", true}}),
            "bob was disconnected from b\n");
  EXPECT_EQ(disconnected_text({{"id", "bob"},
                               {"instance", nullptr},
                               {"disconnected", false},
                               {"refusedUntil", "2026-01-02T03:14:05.678Z"}}),
            "bob was not connected, and is refused until 2026-01-02T03:14:05.678Z\n");
}

Json negotiation() {
  return {
      {"id", "n1"},
      {"initiator", "alice"},
      {"responder", "bob"},
      {"sessionId", "s"},
      {"state", "answered"},
      {"startedAt", "2026-01-02T03:09:30.000Z"},
      {"lastMessageAt", "2026-01-02T03:09:31.000Z"},
      {"answerSeconds", 0.25},
      {"initiatorCandidates", {{"host", 2}, {"srflx", 1}, {"relay", 0}, {"udp", 3}, {"tcp", 0}}},
      {"responderCandidates", {{"host", 0}, {"udp", 0}}},
      {"diagnosis", "nothing unusual"},
      {"usual", true}};
}

TEST(AdminTables, ShowNegotiationsAndWhatIsUnusual) {
  Json silent = negotiation();
  silent["state"] = "unanswered";
  silent["answerSeconds"] = nullptr;
  silent["diagnosis"] = "no answer after 30 s: bob is connected but silent";
  silent["usual"] = false;
  EXPECT_EQ(negotiations_table({{"negotiations", Json::array({negotiation(), silent})}}, now()),
            "ID  INITIATOR  RESPONDER  STATE        AGO  ANSWER\n"
            "n1  alice      bob        answered    30 s   0.2 s\n"
            "n1  alice      bob        unanswered  30 s       -\n"
            "    no answer after 30 s: bob is connected but silent\n");
}

TEST(AdminTables, ShowAllOfANegotiation) {
  Json one = negotiation();
  one["events"] = Json::array({{{"at", "2026-01-02T03:09:30.000Z"},
                                {"from", "initiator"},
                                {"what", "attempt"},
                                {"acknowledgement", "OK"}}});
  const std::string text = negotiation_text(one);
  EXPECT_THAT(text, HasSubstr("candidates    2 host, 1 srflx; 3 udp of initiator\n"
                              "              none of responder\n"));
  EXPECT_THAT(text, HasSubstr("2026-01-02T03:09:30.000Z  initiator  attempt  OK\n"));
}

}  // namespace
}  // namespace crolang::admin_client
