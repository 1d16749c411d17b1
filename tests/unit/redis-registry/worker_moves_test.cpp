// Slots that move between the masters of a cluster.
#include <gmock/gmock.h>

#include "redis-registry/peer_format.hpp"
#include "redis-registry/worker_cluster_connection.hpp"
#include "worker_links_in_cluster.hpp"

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

using WorkerMovesTest = WorkerLinksInCluster;

std::string numbered(std::uint64_t number) {
  std::string batch;
  append_head(batch, "{x}:0", number);
  append(batch, ReplyRecord{number, Outcome::taken});
  return batch;
}

// ---- The slot of another broker moves -----------------------------------------------------------

TEST_F(WorkerMovesTest, SendsAgainWhatTheFormerMasterRefuses) {
  cluster_.move(there_.slot(), "c");
  there_->change_target(cluster_.target(), now_);
  work();
  here_.publish(there_, "1", now_);
  here_.publish(there_, "2", now_);
  work();
  pass(milliseconds(100));
  EXPECT_GE(here_.questions, 1);
  here_.publish(there_, "3", now_);
  work();
  EXPECT_THAT(there_.received, IsEmpty());
  here_->change_target(cluster_.target(), now_);
  here_.publish(there_, "4", now_);
  work();
  pass(milliseconds(100));
  EXPECT_THAT(there_.received, ElementsAre("1", "2", "3", "4"));
  for (std::uint64_t n = 1; n <= 4; ++n) EXPECT_EQ(here_.published.at(n), 1) << n;
  EXPECT_THAT(here_.unpublished, IsEmpty());
  EXPECT_THAT(here_.lost, IsEmpty());
}

TEST_F(WorkerMovesTest, AsksUntilItIsToldOrGivesUpAfterASecond) {
  cluster_.move(there_.slot(), "c");
  const auto batch = here_.publish(there_, "x", now_);
  work();
  pass(milliseconds(100));
  EXPECT_EQ(here_.questions, 1);
  const auto behind = here_.publish(there_, "y", now_);
  pass(milliseconds(800));
  EXPECT_GE(here_.questions, 5);
  EXPECT_LE(here_.questions, 10);
  EXPECT_THAT(here_.unpublished, IsEmpty());
  pass(milliseconds(400));
  EXPECT_THAT(here_.unpublished, ElementsAre(batch, behind));
  const int questions = here_.questions;
  pass(milliseconds(500));
  EXPECT_EQ(here_.questions, questions);
}

TEST_F(WorkerMovesTest, IsNotSentFromMasterToMasterForEver) {
  // The masters do not agree: each map is outdated when it comes.
  cluster_.move(there_.slot(), "c");
  const auto batch = here_.publish(there_, "x", now_);
  work();
  for (int n = 0; n < 20; ++n) {
    here_->change_target(cluster_.target(), now_);
    cluster_.move(there_.slot(), n % 2 == 0 ? "b" : "c");
    pass(milliseconds(100));
  }
  EXPECT_THAT(here_.unpublished, ElementsAre(batch));
}

TEST_F(WorkerMovesTest, LetsNothingOvertakeWhatTheFormerMasterHasNotAnswered) {
  cluster_.freeze("b");
  here_.publish(there_, "1", now_);
  work();
  cluster_.move(there_.slot(), "c");
  tell_slots();
  here_.publish(there_, "2", now_);
  pass(milliseconds(200));
  EXPECT_THAT(there_.received, IsEmpty());
  cluster_.thaw("b");
  pass(milliseconds(200));
  EXPECT_THAT(there_.received, ElementsAre("1", "2"));
}

TEST_F(WorkerMovesTest, WaitsForASubscriberThatFollowsItsSlot) {
  cluster_.move(there_.slot(), "c");
  here_->change_target(cluster_.target(), now_);
  here_.publish(there_, "1", now_);
  pass(milliseconds(300));
  here_.publish(there_, "2", now_);
  work();
  EXPECT_THAT(here_.published, IsEmpty());
  there_->change_target(cluster_.target(), now_);
  pass(milliseconds(300));
  EXPECT_THAT(there_.received, ElementsAre("1", "2"));
  EXPECT_EQ(here_.published.at(1), 1);
  EXPECT_EQ(here_.published.at(2), 1);
}

TEST_F(WorkerMovesTest, LetsNothingOvertakeWhatNobodyHasReceivedYet) {
  cluster_.move(there_.slot(), "c");
  here_->change_target(cluster_.target(), now_);
  here_.publish(there_, "1", now_);
  here_.work(now_);
  cluster_.run();
  there_->change_target(cluster_.target(), now_);
  while (there_.work(now_) || cluster_.run()) continue;
  here_.publish(there_, "2", now_);
  here_.publish(there_, "3", now_);
  work();
  pass(milliseconds(300));
  EXPECT_THAT(there_.received, ElementsAre("1", "2", "3"));
  EXPECT_EQ(here_.published.at(1), 1);
}

TEST_F(WorkerMovesTest, DoesNotWaitForeverForASubscriber) {
  there_->leave("", now_);
  work();
  cluster_.move(there_.slot(), "c");
  here_->change_target(cluster_.target(), now_);
  const auto batch = here_.publish(there_, "1", now_);
  pass(milliseconds(900));
  EXPECT_THAT(here_.published, IsEmpty());
  pass(milliseconds(300));
  EXPECT_EQ(here_.published.at(batch), 0);
  pass(milliseconds(2000));
  const auto later = here_.publish(there_, "2", now_);
  pass(milliseconds(100));
  EXPECT_EQ(here_.published.at(later), 0) << "the slot has been there for long";
}

TEST_F(WorkerMovesTest, LetsAMasterThatServesNothingMoreAnswer) {
  cluster_.freeze("b");
  const auto batch = here_.publish(there_, "x", now_);
  work();
  // As when b becomes a replica of c.
  here_->change_target(cluster_.target("b", "c"), now_);
  pass(milliseconds(200));
  EXPECT_EQ(cluster_.connections("b"), 3u);
  cluster_.thaw("b");
  pass(milliseconds(200));
  EXPECT_EQ(here_.published.at(batch), 1);
  EXPECT_EQ(cluster_.connections("b"), 2u) << "those of the other broker";
  EXPECT_THAT(here_.lost, IsEmpty());
}

TEST_F(WorkerMovesTest, DoesNotWaitLongForAMasterThatServesNothingMore) {
  cluster_.freeze("b");
  const auto batch = here_.publish(there_, "x", now_);
  work();
  here_->change_target(cluster_.target("b", "c"), now_);
  pass(milliseconds(900));
  EXPECT_THAT(here_.lost, IsEmpty());
  pass(milliseconds(300));
  EXPECT_THAT(here_.lost, ElementsAre(batch));
}

TEST_F(WorkerMovesTest, HoldsRepliesForABrokerThatKnowsOfANewMasterAlready) {
  cluster_.kill("b");
  pass(milliseconds(300));
  here_.downs.clear();
  // c was promoted; the other broker has followed, and sends something.
  cluster_.move_silently(there_.slot(), "c");
  there_->change_target(cluster_.target("b", "c"), now_);
  pass(milliseconds(300));
  ASSERT_TRUE(there_->is_up());
  const int questions = here_.questions;
  const auto message = here_.publish(there_, "message", now_);
  const auto reply = here_.publish(there_, "reply", now_, WorkerPubSub::Receiver::alive);
  const auto behind = here_.publish(there_, "behind", now_);
  work();
  EXPECT_THAT(here_.unpublished, Contains(message));
  EXPECT_GT(here_.questions, questions);
  here_->change_target(cluster_.target("b", "c"), now_);
  pass(milliseconds(200));
  EXPECT_THAT(there_.received, ElementsAre("reply", "behind"));
  EXPECT_EQ(here_.published.at(reply), 1);
  EXPECT_EQ(here_.published.at(behind), 1);
}

TEST_F(WorkerMovesTest, HoldsRepliesForNoLongerThanASecond) {
  cluster_.kill("b");
  pass(milliseconds(300));
  here_.unpublished.clear();
  const auto reply = here_.publish(there_, "reply", now_, WorkerPubSub::Receiver::alive);
  pass(milliseconds(900));
  EXPECT_THAT(here_.unpublished, IsEmpty());
  pass(milliseconds(200));
  EXPECT_THAT(here_.unpublished, ElementsAre(reply));
}

TEST_F(WorkerMovesTest, ConnectsToANewMaster) {
  cluster_.move(there_.slot(), "d");
  tell_slots();
  const auto batch = here_.publish(there_, "x", now_);
  pass(milliseconds(200));
  EXPECT_THAT(there_.received, ElementsAre("x"));
  EXPECT_EQ(here_.published.at(batch), 1);
}

TEST_F(WorkerMovesTest, FailsAtOnceWhereNobodyServesTheSlot) {
  RedisTarget target = cluster_.target();
  target.masters[1].address.clear();
  here_->leave("", now_);
  here_->serve(target, now_);
  work();
  EXPECT_TRUE(here_->is_up());
  const auto batch = here_.publish(there_, "x", now_);
  work();
  EXPECT_THAT(here_.unpublished, ElementsAre(batch));
  tell_slots();
  here_.publish(there_, "y", now_);
  work();
  EXPECT_THAT(there_.received, ElementsAre("y"));
}

// ---- Its own slot moves -------------------------------------------------------------------------

TEST_F(WorkerMovesTest, FollowsItsSlot) {
  const auto open = there_.publish(here_, "before", now_);
  work();
  cluster_.move(here_.slot(), "c");
  work();
  EXPECT_EQ(here_.questions, 1);
  EXPECT_TRUE(here_->is_up());
  tell_slots();
  there_.publish(here_, "after", now_);
  work();
  EXPECT_THAT(here_.received, ElementsAre("before", "after"));
  EXPECT_THAT(here_.downs, IsEmpty());
  EXPECT_EQ(here_.ups, 1);
  EXPECT_EQ(cluster_.subscriptions("c"), 2u);
  EXPECT_EQ(cluster_.connections("a"), 2u) << "publishers";
  pass(milliseconds(100));
  EXPECT_EQ(there_.published.at(open), 1);
}

TEST_F(WorkerMovesTest, SubscribesAtTheNewMasterBeforeItLeavesTheOldOne) {
  // Its map is newer than what the former master knows.
  const RedisTarget before = cluster_.target();
  cluster_.move(here_.slot(), "c");
  const RedisTarget after = cluster_.target();
  cluster_.move(here_.slot(), "a");
  here_->serve(before, now_);
  there_->change_target(before, now_);
  work();
  cluster_.freeze("c");
  here_->change_target(after, now_);
  work();
  there_.publish(here_, "1", now_);
  pass(milliseconds(750));
  EXPECT_THAT(here_.received, ElementsAre("1"));
  EXPECT_EQ(cluster_.subscriptions("a"), 2u);
  cluster_.thaw("c");
  pass(milliseconds(1500));
  EXPECT_EQ(cluster_.subscriptions("a"), 2u) << "c sends it on";
  EXPECT_GE(here_.questions, 1);
  EXPECT_TRUE(here_->is_up());
}

TEST_F(WorkerMovesTest, TakesWhatIsPublishedUntilTheFormerMasterKnowsThatItLeaves) {
  // A failover, of which the sender does not know yet: b still publishes.
  cluster_.make_replica("b", "c");
  cluster_.move_silently(there_.slot(), "c");
  there_->change_target(cluster_.target(), now_);
  there_.work(now_);
  cluster_.run();
  ASSERT_EQ(cluster_.subscriptions("c"), 2u);
  const auto batch = here_.publish(there_, "late", now_);
  here_.work(now_);
  there_.work(now_);
  // The sender's command arrives before the receiver's.
  cluster_.run();
  work();
  EXPECT_THAT(there_.received, ElementsAre("late"));
  pass(milliseconds(100));
  EXPECT_EQ(here_.published.at(batch), 1);
  EXPECT_EQ(cluster_.subscriptions("b"), 0u);
  EXPECT_TRUE(there_->is_up());
  EXPECT_THAT(there_.downs, IsEmpty());
}

TEST_F(WorkerMovesTest, PassesOnWhatComesOnTheSubscriptionThatItLeavesFirst) {
  // So that its new subscription is polled first.
  cluster_.move(there_.slot(), "c");
  tell_slots();
  cluster_.make_replica("c", "a");
  cluster_.move_silently(there_.slot(), "a");
  there_->change_target(cluster_.target(), now_);
  there_.work(now_);
  cluster_.run();
  here_.publish(there_, numbered(1), now_);
  here_.work(now_);
  there_.work(now_);
  cluster_.run();
  // It has taken over, and not read yet what c had for it; a has the next one.
  here_->change_target(cluster_.target(), now_);
  here_.work(now_);
  here_.publish(there_, numbered(2), now_);
  for (int n = 0; n < 3; ++n) {
    here_.work(now_);
    cluster_.run();
  }
  ASSERT_THAT(there_.received, IsEmpty());
  work();
  EXPECT_THAT(there_.received, ElementsAre(numbered(1), numbered(2)));
}

TEST_F(WorkerMovesTest, PassesOnWhatTheNewMasterHasOnceTheOldOneHasLetItGo) {
  TestLink third(cluster_, cluster_.broker_at("a", 1));
  third->serve(cluster_.target(), now_);
  while (third.work(now_) || cluster_.run()) continue;
  cluster_.make_replica("b", "c");
  cluster_.move_silently(there_.slot(), "c");
  there_->change_target(cluster_.target(), now_);
  third->change_target(cluster_.target(), now_);
  there_.work(now_);
  cluster_.run();
  // b has it, but is slow.
  cluster_.freeze("b");
  here_.publish(there_, "1", now_);
  here_.work(now_);
  third.publish(there_, "2", now_);
  for (int n = 0; n < 3; ++n) {
    third.work(now_);
    there_.work(now_);
    cluster_.run();
  }
  EXPECT_THAT(there_.received, IsEmpty());
  cluster_.thaw("b");
  work();
  EXPECT_THAT(there_.received, UnorderedElementsAre("1", "2"));
  EXPECT_THAT(there_.downs, IsEmpty());
}

TEST_F(WorkerMovesTest, PassesOnInTheOrderOfTheSenderWhatAReplicaHasEarlier) {
  cluster_.move_silently(there_.slot(), "c");
  there_->change_target(cluster_.target(), now_);
  here_->change_target(cluster_.target(), now_);
  there_.work(now_);
  cluster_.run();
  here_.publish(there_, numbered(1), now_);
  here_.work(now_);
  cluster_.run();
  // Only now does c know that b has become its replica.
  cluster_.make_replica("b", "c");
  here_.work(now_);
  here_.publish(there_, numbered(2), now_);
  here_.work(now_);
  cluster_.run();
  work();
  EXPECT_THAT(there_.received, ElementsAre(numbered(1), numbered(2)));
}

TEST_F(WorkerMovesTest, MarksWhatComesAfterALaterOneOfItsSender) {
  cluster_.move(there_.slot(), "c");
  tell_slots();
  here_.publish(there_, numbered(2), now_);
  work();
  // What b published as a replica reaches the subscribers of its master by the cluster's bus.
  here_.publish(there_, numbered(1), now_);
  work();
  EXPECT_THAT(there_.received, ElementsAre(numbered(2)));
  EXPECT_THAT(there_.late, ElementsAre(numbered(1)));
}

TEST_F(WorkerMovesTest, DoesNotWaitLongForAMasterThatItLeaves) {
  cluster_.make_replica("b", "c");
  cluster_.move_silently(there_.slot(), "c");
  cluster_.freeze("b");
  tell_slots();
  EXPECT_EQ(cluster_.subscriptions("c"), 2u);
  here_.publish(there_, "x", now_);
  pass(milliseconds(400));
  EXPECT_THAT(there_.received, IsEmpty());
  pass(milliseconds(300));
  EXPECT_THAT(there_.received, ElementsAre("x"));
  cluster_.thaw("b");
  cluster_.run();
  EXPECT_EQ(cluster_.subscriptions("b"), 0u);
  EXPECT_THAT(there_.downs, IsEmpty());
}

TEST_F(WorkerMovesTest, MovesOnWhileItLeavesAMaster) {
  cluster_.move_silently(there_.slot(), "c");
  cluster_.freeze("b");
  tell_slots();
  cluster_.move_silently(there_.slot(), "a");
  tell_slots();
  EXPECT_EQ(cluster_.subscriptions("a"), 4u);
  here_.publish(there_, "x", now_);
  pass(milliseconds(100));
  EXPECT_THAT(there_.received, ElementsAre("x"));
  cluster_.thaw("b");
  work();
  EXPECT_EQ(cluster_.subscriptions("b") + cluster_.subscriptions("c"), 0u);
}

TEST_F(WorkerMovesTest, PassesNothingOnTwice) {
  cluster_.make_replica("a", "c");
  cluster_.move_silently(here_.slot(), "c");
  here_->change_target(cluster_.target(), now_);
  there_->change_target(cluster_.target(), now_);
  here_.work(now_);
  cluster_.run();
  ASSERT_EQ(cluster_.subscriptions("a"), 2u);
  ASSERT_EQ(cluster_.subscriptions("c"), 2u);
  there_.publish(here_, numbered(1), now_);
  there_.work(now_);
  cluster_.run();
  work();
  EXPECT_THAT(here_.received, ElementsAre(numbered(1)));
  there_.publish(here_, numbered(2), now_);
  work();
  EXPECT_THAT(here_.received, ElementsAre(numbered(1), numbered(2)));
  EXPECT_EQ(cluster_.subscriptions("a"), 0u);
}

TEST_F(WorkerMovesTest, ReadsWhatWasPublishedBeforeTheMoveFirst) {
  cluster_.move(here_.slot(), "c");
  tell_slots();
  ASSERT_EQ(cluster_.subscriptions("c"), 2u);
  there_.publish(here_, "1", now_);
  there_.work(now_);
  cluster_.run();
  cluster_.move_silently(here_.slot(), "a");
  here_->change_target(cluster_.target(), now_);
  here_->flush(now_);
  cluster_.run();
  ASSERT_EQ(cluster_.subscriptions("a"), 2u);
  there_->change_target(cluster_.target(), now_);
  there_.publish(here_, "2", now_);
  while (there_.work(now_) || cluster_.run()) continue;
  EXPECT_THAT(here_.received, IsEmpty());
  work();
  EXPECT_THAT(here_.received, ElementsAre("1", "2"));
}

TEST_F(WorkerMovesTest, IsDownIfItIsNotToldWithinASecondWhereItsSlotIs) {
  cluster_.move(here_.slot(), "c");
  pass(milliseconds(900));
  EXPECT_TRUE(here_->is_up());
  EXPECT_GE(here_.questions, 5);
  pass(milliseconds(300));
  EXPECT_FALSE(here_->is_up());
  EXPECT_THAT(here_.downs, Contains(HasSubstr("moved")));
  tell_slots();
  EXPECT_TRUE(here_->is_up());
}

TEST_F(WorkerMovesTest, NoticesThatItsSubscriptionIsGone) {
  cluster_.forget_subscriptions("a");
  pass(milliseconds(1800));
  EXPECT_GE(here_.questions, 1);
  EXPECT_EQ(cluster_.subscriptions("a"), 2u);
  EXPECT_TRUE(here_->is_up());
  EXPECT_THAT(here_.downs, IsEmpty());
}

}  // namespace
}  // namespace crolang::redis_registry
