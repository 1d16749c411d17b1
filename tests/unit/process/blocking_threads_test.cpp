#include "process/blocking_threads.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <new>
#include <thread>
#include <vector>

#include "support/faults.hpp"

namespace crolang::process {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

TEST(BlockingThreads, RunWhatIsPosted) {
  BlockingThreads threads;
  std::promise<std::thread::id> ran;

  threads.post([&] { ran.set_value(std::this_thread::get_id()); });

  EXPECT_NE(ran.get_future().get(), std::this_thread::get_id());
}

TEST(BlockingThreads, DoNotWaitForAFunctionThatHangs) {
  BlockingThreads threads;
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  for (int i = 0; i < 8; ++i) threads.post([released] { released.wait(); });
  std::promise<void> ran;

  threads.post([&] { ran.set_value(); });

  ran.get_future().wait();
  release.set_value();
}

TEST(BlockingThreads, RefuseWhatThereIsNoThreadForAndGoOn) {
  BlockingThreads threads;
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  ASSERT_TRUE(threads.post([released] { released.wait(); }));
  bool refused_ran = false;
  {
    const faults::Victim victim;
    faults::fail_thread_starts(1);
    EXPECT_FALSE(threads.post([&] { refused_ran = true; }));
    EXPECT_EQ(faults::heal(), 1u);
  }
  std::promise<void> ran;
  EXPECT_TRUE(threads.post([&] { ran.set_value(); }));
  ran.get_future().wait();
  release.set_value();
  EXPECT_FALSE(refused_ran);
}

TEST(BlockingThreads, RefuseWhatThereIsNoMemoryForAndGoOn) {
  BlockingThreads threads;
  for (std::uint64_t n = 1;; ++n) {
    bool taken = false;
    std::promise<void> ran;
    const std::function<void()> function = [&] { ran.set_value(); };
    {
      const faults::Victim victim;
      faults::fail_allocations(n, n + 1);
      std::function<void()> copy;
      try {
        copy = function;
      } catch (const std::bad_alloc&) {
        faults::heal();
        continue;
      }
      taken = threads.post(std::move(copy));
    }
    if (taken) ran.get_future().wait();
    if (faults::heal() == 0) break;
  }
}

TEST(BlockingThreads, FinishWhatWaitsBeforeTheyEnd) {
  std::atomic<int> ran{0};
  {
    BlockingThreads threads;
    for (int i = 0; i < 100; ++i) threads.post([&] { ++ran; });
  }

  EXPECT_EQ(ran, 100);
}

TEST(BlockingThreads, MayBePostedToByWhatEndsWithAFunction) {
  struct Guest {
    explicit Guest(std::function<void()> function) : at_end(std::move(function)) {}
    ~Guest() { at_end(); }
    std::function<void()> at_end;
  };
  std::promise<void> ran;
  BlockingThreads threads;

  threads.post(
      [guest = std::make_shared<Guest>([&] { threads.post([&] { ran.set_value(); }); })] {});

  EXPECT_EQ(ran.get_future().wait_for(10s), std::future_status::ready);
}

TEST(BlockingThreads, EndWithoutEverHavingRun) {
  const BlockingThreads threads;
}

}  // namespace
}  // namespace crolang::process
