#include "net/mailbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace crolang::net {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<int> collect(Mailbox<int>& mailbox) {
  std::vector<int> tasks;
  mailbox.collect([&](int task) { tasks.push_back(task); });
  return tasks;
}

TEST(Mailbox, HandsTasksOutInTheOrderOfArrival) {
  Mailbox<int> mailbox;
  for (const int task : {3, 1, 2}) mailbox.push(task);

  EXPECT_THAT(collect(mailbox), ElementsAre(3, 1, 2));
}

TEST(Mailbox, HandsEachTaskOutOnce) {
  Mailbox<int> mailbox;
  mailbox.push(1);
  collect(mailbox);

  EXPECT_THAT(collect(mailbox), IsEmpty());
}

TEST(Mailbox, WakesOncePerBurst) {
  Mailbox<int> mailbox;

  EXPECT_TRUE(mailbox.push(1));
  EXPECT_FALSE(mailbox.push(2));
  EXPECT_FALSE(mailbox.push(3));
  collect(mailbox);
  EXPECT_TRUE(mailbox.push(4));
}

TEST(Mailbox, KeepsWhatArrivesWhileItIsCollectedForTheNextTime) {
  Mailbox<int> mailbox;
  mailbox.push(1);
  bool woken = false;
  mailbox.collect([&](int) { woken = mailbox.push(2); });

  EXPECT_TRUE(woken);
  EXPECT_THAT(collect(mailbox), ElementsAre(2));
}

TEST(Mailbox, TakesTasksThatCanOnlyBeMoved) {
  Mailbox<std::unique_ptr<int>> mailbox;
  mailbox.push(std::make_unique<int>(7));
  int seen = 0;
  mailbox.collect([&](const std::unique_ptr<int>& task) { seen = *task; });

  EXPECT_EQ(seen, 7);
}

TEST(Mailbox, LosesNothingBetweenThreads) {
  constexpr int kThreads = 4;
  constexpr int kTasks = 2000;
  Mailbox<int> mailbox;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&mailbox, t] {
      for (int i = 0; i < kTasks; ++i) mailbox.push(t * kTasks + i);
    });
  }
  std::vector<int> next(kThreads, 0);
  for (int seen = 0; seen < kThreads * kTasks;) {
    mailbox.collect([&](int task) {
      int& expected = next[static_cast<std::size_t>(task / kTasks)];
      EXPECT_EQ(task % kTasks, expected) << "of one thread, in its order";
      ++expected;
      ++seen;
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_THAT(next, ::testing::Each(kTasks));
}

}  // namespace
}  // namespace crolang::net
