#include "broker/lane.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace crolang::broker {
namespace {

using modules::Holder;
using socketio::AckStatus;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Step = Lane::Step;
using HandOver = Lane::HandOver;
using Numbers = std::vector<std::uint32_t>;

const Holder kThere{"there", 1};
const Holder kElsewhere{"elsewhere", 2};

class LaneTest : public ::testing::Test {
 protected:
  /// Parcels of these numbers join.
  void add(std::uint32_t first, std::uint32_t last) {
    for (std::uint32_t number = first; number <= last; ++number) {
      Parcels one;
      one.emplace_back(number, Message{Relayed::socket_msg_exchange, ack, "bob", "\"\""},
                       Parcel::Stage::cleared);
      lane.append(one);
    }
  }
  /// Hands over what may be handed over.
  Numbers sent() {
    Numbers numbers;
    for (auto next = lane.next(); next.step == Step::hand_over; next = lane.next()) {
      numbers.push_back(next.parcel->number);
      lane.begin_hand_over(*next.parcel);
    }
    return numbers;
  }
  void answer(std::uint32_t number, HandOver handed) {
    Parcel* parcel = lane.find_sent(number);
    ASSERT_NE(parcel, nullptr) << number;
    lane.end_hand_over(*parcel, handed);
  }
  /// Acknowledges what may be acknowledged.
  std::vector<std::pair<std::uint32_t, AckStatus>> acks() {
    std::vector<std::pair<std::uint32_t, AckStatus>> settled;
    for (auto next = lane.next(); next.step == Step::finish; next = lane.next()) {
      settled.emplace_back(next.parcel->number, status_of(next.parcel->outcome));
      lane.remove_front();
    }
    return settled;
  }
  Step step() { return lane.next().step; }

  socketio::AckId ack;
  Lane lane{7, "bob", &kThere};
};

using Ack = std::pair<std::uint32_t, AckStatus>;

TEST_F(LaneTest, LooksUpAReceiverThatIsNotKnown) {
  lane = Lane(7, "bob", nullptr);
  add(1, 2);
  EXPECT_EQ(step(), Step::locate);

  lane.begin_lookup();
  EXPECT_EQ(step(), Step::wait);
  lane.aim(kThere);

  EXPECT_EQ(sent(), (Numbers{1, 2}));
}

TEST_F(LaneTest, HandsOverAWindowAtOnce) {
  add(1, 20);
  EXPECT_EQ(sent().size(), Lane::kWindow);
  EXPECT_EQ(step(), Step::wait);

  answer(1, HandOver::taken);
  EXPECT_THAT(acks(), ElementsAre(Ack{1, AckStatus::ok}));

  EXPECT_EQ(sent(), Numbers{17});
}

TEST_F(LaneTest, AcknowledgesInItsOrder) {
  add(1, 3);
  sent();
  answer(3, HandOver::taken);
  answer(2, HandOver::unknown);
  EXPECT_EQ(step(), Step::wait);

  answer(1, HandOver::taken);

  EXPECT_THAT(acks(),
              ElementsAre(Ack{1, AckStatus::ok}, Ack{2, AckStatus::error}, Ack{3, AckStatus::ok}));
}

TEST_F(LaneTest, ClosesWhenNothingIsLeft) {
  add(1, 1);
  sent();
  answer(1, HandOver::taken);
  acks();

  EXPECT_EQ(step(), Step::close);
}

TEST_F(LaneTest, SendsNothingMoreAfterARefusalUntilAllAreAnswered) {
  add(1, 3);
  sent();
  answer(1, HandOver::refused);
  add(4, 4);
  EXPECT_EQ(step(), Step::wait);
  answer(2, HandOver::refused);
  EXPECT_EQ(step(), Step::wait);
  answer(3, HandOver::refused);
  EXPECT_EQ(step(), Step::locate);
  EXPECT_FALSE(lane.holder());

  lane.begin_lookup();
  lane.aim(kElsewhere);

  EXPECT_EQ(sent(), (Numbers{1, 2, 3, 4}));
}

TEST_F(LaneTest, SendsNothingMoreAfterAMissingAnswerUntilAllAreAnswered) {
  add(1, 3);
  sent();
  answer(1, HandOver::unknown);
  add(4, 4);
  EXPECT_THAT(acks(), ElementsAre(Ack{1, AckStatus::error}));
  EXPECT_EQ(step(), Step::wait);
  answer(3, HandOver::refused);
  answer(2, HandOver::refused);

  lane.begin_lookup();
  lane.aim(kElsewhere);

  EXPECT_EQ(sent(), (Numbers{2, 3, 4}));
}

TEST_F(LaneTest, GivesUpWhatIsRefusedTwice) {
  add(1, 1);
  sent();
  answer(1, HandOver::refused);
  lane.begin_lookup();
  lane.aim(kElsewhere);
  add(2, 2);
  sent();
  answer(1, HandOver::refused);
  answer(2, HandOver::refused);
  EXPECT_THAT(acks(), ElementsAre(Ack{1, AckStatus::not_connected}));

  EXPECT_EQ(step(), Step::locate);
  lane.begin_lookup();
  lane.aim(kThere);

  EXPECT_EQ(sent(), Numbers{2});
}

TEST_F(LaneTest, NeverSendsAgainBehindALaterOneThatWasTaken) {
  add(1, 4);
  sent();
  answer(1, HandOver::refused);
  answer(2, HandOver::refused);
  answer(3, HandOver::taken);
  answer(4, HandOver::refused);

  EXPECT_THAT(acks(), ElementsAre(Ack{1, AckStatus::not_connected},
                                  Ack{2, AckStatus::not_connected}, Ack{3, AckStatus::ok}));
  lane.begin_lookup();
  lane.aim(kThere);
  EXPECT_EQ(sent(), Numbers{4});
}

TEST_F(LaneTest, FailsAllThatWereThereWhenTheLookUpBegan) {
  lane = Lane(7, "bob", nullptr);
  add(1, 2);
  lane.begin_lookup();
  add(3, 3);
  lane.fail(Outcome::not_connected);

  EXPECT_THAT(acks(),
              ElementsAre(Ack{1, AckStatus::not_connected}, Ack{2, AckStatus::not_connected}));
  EXPECT_EQ(step(), Step::locate);
}

TEST_F(LaneTest, LeavesWhatIsSettledAloneWhenALookUpFails) {
  add(1, 2);
  sent();
  answer(1, HandOver::refused);
  answer(2, HandOver::unknown);
  lane.begin_lookup();
  lane.fail(Outcome::not_connected);

  EXPECT_THAT(acks(), ElementsAre(Ack{1, AckStatus::not_connected}, Ack{2, AckStatus::error}));
}

TEST_F(LaneTest, DeliversAllThatIsLeftHere) {
  add(1, 2);
  sent();
  answer(1, HandOver::refused);
  answer(2, HandOver::unknown);
  add(3, 3);
  Numbers delivered;
  lane.deliver([&](const Parcel& parcel) {
    delivered.push_back(parcel.number);
    return parcel.number == 1 ? Outcome::delivered : Outcome::outbox_full;
  });

  EXPECT_EQ(delivered, (Numbers{1, 3}));
  EXPECT_THAT(acks(), ElementsAre(Ack{1, AckStatus::ok}, Ack{2, AckStatus::error},
                                  Ack{3, AckStatus::error}));
  EXPECT_EQ(step(), Step::close);
}

TEST_F(LaneTest, FindsOnlyWhatIsOnItsWay) {
  add(1, 2);
  EXPECT_EQ(lane.find_sent(1), nullptr);
  sent();
  answer(2, HandOver::taken);

  EXPECT_NE(lane.find_sent(1), nullptr);
  EXPECT_EQ(lane.find_sent(2), nullptr);
  EXPECT_EQ(lane.find_sent(3), nullptr);
}

}  // namespace
}  // namespace crolang::broker
