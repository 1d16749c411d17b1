#include "net/plugin_loop.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "session/handle.hpp"
#include "support/captured_log.hpp"

namespace crolang::net {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kPlugin = "org.example.loop";

/// A pair of sockets that are connected to each other.
struct Sockets {
  Sockets() {
    std::array<int, 2> fds{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()), 0);
    here = Descriptor(fds[0]);
    there = Descriptor(fds[1]);
  }
  void say() const { EXPECT_EQ(::write(there.get(), "x", 1), 1); }
  void hear() const {
    char byte = 0;
    EXPECT_EQ(::read(here.get(), &byte, 1), 1);
  }
  Descriptor here;
  Descriptor there;
};

/// The thread of the test is the worker's, unless a test says otherwise.
class PluginLoopTest : public ::testing::Test {
 protected:
  using Callback = std::function<void(std::uint32_t)>;

  PluginLoopTest() { loop_.enter(); }
  ~PluginLoopTest() override { loop_.leave(); }

  std::uint64_t watch(const Sockets& sockets, std::uint32_t events, Callback& callback) {
    return loop_.watch(
        kPlugin, sockets.here.get(), events,
        [](void* arg, std::uint32_t ready) { (*static_cast<Callback*>(arg))(ready); }, &callback);
  }
  static void call(void* function) { (*static_cast<std::function<void()>*>(function))(); }
  /// Counts the call.
  static void count(void* calls) { ++*static_cast<std::atomic<int>*>(calls); }

  /// One turn of the worker, if its epoll says that there is something to do. False: there is not.
  bool turn(int patience_ms = 0) {
    pollfd entry{loop_.descriptor(), POLLIN, 0};
    if (::poll(&entry, 1, patience_ms) <= 0) return false;
    loop_.run();
    return true;
  }

  PluginLoop loop_{3};
  std::vector<std::uint32_t> ready_;  // that callbacks were told
  Callback note_ = [this](std::uint32_t ready) { ready_.push_back(ready); };
};

TEST_F(PluginLoopTest, HasNothingToDoAtFirst) {
  EXPECT_FALSE(turn());
}

TEST_F(PluginLoopTest, KnowsItsThread) {
  EXPECT_EQ(PluginLoop::current_worker(), 3u);
  std::thread([] { EXPECT_EQ(PluginLoop::current_worker(), CROLANG_NO_WORKER); }).join();
}

// ---- Watches

TEST_F(PluginLoopTest, CallsAsLongAsADescriptorIsReady) {
  const Sockets sockets;
  EXPECT_NE(watch(sockets, CROLANG_READABLE, note_), 0u);
  EXPECT_FALSE(turn());
  sockets.say();
  EXPECT_TRUE(turn());
  EXPECT_TRUE(turn());
  sockets.hear();
  EXPECT_FALSE(turn());
  EXPECT_THAT(ready_, ElementsAre(CROLANG_READABLE, CROLANG_READABLE));
}

TEST_F(PluginLoopTest, ReportsTheRequestedEvents) {
  const Sockets sockets;
  const std::uint64_t number = watch(sockets, CROLANG_WRITABLE, note_);
  EXPECT_TRUE(turn());
  EXPECT_TRUE(loop_.modify(number, 0));
  sockets.say();
  EXPECT_FALSE(turn());
  EXPECT_TRUE(loop_.modify(number, CROLANG_READABLE | CROLANG_WRITABLE));
  EXPECT_TRUE(turn());
  EXPECT_THAT(ready_, ElementsAre(CROLANG_WRITABLE, CROLANG_READABLE | CROLANG_WRITABLE));
}

TEST_F(PluginLoopTest, ReportsWithoutRequestThatTheOtherSideHasClosed) {
  Sockets sockets;
  watch(sockets, 0, note_);
  sockets.there = Descriptor();
  EXPECT_TRUE(turn());
  EXPECT_THAT(ready_, ElementsAre(CROLANG_HANGUP));
}

TEST_F(PluginLoopTest, GivesNoNumberTwice) {
  const Sockets sockets;
  const std::uint64_t first = watch(sockets, CROLANG_READABLE, note_);
  EXPECT_EQ(PluginLoop::worker_of(first), 3u);
  EXPECT_EQ(watch(sockets, CROLANG_READABLE, note_), 0u) << "is watched already";
  EXPECT_TRUE(loop_.unwatch(first, nullptr, nullptr));
  EXPECT_FALSE(loop_.unwatch(first, nullptr, nullptr));
  EXPECT_FALSE(loop_.modify(first, CROLANG_READABLE));
  const std::uint64_t second = watch(sockets, CROLANG_READABLE, note_);
  EXPECT_NE(second, 0u);
  EXPECT_NE(second, first);
}

TEST_F(PluginLoopTest, RefusesWhatCannotBeWatched) {
  EXPECT_EQ(loop_.watch(
                kPlugin, -1, CROLANG_READABLE, [](void*, std::uint32_t) {}, nullptr),
            0u);
}

TEST_F(PluginLoopTest, CallsNoMoreOnceAWatchHasEnded) {
  const Sockets sockets;
  sockets.say();
  const std::uint64_t number = watch(sockets, CROLANG_READABLE, note_);
  std::atomic<int> ended{0};
  EXPECT_TRUE(loop_.unwatch(number, &count, &ended));
  EXPECT_EQ(ended, 1) << "before it returns: this is the worker's thread";
  EXPECT_FALSE(turn());
  EXPECT_THAT(ready_, IsEmpty());
}

TEST_F(PluginLoopTest, EndsAWatchFromItsOwnCallback) {
  const Sockets sockets;
  sockets.say();
  std::uint64_t number = 0;
  Callback end = [&](std::uint32_t) { EXPECT_TRUE(loop_.unwatch(number, nullptr, nullptr)); };
  number = watch(sockets, CROLANG_READABLE, end);
  EXPECT_TRUE(turn());
  EXPECT_FALSE(turn());
}

TEST_F(PluginLoopTest, EndsAWatchThatIsReadyInTheSameIteration) {
  const Sockets one;
  const Sockets other;
  one.say();
  other.say();
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  int calls = 0;
  // Whichever is called first ends the other.
  Callback end_second = [&](std::uint32_t) { ++calls, loop_.unwatch(second, nullptr, nullptr); };
  Callback end_first = [&](std::uint32_t) { ++calls, loop_.unwatch(first, nullptr, nullptr); };
  first = watch(one, CROLANG_READABLE, end_second);
  second = watch(other, CROLANG_READABLE, end_first);
  EXPECT_TRUE(turn());
  EXPECT_EQ(calls, 1);
}

TEST_F(PluginLoopTest, ReportsNoMoreThanRequestedOnceThatHasChangedInTheSameIteration) {
  const Sockets one;
  const Sockets other;
  one.say();
  other.say();
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  int calls = 0;
  // Whichever is called first has the other wait.
  Callback pause_second = [&](std::uint32_t) { ++calls, loop_.modify(second, 0); };
  Callback pause_first = [&](std::uint32_t) { ++calls, loop_.modify(first, 0); };
  first = watch(one, CROLANG_READABLE, pause_second);
  second = watch(other, CROLANG_READABLE, pause_first);
  EXPECT_TRUE(turn());
  EXPECT_EQ(calls, 1);
}

TEST_F(PluginLoopTest, EndsAWatchFromAnotherThreadOnceItsCallbackCannotRun) {
  const Sockets sockets;
  sockets.say();
  const std::uint64_t number = watch(sockets, CROLANG_READABLE, note_);
  std::atomic<int> ended{0};
  std::thread([&] {
    EXPECT_TRUE(loop_.unwatch(number, &count, &ended));
    EXPECT_FALSE(loop_.unwatch(number, &count, &ended));
  }).join();
  EXPECT_EQ(ended, 0) << "its callback might be running";
  EXPECT_TRUE(turn());
  EXPECT_EQ(ended, 1);
  EXPECT_THAT(ready_, IsEmpty());
}

// ---- Timers

TEST_F(PluginLoopTest, CallsTimersInTheirOrder) {
  std::string order;
  std::function<void()> a = [&] { order += 'a'; };
  std::function<void()> b = [&] { order += 'b'; };
  EXPECT_NE(loop_.set_timer(kPlugin, 30ms, &call, &b), 0u);
  EXPECT_NE(loop_.set_timer(kPlugin, 1ms, &call, &a), 0u);
  while (order.size() < 2) EXPECT_TRUE(turn(10'000));
  EXPECT_EQ(order, "ab");
  EXPECT_FALSE(turn());
}

TEST_F(PluginLoopTest, CallsATimerNotBeforeItsTime) {
  std::atomic<int> calls{0};
  const auto before = std::chrono::steady_clock::now();
  loop_.set_timer(kPlugin, 50ms, &count, &calls);
  while (calls == 0) EXPECT_TRUE(turn(10'000));
  EXPECT_GE(std::chrono::steady_clock::now() - before, 50ms);
}

TEST_F(PluginLoopTest, CancelsTimers) {
  std::atomic<int> calls{0};
  const std::uint64_t first = loop_.set_timer(kPlugin, 1ms, &count, &calls);
  const std::uint64_t second = loop_.set_timer(kPlugin, 2ms, &count, &calls);
  EXPECT_TRUE(loop_.cancel_timer(first));
  EXPECT_FALSE(loop_.cancel_timer(first));
  while (calls == 0) EXPECT_TRUE(turn(10'000));
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(loop_.cancel_timer(second)) << "it has run";
}

TEST_F(PluginLoopTest, LeavesATimerThatATimerSetsForTheNextIteration) {
  int calls = 0;
  std::function<void()> again = [&] {
    ++calls;
    loop_.set_timer(kPlugin, 0ms, &call, &again);
  };
  loop_.set_timer(kPlugin, 0ms, &call, &again);
  for (int turns = 1; turns <= 3; ++turns) {
    EXPECT_TRUE(turn(10'000));
    EXPECT_EQ(calls, turns);
  }
}

// ---- Posts

TEST_F(PluginLoopTest, CallsWhatIsPostedInItsOrder) {
  std::string order;
  std::function<void()> a = [&] { order += 'a'; };
  std::function<void()> b = [&] { order += 'b'; };
  std::thread([&] {
    EXPECT_TRUE(loop_.post(kPlugin, &call, &a));
    EXPECT_TRUE(loop_.post(kPlugin, &call, &b));
  }).join();
  EXPECT_TRUE(turn());
  EXPECT_EQ(order, "ab");
  EXPECT_FALSE(turn());
}

TEST_F(PluginLoopTest, LeavesWhatAPostedFunctionPostsForTheNextIteration) {
  int calls = 0;
  std::function<void()> again = [&] {
    ++calls;
    loop_.post(kPlugin, &call, &again);
  };
  loop_.post(kPlugin, &call, &again);
  for (int turns = 1; turns <= 3; ++turns) {
    EXPECT_TRUE(turn());
    EXPECT_EQ(calls, turns);
  }
}

// ---- Before the worker runs, and after it

TEST(PluginLoop, KeepsWhatIsAskedForUntilTheWorkerRuns) {
  const Sockets sockets;
  sockets.say();
  PluginLoop loop(0);
  std::atomic<int> calls{0};
  const auto note = [](void* arg, std::uint32_t) { ++*static_cast<std::atomic<int>*>(arg); };
  const std::uint64_t watch =
      loop.watch(kPlugin, sockets.here.get(), CROLANG_READABLE, note, &calls);
  std::atomic<int> ended{0};
  const auto count = [](void* arg) { ++*static_cast<std::atomic<int>*>(arg); };
  EXPECT_TRUE(loop.unwatch(watch, count, &ended));
  EXPECT_EQ(ended, 1) << "before it returns: no worker runs";
  loop.watch(kPlugin, sockets.here.get(), CROLANG_READABLE, note, &calls);
  loop.post(kPlugin, count, &calls);
  EXPECT_EQ(calls, 0);
  loop.enter();
  loop.run();
  EXPECT_EQ(calls, 2);
  loop.leave();
}

TEST(PluginLoop, CallsNothingAfterTheWorkerHasEnded) {
  const Sockets sockets;
  sockets.say();
  PluginLoop loop(0);
  loop.enter();
  std::atomic<int> calls{0};
  const auto note = [](void* arg, std::uint32_t) { ++*static_cast<std::atomic<int>*>(arg); };
  const auto count = [](void* arg) { ++*static_cast<std::atomic<int>*>(arg); };
  const std::uint64_t watch =
      loop.watch(kPlugin, sockets.here.get(), CROLANG_READABLE, note, &calls);
  EXPECT_TRUE(loop.post(kPlugin, count, &calls));
  const std::uint64_t timer = loop.set_timer(kPlugin, 0ms, count, &calls);
  loop.leave();
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(PluginLoop::current_worker(), CROLANG_NO_WORKER);
  EXPECT_EQ(loop.watch(kPlugin, sockets.there.get(), CROLANG_READABLE, note, &calls), 0u);
  EXPECT_EQ(loop.set_timer(kPlugin, 0ms, count, &calls), 0u);
  EXPECT_FALSE(loop.post(kPlugin, count, &calls));
  EXPECT_FALSE(loop.cancel_timer(timer));
  EXPECT_EQ(calls, 0);
  EXPECT_TRUE(loop.unwatch(watch, count, &calls));
  EXPECT_EQ(calls, 1) << "who waits for the end of a watch is told";
}

TEST(PluginLoop, NotifiesThoseWhoWaitForTheEndOfAWatchWhenTheWorkerEnds) {
  const Sockets sockets;
  PluginLoop loop(0);
  loop.enter();
  std::atomic<int> ended{0};
  const std::uint64_t watch = loop.watch(
      kPlugin, sockets.here.get(), CROLANG_READABLE, [](void*, std::uint32_t) {}, nullptr);
  std::thread([&] {
    loop.unwatch(
        watch, [](void* arg) { ++*static_cast<std::atomic<int>*>(arg); }, &ended);
  }).join();
  EXPECT_EQ(ended, 0);
  loop.leave();
  EXPECT_EQ(ended, 1);
}

// ---- From many threads

TEST(PluginLoop, IsUsedByManyThreadsWhileItRuns) {
  PluginLoop loop(0);
  std::atomic<bool> over{false};
  std::thread worker([&] {
    loop.enter();
    while (!over) {
      pollfd entry{loop.descriptor(), POLLIN, 0};
      if (::poll(&entry, 1, 10) > 0) loop.run();
    }
    loop.leave();
  });
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&loop] {
      for (int round = 0; round < 200; ++round) {
        const Sockets sockets;
        sockets.say();
        struct State {
          std::atomic<int> calls{0};
          std::atomic<bool> ended{false};
          std::atomic<bool> called_late{false};
        } state;
        const std::uint64_t watch = loop.watch(
            kPlugin, sockets.here.get(), CROLANG_READABLE,
            [](void* arg, std::uint32_t) {
              auto& seen = *static_cast<State*>(arg);
              if (seen.ended) seen.called_late = true;
              ++seen.calls;
            },
            &state);
        EXPECT_NE(watch, 0u);
        while (state.calls == 0) std::this_thread::yield();
        EXPECT_TRUE(loop.modify(watch, CROLANG_READABLE | CROLANG_WRITABLE));
        EXPECT_TRUE(loop.unwatch(
            watch, [](void* arg) { static_cast<State*>(arg)->ended = true; }, &state));
        while (!state.ended) std::this_thread::yield();
        EXPECT_FALSE(state.called_late);
        std::atomic<int> posted{0};
        const auto count = [](void* arg) { ++*static_cast<std::atomic<int>*>(arg); };
        loop.post(kPlugin, count, &posted);
        const std::uint64_t timer = loop.set_timer(kPlugin, 0ms, count, &posted);
        const int expected = loop.cancel_timer(timer) ? 1 : 2;
        while (posted < expected) std::this_thread::yield();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  over = true;
  worker.join();
}

// ---- Who holds the worker up

TEST_F(PluginLoopTest, NamesAPluginThatBlocksTheWorker) {
  support::CapturedLog log(telemetry::log::Level::essentials);
  std::function<void()> slow = [] {
    const auto until = std::chrono::steady_clock::now() + 20ms;
    while (std::chrono::steady_clock::now() < until) {
    }
  };
  // Of which some may be the fault of a busy machine.
  for (int i = 0; i < 50; ++i) {
    loop_.post(kPlugin, &call, &slow);
    EXPECT_TRUE(turn());
  }
  EXPECT_THAT(log.lines(), ::testing::Contains(::testing::AllOf(
                               ::testing::HasSubstr("a plugin blocked a worker for more than 5 ms"),
                               ::testing::HasSubstr(kPlugin))));
}

// ---- In the worker's epoll
// ------------------------------------------------------------------------

/// A worker with an epoll of its own, which the loop uses from enter on.
class PluginLoopInWorkerTest : public ::testing::Test {
 protected:
  static void call(void* function) { (*static_cast<std::function<void()>*>(function))(); }
  /// Counts the call.
  static void count(void* calls) { ++*static_cast<std::atomic<int>*>(calls); }

  using Callback = std::function<void(std::uint32_t)>;

  std::uint64_t watch(const Sockets& sockets, Callback& callback) {
    return loop_.watch(
        kPlugin, sockets.here.get(), CROLANG_READABLE,
        [](void* arg, std::uint32_t ready) { (*static_cast<Callback*>(arg))(ready); }, &callback);
  }
  /// What the worker's epoll has for the loop is served. Returns how many descriptors were ready.
  int turn() {
    std::array<epoll_event, 8> events{};
    const int count = ::epoll_wait(epoll_.get(), events.data(), 8, 0);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      EXPECT_TRUE(PluginLoop::is_key(event.data.u64));
      loop_.serve(event.data.u64, event.events);
    }
    return count;
  }

  Descriptor epoll_{::epoll_create1(EPOLL_CLOEXEC)};
  PluginLoop loop_{3};
  std::vector<std::uint32_t> ready_;
  Callback note_ = [this](std::uint32_t ready) { ready_.push_back(ready); };
};

TEST_F(PluginLoopInWorkerTest, ReportsWhatWasWatchedBeforeAndAfter) {
  const Sockets before;
  const Sockets after;
  const std::uint64_t first = watch(before, note_);
  loop_.enter(epoll_.get());
  ASSERT_NE(watch(after, note_), 0u);
  EXPECT_EQ(turn(), 0);
  before.say();
  after.say();
  EXPECT_EQ(turn(), 2);
  EXPECT_THAT(ready_, ElementsAre(CROLANG_READABLE, CROLANG_READABLE));
  pollfd own{loop_.descriptor(), POLLIN, 0};
  EXPECT_EQ(::poll(&own, 1, 0), 0) << "it has moved";
  after.hear();
  EXPECT_TRUE(loop_.modify(first, 0));
  EXPECT_EQ(turn(), 0);
  EXPECT_TRUE(loop_.modify(first, CROLANG_READABLE));
  EXPECT_EQ(turn(), 1);
  EXPECT_TRUE(loop_.unwatch(first, nullptr, nullptr));
  EXPECT_EQ(turn(), 0);
  loop_.leave();
}

TEST_F(PluginLoopInWorkerTest, LeavesTimersOfItsThreadToTheWorker) {
  loop_.enter(epoll_.get());
  EXPECT_EQ(loop_.next_timer(), PluginLoop::TimePoint::max());
  std::vector<std::string> calls;
  std::function<void()> late = [&] { calls.emplace_back("late"); };
  std::function<void()> early = [&] { calls.emplace_back("early"); };
  const auto before = std::chrono::steady_clock::now();
  const std::uint64_t second = loop_.set_timer(kPlugin, 20ms, &call, &late);
  const auto due = loop_.next_timer();
  EXPECT_GE(due, before + 20ms);
  const std::uint64_t first = loop_.set_timer(kPlugin, 1ms, &call, &early);
  EXPECT_LT(loop_.next_timer(), due);
  EXPECT_TRUE(loop_.cancel_timer(first));
  EXPECT_EQ(loop_.next_timer(), due);
  loop_.set_timer(kPlugin, 0ms, &call, &early);
  loop_.run_timers();
  EXPECT_THAT(calls, ElementsAre("early"));
  EXPECT_EQ(loop_.next_timer(), due);
  pollfd own{loop_.descriptor(), POLLIN, 0};
  EXPECT_EQ(::poll(&own, 1, 50), 0) << "no descriptor is armed for them";
  loop_.run_timers();
  EXPECT_THAT(calls, ElementsAre("early", "late"));
  EXPECT_FALSE(loop_.cancel_timer(second));
  EXPECT_EQ(loop_.next_timer(), PluginLoop::TimePoint::max());
  loop_.leave();
}

TEST_F(PluginLoopInWorkerTest, WakesTheWorkerForATimerOfAnotherThread) {
  loop_.enter(epoll_.get());
  std::atomic<int> calls = 0;
  loop_.set_timer(kPlugin, 10s, &count, &calls);
  std::thread([&] { loop_.set_timer(kPlugin, 1ms, &count, &calls); }).join();
  pollfd own{loop_.descriptor(), POLLIN, 0};
  ASSERT_EQ(::poll(&own, 1, 10'000), 1);
  loop_.run();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(::poll(&own, 1, 0), 0);
  loop_.leave();
  EXPECT_EQ(loop_.next_timer(), PluginLoop::TimePoint::max());
}

TEST_F(PluginLoopInWorkerTest, ForgetsAWatchThatEndsWhileItIsReady) {
  const Sockets one;
  const Sockets other;
  loop_.enter(epoll_.get());
  std::array<std::uint64_t, 2> watches{};
  Callback end_both = [&](std::uint32_t ready) {
    ready_.push_back(ready);
    for (const std::uint64_t each : watches) loop_.unwatch(each, nullptr, nullptr);
  };
  watches = {watch(one, end_both), watch(other, end_both)};
  one.say();
  other.say();
  EXPECT_EQ(turn(), 2);
  EXPECT_EQ(ready_.size(), 1u);
  loop_.leave();
}

TEST_F(PluginLoopInWorkerTest, LeavesNothingInTheWorkersEpoll) {
  const Sockets sockets;
  loop_.enter(epoll_.get());
  const std::uint64_t number = watch(sockets, note_);
  sockets.say();
  loop_.leave();
  EXPECT_EQ(turn(), 0);
  EXPECT_TRUE(loop_.unwatch(number, nullptr, nullptr));
  EXPECT_EQ(watch(sockets, note_), 0u) << "the workers have ended";
}

TEST(PluginLoopKeys, AreNoneOfAConnectionOrOfAWorkerItself) {
  for (std::uint64_t below = 1; below < 8; ++below) EXPECT_FALSE(PluginLoop::is_key(0 - below));
  const session::SessionHandle largest{(1u << session::SessionHandle::kSlotBits) - 1, ~0u, 255};
  EXPECT_FALSE(PluginLoop::is_key(largest.packed()));
}

}  // namespace
}  // namespace crolang::net
