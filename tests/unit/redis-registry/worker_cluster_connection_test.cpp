#include "redis-registry/worker_cluster_connection.hpp"

#include <gmock/gmock.h>

#include "worker_links_in_cluster.hpp"

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using WorkerClusterConnectionTest = WorkerLinksInCluster;

TEST_F(WorkerClusterConnectionTest, IsUpOnceItHearsItself) {
  EXPECT_EQ(here_.ups, 1);
  EXPECT_EQ(here_.heartbeats, 1);
  EXPECT_THAT(here_.downs, IsEmpty());
  EXPECT_EQ(cluster_.subscriptions("a"), 2u);
  EXPECT_THAT(cluster_.commands("a"),
              ElementsAre("SSUBSCRIBE " + TestLink::channel(here_.name(), 0),
                          "SPUBLISH " + TestLink::channel(here_.name(), 0)));
  EXPECT_EQ(cluster_.connections("a"), 3u) << "publishers of both, and a subscription";
  EXPECT_EQ(cluster_.connections("c"), 2u);
}

TEST_F(WorkerClusterConnectionTest, PublishesAtTheMasterOfTheChannel) {
  const auto out = here_.publish(there_, "to b", now_);
  const auto back = there_.publish(here_, "to a", now_);
  work();
  pass(milliseconds(100));
  EXPECT_THAT(there_.received, ElementsAre("to b"));
  EXPECT_THAT(here_.received, ElementsAre("to a"));
  EXPECT_EQ(here_.published.at(out), 1);
  EXPECT_EQ(there_.published.at(back), 1);
  EXPECT_EQ(here_.questions + there_.questions, 0);
}

TEST_F(WorkerClusterConnectionTest, ReadsAnswersByTheDozenOrLater) {
  here_.publish(there_, "one", now_);
  work();
  EXPECT_THAT(there_.received, ElementsAre("one"));
  EXPECT_THAT(here_.published, IsEmpty()) << "is not worth waking up for";
  for (int n = 0; n < 70; ++n) here_.publish(there_, "more", now_);
  work();
  here_.publish(there_, "last", now_);
  work();
  EXPECT_EQ(here_.published.size(), 71u);
}

TEST_F(WorkerClusterConnectionTest, HearsItselfEachSecondThatIsSilent) {
  pass(milliseconds(5000));
  EXPECT_GE(here_.heartbeats, 5);
  EXPECT_LE(here_.heartbeats, 6);
}

TEST_F(WorkerClusterConnectionTest, SaysAtOnceThatNobodyListens) {
  TestLink nobody(cluster_, cluster_.broker_at("c"));
  const auto batch = here_.publish(nobody, "x", now_);
  work();
  pass(milliseconds(100));
  EXPECT_EQ(here_.published.at(batch), 0);
  EXPECT_EQ(here_.questions, 1) << "its slot may have moved";
  here_.publish(nobody, "x", now_);
  pass(milliseconds(200));
  EXPECT_EQ(here_.questions, 1) << "once a second is enough";
}

TEST_F(WorkerClusterConnectionTest, PassesOnRefusals) {
  cluster_.refuse("NOPERM this user has no permissions to access the channel");
  const auto batch = here_.publish(there_, "x", now_);
  work();
  pass(milliseconds(100));
  EXPECT_THAT(here_.refused, ElementsAre(batch));
}

TEST_F(WorkerClusterConnectionTest, LogsIn) {
  here_->leave("", now_);
  cluster_.require_password("secret");
  here_->serve(cluster_.target(), now_);
  work();
  EXPECT_TRUE(here_->is_up());
  RedisTarget target = cluster_.target();
  target.login.password = "wrong";
  here_->serve(target, now_);
  work();
  pass(milliseconds(300));
  EXPECT_FALSE(here_->is_up());
  EXPECT_THAT(here_.downs.back(), HasSubstr("WRONGPASS"));
  here_->change_target(cluster_.target(), now_);
  pass(milliseconds(300));
  EXPECT_TRUE(here_->is_up()) << "the new password is for the next connections";
}

// ---- A master is lost ---------------------------------------------------------------------------

TEST_F(WorkerClusterConnectionTest, LosesOnlyWhatAMasterHasNotAnswered) {
  TestLink third(cluster_, cluster_.broker_at("c"));
  third->serve(cluster_.target(), now_);
  while (third.work(now_) || cluster_.run()) continue;
  cluster_.freeze("b");
  const auto lost = here_.publish(there_, "to b", now_);
  const auto good = here_.publish(third, "to c", now_);
  work();
  cluster_.kill("b");
  work();
  EXPECT_THAT(here_.lost, ElementsAre(lost));
  EXPECT_TRUE(here_->is_up());
  EXPECT_THAT(here_.downs, IsEmpty());
  const auto late = here_.publish(there_, "to b", now_);
  work();
  EXPECT_THAT(here_.unpublished, ElementsAre(late)) << "fails at once";
  pass(milliseconds(100));
  EXPECT_EQ(here_.published.at(good), 1);
  pass(milliseconds(2000));
  EXPECT_THAT(here_.away, Contains(HasSubstr("b: ")));
  cluster_.revive("b");
  cluster_.thaw("b");
  pass(milliseconds(500));
  const auto again = here_.publish(there_, "again", now_);
  pass(milliseconds(200));
  EXPECT_EQ(here_.published.at(again), 1);
  EXPECT_THAT(there_.received, ElementsAre("again"));
}

TEST_F(WorkerClusterConnectionTest, GivesUpAMasterThatDoesNotAnswer) {
  cluster_.freeze("b");
  const auto batch = here_.publish(there_, "x", now_);
  pass(milliseconds(2900));
  EXPECT_THAT(here_.lost, IsEmpty());
  pass(milliseconds(300));
  EXPECT_THAT(here_.lost, ElementsAre(batch));
  EXPECT_TRUE(here_->is_up());
}

TEST_F(WorkerClusterConnectionTest, IsDownWithoutTheMasterOfItsOwnSlot) {
  cluster_.kill("a");
  work();
  EXPECT_FALSE(here_->is_up());
  EXPECT_THAT(here_.downs, Not(IsEmpty()));
  EXPECT_TRUE(there_->is_up());
  cluster_.move(here_.slot(), "c");
  tell_slots();
  EXPECT_TRUE(here_->is_up());
  EXPECT_EQ(here_.ups, 2);
  here_.publish(there_, "one", now_);
  there_.publish(here_, "two", now_);
  work();
  EXPECT_THAT(there_.received, ElementsAre("one"));
  EXPECT_THAT(here_.received, ElementsAre("two"));
}

TEST_F(WorkerClusterConnectionTest, NoticesThatTheMasterOfItsOwnSlotIsSilent) {
  cluster_.freeze("a");
  pass(milliseconds(4500));
  EXPECT_FALSE(here_->is_up());
  EXPECT_TRUE(there_->is_up());
  cluster_.thaw("a");
  pass(milliseconds(500));
  EXPECT_TRUE(here_->is_up());
}

TEST_F(WorkerClusterConnectionTest, DoesNotBlameMastersForASuspensionOfItsOwn) {
  cluster_.freeze("a");
  const auto batch = here_.publish(there_, "x", now_);
  here_.work(now_);
  now_ += std::chrono::hours(1);
  here_->tick(now_);
  cluster_.thaw("a");
  work();
  pass(milliseconds(300));
  EXPECT_THAT(here_.downs, IsEmpty());
  EXPECT_EQ(here_.published.at(batch), 1);
}

// ---- As it is told ------------------------------------------------------------------------------

TEST_F(WorkerClusterConnectionTest, KeepsTheConnectionToAMasterWhoseAddressIsNotKnown) {
  RedisTarget target = cluster_.target();
  target.masters[1].address.clear();
  here_->change_target(target, now_);
  const auto batch = here_.publish(there_, "x", now_);
  pass(milliseconds(1500));
  EXPECT_EQ(here_.published.at(batch), 1);
  EXPECT_EQ(cluster_.connections("b"), 3u);
}

TEST_F(WorkerClusterConnectionTest, LeavesAndComesBack) {
  here_->leave("enough", now_);
  work();
  EXPECT_FALSE(here_->is_up());
  EXPECT_FALSE(here_->has_target());
  EXPECT_THAT(here_.downs, ElementsAre("enough"));
  EXPECT_EQ(here_->due(), TimePoint::max());
  EXPECT_EQ(cluster_.connections("a"), 1u);
  here_.publish(there_, "x", now_);
  work();
  EXPECT_THAT(here_.unpublished.size(), 1u);
  here_->serve(cluster_.target(), now_);
  work();
  EXPECT_EQ(here_.ups, 2);
}

TEST_F(WorkerClusterConnectionTest, ConnectsAgainAfterADrop) {
  here_->drop("out of memory", now_);
  EXPECT_FALSE(here_->is_up());
  here_.publish(there_, "x", now_);
  pass(milliseconds(300));
  EXPECT_TRUE(here_->is_up());
  EXPECT_THAT(there_.received, IsEmpty());
}

}  // namespace
}  // namespace crolang::redis_registry
