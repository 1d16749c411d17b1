#include "broker/remote_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace crolang::broker {
namespace {

using modules::Holder;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Step = RemoteQueue::Step;
using SendResult = RemoteQueue::SendResult;
using Numbers = std::vector<std::uint32_t>;

const Holder kThere{"there", 1};
const Holder kElsewhere{"elsewhere", 2};

class RemoteQueueTest : public ::testing::Test {
 protected:
  /// QueuedMessages of these numbers join.
  void add(std::uint32_t first, std::uint32_t last) {
    for (std::uint32_t number = first; number <= last; ++number) {
      QueuedMessages one;
      one.emplace_back(number, Message{Relayed::socket_msg_exchange, ack, "bob", "\"\""},
                       QueuedMessage::Stage::authorized);
      queue.append(one);
    }
  }
  /// Sends what may be sent.
  Numbers sent() {
    Numbers numbers;
    for (auto next = queue.next(); next.step == Step::send; next = queue.next()) {
      numbers.push_back(next.queued->number);
      queue.begin_send(*next.queued);
    }
    return numbers;
  }
  void answer(std::uint32_t number, SendResult result) {
    QueuedMessage* queued = queue.find_sent(number);
    ASSERT_NE(queued, nullptr) << number;
    queue.end_send(*queued, result);
  }
  /// Acknowledges what may be acknowledged.
  std::vector<std::pair<std::uint32_t, AckStatus>> acks() {
    std::vector<std::pair<std::uint32_t, AckStatus>> settled;
    for (auto next = queue.next(); next.step == Step::acknowledge; next = queue.next()) {
      settled.emplace_back(next.queued->number, status_of(next.queued->outcome));
      queue.remove_front(spare);
    }
    return settled;
  }
  Step step() { return queue.next().step; }

  socketio::AckId ack;
  SpareMessages spare;
  RemoteQueue queue{7, "bob", &kThere};
};

using Ack = std::pair<std::uint32_t, AckStatus>;

TEST_F(RemoteQueueTest, LooksUpAReceiverThatIsNotKnown) {
  queue = RemoteQueue(7, "bob", nullptr);
  add(1, 2);
  EXPECT_EQ(step(), Step::look_up);

  queue.begin_lookup();
  EXPECT_EQ(step(), Step::wait);
  queue.set_holder(kThere);

  EXPECT_EQ(sent(), (Numbers{1, 2}));
}

TEST_F(RemoteQueueTest, HandsOverAWindowAtOnce) {
  add(1, 20);
  EXPECT_EQ(sent().size(), RemoteQueue::kWindow);
  EXPECT_EQ(step(), Step::wait);

  answer(1, SendResult::taken);
  EXPECT_THAT(acks(), ElementsAre(Ack{1, AckStatus::ok}));

  EXPECT_EQ(sent(), Numbers{17});
}

TEST_F(RemoteQueueTest, AcknowledgesInOrder) {
  add(1, 3);
  sent();
  answer(3, SendResult::taken);
  answer(2, SendResult::unknown);
  EXPECT_EQ(step(), Step::wait);

  answer(1, SendResult::taken);

  EXPECT_THAT(acks(),
              ElementsAre(Ack{1, AckStatus::ok}, Ack{2, AckStatus::error}, Ack{3, AckStatus::ok}));
}

TEST_F(RemoteQueueTest, ClosesWhenNothingIsLeft) {
  add(1, 1);
  sent();
  answer(1, SendResult::taken);
  acks();

  EXPECT_EQ(step(), Step::remove);
}

TEST_F(RemoteQueueTest, SendsNothingMoreAfterARefusalUntilAllAreAnswered) {
  add(1, 3);
  sent();
  answer(1, SendResult::refused);
  add(4, 4);
  EXPECT_EQ(step(), Step::wait);
  answer(2, SendResult::refused);
  EXPECT_EQ(step(), Step::wait);
  answer(3, SendResult::refused);
  EXPECT_EQ(step(), Step::look_up);
  EXPECT_FALSE(queue.holder());

  queue.begin_lookup();
  queue.set_holder(kElsewhere);

  EXPECT_EQ(sent(), (Numbers{1, 2, 3, 4}));
}

TEST_F(RemoteQueueTest, SendsNothingMoreAfterAMissingAnswerUntilAllAreAnswered) {
  add(1, 3);
  sent();
  answer(1, SendResult::unknown);
  add(4, 4);
  EXPECT_THAT(acks(), ElementsAre(Ack{1, AckStatus::error}));
  EXPECT_EQ(step(), Step::wait);
  answer(3, SendResult::refused);
  answer(2, SendResult::refused);

  queue.begin_lookup();
  queue.set_holder(kElsewhere);

  EXPECT_EQ(sent(), (Numbers{2, 3, 4}));
}

TEST_F(RemoteQueueTest, GivesUpMessagesRefusedTwice) {
  add(1, 1);
  sent();
  answer(1, SendResult::refused);
  queue.begin_lookup();
  queue.set_holder(kElsewhere);
  add(2, 2);
  sent();
  answer(1, SendResult::refused);
  answer(2, SendResult::refused);
  EXPECT_THAT(acks(), ElementsAre(Ack{1, AckStatus::not_connected}));

  EXPECT_EQ(step(), Step::look_up);
  queue.begin_lookup();
  queue.set_holder(kThere);

  EXPECT_EQ(sent(), Numbers{2});
}

TEST_F(RemoteQueueTest, NeverResendsAfterALaterMessageWasAccepted) {
  add(1, 4);
  sent();
  answer(1, SendResult::refused);
  answer(2, SendResult::refused);
  answer(3, SendResult::taken);
  answer(4, SendResult::refused);

  EXPECT_THAT(acks(), ElementsAre(Ack{1, AckStatus::not_connected},
                                  Ack{2, AckStatus::not_connected}, Ack{3, AckStatus::ok}));
  queue.begin_lookup();
  queue.set_holder(kThere);
  EXPECT_EQ(sent(), Numbers{4});
}

TEST_F(RemoteQueueTest, FailsAllMessagesQueuedWhenTheLookUpBegan) {
  queue = RemoteQueue(7, "bob", nullptr);
  add(1, 2);
  queue.begin_lookup();
  add(3, 3);
  queue.fail_lookup(Outcome::not_connected);

  EXPECT_THAT(acks(),
              ElementsAre(Ack{1, AckStatus::not_connected}, Ack{2, AckStatus::not_connected}));
  EXPECT_EQ(step(), Step::look_up);
}

TEST_F(RemoteQueueTest, LeavesFinishedMessagesAloneWhenALookUpFails) {
  add(1, 2);
  sent();
  answer(1, SendResult::refused);
  answer(2, SendResult::unknown);
  queue.begin_lookup();
  queue.fail_lookup(Outcome::not_connected);

  EXPECT_THAT(acks(), ElementsAre(Ack{1, AckStatus::not_connected}, Ack{2, AckStatus::error}));
}

TEST_F(RemoteQueueTest, DeliversAllRemainingMessagesHere) {
  add(1, 2);
  sent();
  answer(1, SendResult::refused);
  answer(2, SendResult::unknown);
  add(3, 3);
  Numbers delivered;
  queue.deliver([&](const QueuedMessage& queued) {
    delivered.push_back(queued.number);
    return queued.number == 1 ? Outcome::delivered : Outcome::outbox_full;
  });

  EXPECT_EQ(delivered, (Numbers{1, 3}));
  EXPECT_THAT(acks(), ElementsAre(Ack{1, AckStatus::ok}, Ack{2, AckStatus::error},
                                  Ack{3, AckStatus::error}));
  EXPECT_EQ(step(), Step::remove);
}

TEST_F(RemoteQueueTest, BecomesThatToAnotherReceiver) {
  add(1, 2);
  sent();
  answer(1, SendResult::taken);
  answer(2, SendResult::unknown);
  acks();
  queue.begin_lookup();

  queue.begin(8, "carol", &kElsewhere);

  EXPECT_EQ(queue.number(), 8u);
  EXPECT_EQ(queue.receiver(), "carol");
  EXPECT_FALSE(queue.is_looking_up());
  EXPECT_EQ(queue.holder()->instance, kElsewhere.instance);
  EXPECT_EQ(step(), Step::remove);
  add(3, 3);
  EXPECT_EQ(sent(), Numbers{3});
  answer(3, SendResult::taken);
  acks();

  queue.begin(9, "dave", nullptr);

  add(4, 4);
  EXPECT_EQ(step(), Step::look_up);
}

TEST_F(RemoteQueueTest, FindsOnlyMessagesInFlight) {
  add(1, 2);
  EXPECT_EQ(queue.find_sent(1), nullptr);
  sent();
  answer(2, SendResult::taken);

  EXPECT_NE(queue.find_sent(1), nullptr);
  EXPECT_EQ(queue.find_sent(2), nullptr);
  EXPECT_EQ(queue.find_sent(3), nullptr);
}

}  // namespace
}  // namespace crolang::broker
