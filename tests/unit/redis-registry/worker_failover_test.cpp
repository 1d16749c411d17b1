// Brokers that learn one after the other that a slot of a cluster has another master.
#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "redis-registry/peer_format.hpp"
#include "redis-registry/worker_cluster_connection.hpp"
#include "worker_links_in_cluster.hpp"

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using WorkerFailoverTest = WorkerLinksInCluster;

std::string numbered_reply(std::uint64_t number) {
  std::string batch;
  append_head(batch, "{x}:0", number);
  append(batch, ReplyRecord{number, Outcome::taken});
  return batch;
}

TEST_F(WorkerFailoverTest, TakesTheFormerMasterForNoProofThatSomebodyIsAtTheNewOne) {
  cluster_.freeze("b");
  here_.publish(there_, "1", now_);
  here_.work(now_);
  // A fail-over, of which the receiver does not know yet.
  cluster_.make_replica("b", "c");
  cluster_.move_silently(there_.slot(), "c");
  here_->change_target(cluster_.target(), now_);
  here_.publish(there_, "2", now_);
  here_.publish(there_, "3", now_);
  cluster_.thaw("b");
  while (here_.work(now_) || cluster_.run()) continue;
  ASSERT_EQ(here_.published.at(1), 1);
  const auto sent =
      std::ranges::count(cluster_.commands("c"), "SPUBLISH " + TestLink::channel(there_.name(), 1));
  EXPECT_EQ(sent, 1) << "the next one must not overtake it";
}

TEST_F(WorkerFailoverTest, DoesNotGiveUpWhatIsForAnotherWorkerLinkThanTheOneThatHasHeard) {
  cluster_.move(there_.slot(), "c");
  tell_slots();
  here_.publish(there_, "1", now_);
  pass(milliseconds(100));
  ASSERT_EQ(here_.published.at(1), 1);
  constexpr std::uint64_t kOfAnother = 2;
  const std::string another = TestLink::channel(there_.name(), 2);
  here_->publish(another, "x", kOfAnother, WorkerPubSub::Receiver::unknown, now_);
  here_->publish(TestLink::channel(there_.name(), 1), "2", 3, WorkerPubSub::Receiver::unknown,
                 now_);
  pass(milliseconds(200));
  ASSERT_TRUE(here_.published.contains(3));
  EXPECT_EQ(here_.published.at(3), 1);
  EXPECT_FALSE(here_.published.contains(kOfAnother)) << "it may be subscribed in a moment";
  pass(milliseconds(1100));
  EXPECT_EQ(here_.published.at(kOfAnother), 0);
}

TEST_F(WorkerFailoverTest, TakesOnlyOnceWhatIsSentAgainThoughAReplicaHasPassedItOn) {
  // A fail-over, of which the receiver does not know yet: it is subscribed at what is a replica
  // now, and the new master counts nobody.
  cluster_.make_replica("b", "c");
  cluster_.move_silently(there_.slot(), "c");
  here_->change_target(cluster_.target(), now_);
  here_.publish(there_, numbered_reply(1), now_);
  pass(milliseconds(300));
  EXPECT_THAT(there_.received, ElementsAre(numbered_reply(1)));
  here_.publish(there_, numbered_reply(2), now_);
  there_->change_target(cluster_.target(), now_);
  pass(milliseconds(300));
  EXPECT_THAT(there_.received, ElementsAre(numbered_reply(1), numbered_reply(2)));
  EXPECT_EQ(here_.published.at(1), 1);
}

TEST_F(WorkerFailoverTest, LosesNothingIfItHoldsBackMoreThanItMay) {
  cluster_.make_replica("b", "c");
  cluster_.move_silently(there_.slot(), "c");
  cluster_.freeze("b");
  tell_slots();
  constexpr std::uint64_t kBatches = 300;
  const std::string body(64 << 10, 'x');
  std::vector<std::string> batches;
  for (std::uint64_t n = 1; n <= kBatches; ++n) {
    std::string batch;
    append_head(batch, "{x}:0", n);
    append(batch, MessageRecord{n, {}, body});
    here_.publish(there_, batch, now_);
    batches.push_back(std::move(batch));
    work();
  }
  pass(milliseconds(700));
  EXPECT_EQ(there_.late.size(), 0u);
  EXPECT_TRUE(there_.received == batches) << there_.received.size();
}

TEST_F(WorkerFailoverTest, ReadsWhatTheNewMasterHasIfTheFormerOneEndsTheSubscription) {
  cluster_.move_silently(there_.slot(), "c");
  there_->change_target(cluster_.target(), now_);
  here_->change_target(cluster_.target(), now_);
  there_.work(now_);
  cluster_.run();
  here_.publish(there_, numbered_reply(1), now_);
  here_.work(now_);
  cluster_.run();
  // Only now does c know that b has become its replica; and then b knows it.
  cluster_.make_replica("b", "c");
  here_.work(now_);
  here_.publish(there_, numbered_reply(2), now_);
  here_.work(now_);
  cluster_.run();
  cluster_.end_subscriptions("b");
  work();
  EXPECT_THAT(there_.received, ElementsAre(numbered_reply(1), numbered_reply(2)));
  EXPECT_THAT(there_.late, IsEmpty());
  EXPECT_THAT(there_.downs, IsEmpty());
}

TEST_F(WorkerFailoverTest, KnowsWhatComesAgainFromWhatComesLateForTheFirstTime) {
  // A failover. The former master, now a replica, has ended the subscription, and still publishes.
  cluster_.pass_on_to_masters();
  cluster_.make_replica("b", "c");
  cluster_.move_silently(there_.slot(), "c");
  cluster_.end_subscriptions("b");
  here_.publish(there_, numbered_reply(1), now_);
  here_->flush(now_);
  cluster_.run();
  there_.work(now_);
  there_->change_target(cluster_.target(), now_);
  for (int n = 0; n < 3; ++n) {
    there_.work(now_);
    cluster_.run();
  }
  ASSERT_EQ(cluster_.subscriptions("c"), 2u);
  for (std::uint64_t n = 2; n <= 4; ++n) here_.publish(there_, numbered_reply(n), now_);
  here_->flush(now_);
  cluster_.run();
  // All four had no receiver as b counts, and the sender knows why.
  here_->change_target(cluster_.target(), now_);
  pass(milliseconds(300));
  EXPECT_THAT(there_.received,
              ElementsAre(numbered_reply(2), numbered_reply(3), numbered_reply(4)));
  EXPECT_THAT(there_.late, ElementsAre(numbered_reply(1)));
  const std::string sent = "SPUBLISH " + TestLink::channel(there_.name(), 1);
  EXPECT_EQ(std::ranges::count(cluster_.commands("c"), sent), 4) << "again";
  for (std::uint64_t n = 1; n <= 4; ++n) EXPECT_EQ(here_.published.at(n), 1) << n;
}

TEST_F(WorkerFailoverTest, HoldsNothingBackForAMasterThatCannotBeReached) {
  cluster_.isolate("c");
  there_->change_target(cluster_.target("b", "c"), now_);
  for (int n = 1; n <= 10; ++n) {
    here_.publish(there_, numbered_reply(static_cast<std::uint64_t>(n)), now_);
    pass(milliseconds(100));
    EXPECT_EQ(there_.received.size(), static_cast<std::size_t>(n));
  }
  EXPECT_TRUE(there_->is_up());
}

TEST_F(WorkerFailoverTest, SoonTriesAgainWhereItWasRefused) {
  // Its map is newer than what the new master knows.
  cluster_.move_silently(there_.slot(), "c");
  const RedisTarget after = cluster_.target();
  cluster_.move_silently(there_.slot(), "b");
  there_->change_target(after, now_);
  work();
  ASSERT_EQ(cluster_.subscriptions("b"), 2u);
  cluster_.move_silently(there_.slot(), "c");
  cluster_.make_replica("b", "c");
  pass(milliseconds(300));
  EXPECT_EQ(cluster_.subscriptions("c"), 2u);
  EXPECT_EQ(cluster_.subscriptions("b"), 0u);
}

TEST_F(WorkerFailoverTest, SaysThatItMayNotEndItsSubscription) {
  cluster_.forbid_unsubscribing();
  cluster_.make_replica("b", "c");
  cluster_.move_silently(there_.slot(), "c");
  tell_slots();
  pass(milliseconds(100));
  EXPECT_THAT(there_.unsubscribe_refusals, ElementsAre(HasSubstr("sunsubscribe")));
  EXPECT_EQ(cluster_.subscriptions("b"), 0u);
  EXPECT_TRUE(there_->is_up());
  EXPECT_THAT(here_.unsubscribe_refusals, IsEmpty());
}

}  // namespace
}  // namespace crolang::redis_registry
