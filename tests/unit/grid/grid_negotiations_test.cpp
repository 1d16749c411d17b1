#include "grid/grid_negotiations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "unit/grid/grid_harness.hpp"

namespace crolang::grid {
namespace {

using negotiation::CandidateType;
using negotiation::Message;
using negotiation::MessageKind;
using negotiation::Record;
using negotiation::Side;
using testing::Asked;
using testing::Instance;
using testing::Question;

class GridNegotiationsTest : public ::testing::Test {
 protected:
  /// alice is here, and bob there.
  void begin(const std::string& session) {
    for (Instance* const each : {&grid.here, &grid.there}) {
      Message attempt = message(MessageKind::attempt, Side::initiator, session);
      attempt.sender_is_local = each == &grid.here;
      attempt.is_copy = !attempt.sender_is_local;
      each->shared.negotiations->note(attempt);
      Message answer = message(MessageKind::acceptance, Side::responder, session);
      answer.sender_is_local = each == &grid.there;
      answer.is_copy = !answer.sender_is_local;
      if (answer.sender_is_local) {
        answer.candidates.add(
            negotiation::read_candidate("candidate:1 1 udp 1 192.0.2.2 9 typ relay").value());
      }
      each->shared.negotiations->note(answer);
    }
  }
  static Message message(MessageKind kind, Side from, std::string_view session) {
    Message message;
    message.kind = kind;
    message.from = from;
    message.initiator = "alice";
    message.responder = "bob";
    message.session = session;
    message.at = std::chrono::steady_clock::now();
    return message;
  }
  std::vector<Record> all() const {
    return grid.here.shared.negotiations->newest({}, 1000, std::chrono::steady_clock::now());
  }
  static std::size_t whole(const std::vector<Record>& records) {
    return static_cast<std::size_t>(std::ranges::count_if(records, [](const Record& each) {
      return !each.party(Side::responder).is_kept_elsewhere &&
             each.party(Side::responder).candidates.of(CandidateType::relay) == 1;
    }));
  }

  testing::GridHarness grid;
};

TEST_F(GridNegotiationsTest, AreCompletedByOtherInstances) {
  // More than one question asks for.
  for (int i = 0; i < 250; ++i) begin(std::to_string(i));
  std::vector<Record> records = all();
  ASSERT_EQ(records.size(), 250u);
  EXPECT_EQ(whole(records), 0u);
  complete(grid.here.shared, records, broker::Detail::counts);
  EXPECT_EQ(whole(records), 250u);
}

TEST_F(GridNegotiationsTest, StayAsTheyAreIfNobodyAnswers) {
  begin("s");
  std::vector<Record> records = all();
  grid.here.modules.on(Question::ask, [](const Asked& asked) { asked.text("odd"); });
  complete(grid.here.shared, records, broker::Detail::counts);
  EXPECT_EQ(whole(records), 0u);
  grid.here.modules.on(Question::ask, [](const Asked& asked) { asked.fail(CROLANG_UNAVAILABLE); });
  complete(grid.here.shared, records, broker::Detail::counts);
  EXPECT_EQ(whole(records), 0u);
  grid.here.modules.on(Question::list_instances,
                       [](const Asked& asked) { asked.fail(CROLANG_UNAVAILABLE); });
  complete(grid.here.shared, records, broker::Detail::counts);
  EXPECT_EQ(whole(records), 0u);
}

TEST_F(GridNegotiationsTest, OfThisInstanceAloneAskNobody) {
  Message attempt = message(MessageKind::attempt, Side::initiator, "s");
  grid.here.shared.negotiations->note(attempt);
  grid.here.shared.negotiations->note(message(MessageKind::acceptance, Side::responder, "s"));
  grid.here.modules.on(Question::list_instances,
                       [](const Asked&) { ADD_FAILURE() << "the registry is asked"; });
  std::vector<Record> records = all();
  complete(grid.here.shared, records, broker::Detail::messages);
  EXPECT_EQ(records.size(), 1u);
}

}  // namespace
}  // namespace crolang::grid
