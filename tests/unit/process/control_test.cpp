#include "process/control.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <future>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/faults.hpp"

namespace crolang::process {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

/// Everything runs on the test's own thread unless it starts another one.
class ControlTest : public ::testing::Test {
 protected:
  std::function<void()> note(int number) {
    return [this, number] { seen.push_back(number); };
  }
  std::function<void()> end() {
    return [this] { control.stop(); };
  }

  Control control;
  std::vector<int> seen;
};

TEST_F(ControlTest, RunsWhatIsPostedInOrder) {
  for (const int number : {1, 2, 3}) control.post(note(number));
  control.post(end());

  control.run();

  EXPECT_THAT(seen, ElementsAre(1, 2, 3));
}

TEST_F(ControlTest, RunsOnTheThreadThatRunsIt) {
  std::thread::id ran;
  std::thread([&] {
    control.post([&] { ran = std::this_thread::get_id(); });
    control.post(end());
  }).join();

  control.run();

  EXPECT_EQ(ran, std::this_thread::get_id());
}

TEST_F(ControlTest, RunsTimersInTheOrderOfTheirDeadlines) {
  control.post_after(40ms, end());
  control.post_after(20ms, note(2));
  control.post_after(1ms, note(1));

  control.run();

  EXPECT_THAT(seen, ElementsAre(1, 2));
}

TEST_F(ControlTest, RunsNoTimerEarly) {
  const auto start = std::chrono::steady_clock::now();
  control.post_after(30ms, end());

  control.run();

  EXPECT_GE(std::chrono::steady_clock::now() - start, 30ms);
}

TEST_F(ControlTest, GivesEachTimerANumberOfItsOwn) {
  const std::uint64_t first = control.post_after(1h, note(1));
  const std::uint64_t second = control.post_after(1h, note(2));

  EXPECT_NE(first, 0u);
  EXPECT_NE(second, 0u);
  EXPECT_NE(first, second);
}

TEST_F(ControlTest, CancelsATimer) {
  control.post([this] {
    const std::uint64_t timer = control.post_after(5ms, note(1));
    EXPECT_TRUE(control.cancel(timer));
    EXPECT_FALSE(control.cancel(timer)) << "there is no such timer any more";
    control.post_after(20ms, end());
  });

  control.run();

  EXPECT_TRUE(seen.empty());
}

TEST_F(ControlTest, CancelsNoTimerThatHasRun) {
  control.post([this] {
    const std::uint64_t timer = control.post_after(1ms, note(1));
    control.post_after(20ms, [this, timer] {
      EXPECT_FALSE(control.cancel(timer));
      control.stop();
    });
  });

  control.run();

  EXPECT_THAT(seen, ElementsAre(1));
}

TEST_F(ControlTest, CancelsATimerThatIsDueAtTheSameMoment) {
  std::uint64_t second = 0;
  bool cancelled = false;
  control.post([&] {
    control.post_after(0ms, [&] { cancelled = control.cancel(second); });
    second = control.post_after(0ms, note(2));
    control.post_after(20ms, end());
  });

  control.run();

  EXPECT_TRUE(cancelled);
  EXPECT_TRUE(seen.empty()) << "cancel has promised that it will not run";
}

TEST_F(ControlTest, LetsATimerSetTheNextOne) {
  control.post_after(1ms, [this] {
    seen.push_back(1);
    control.post_after(1ms, [this] {
      seen.push_back(2);
      control.stop();
    });
  });

  control.run();

  EXPECT_THAT(seen, ElementsAre(1, 2));
}

TEST_F(ControlTest, TakesTimersFromOtherThreads) {
  std::thread([this] { control.post_after(1ms, end()); }).join();

  control.run();
}

TEST_F(ControlTest, RunsAgainAfterAStop) {
  control.post(end());
  control.run();
  control.post(note(1));
  control.post(end());

  control.run();

  EXPECT_THAT(seen, ElementsAre(1));
}

TEST_F(ControlTest, RunsWhatComesBehindAFunctionThatThrows) {
  control.post([] { throw std::runtime_error("posted failure"); });
  control.post_after(1ms, [] { throw std::bad_alloc(); });
  control.post(note(1));
  control.post_after(2ms, [this] {
    seen.push_back(2);
    control.stop();
  });

  control.run();

  EXPECT_THAT(seen, ElementsAre(1, 2));
}

TEST_F(ControlTest, LosesNothingWhileMemoryRunsOut) {
  seen.reserve(2);
  for (std::uint64_t n = 1, untouched = 0; untouched < 3; ++n) {
    seen.clear();
    faults::fail_allocations(n, n + 3);
    {
      const faults::Victim victim;
      control.post([this] {
        seen.push_back(1);
        control.post_after(1ms, [this] {
          seen.push_back(2);
          control.stop();
        });
      });
      const std::thread::id here = std::this_thread::get_id();
      control.post_after(0ms, [here] { EXPECT_EQ(std::this_thread::get_id(), here); });
      control.run();
    }
    untouched = faults::heal() == 0 ? untouched + 1 : 0;
    EXPECT_THAT(seen, ElementsAre(1, 2)) << n;
  }
}

// ---- Signals. Each in a process of its own, since dispositions and masks belong to one.

/// What a child does; its last line must be a call of std::_Exit.
template <class F>
int exit_code_of(F&& child) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    child();
    std::_Exit(99);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

class Signals : public ::testing::TestWithParam<int> {};

TEST_P(Signals, WaitForTheirHandler) {
  const int code = exit_code_of([] {
    Control control;
    Control::hold_signals();
    control.catch_signals();
    ::kill(::getpid(), GetParam());
    control.on_signal([](int signal) { std::_Exit(signal); });
    control.run();
  });
  EXPECT_EQ(code, GetParam());
}

INSTANTIATE_TEST_SUITE_P(All, Signals,
                         ::testing::Values(SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2));

class HeldSignals : public ::testing::TestWithParam<int> {};

TEST_P(HeldSignals, EndNothingAndAreNotLostBeforeTheyAreCaught) {
  const int code = exit_code_of([] {
    Control::hold_signals();
    ::kill(::getpid(), GetParam());
    Control control;
    control.catch_signals();
    control.on_signal([](int signal) { std::_Exit(signal); });
    control.run();
  });
  EXPECT_EQ(code, GetParam());
}

INSTANTIATE_TEST_SUITE_P(All, HeldSignals, ::testing::Values(SIGHUP, SIGUSR1, SIGUSR2));

TEST(CaughtSignals, ArriveAgainAndAgain) {
  const int code = exit_code_of([] {
    Control control;
    control.catch_signals();
    int seen = 0;
    control.on_signal([&](int signal) {
      if (++seen == 3) std::_Exit(signal == SIGHUP ? 0 : 1);
      ::kill(::getpid(), SIGHUP);
    });
    ::kill(::getpid(), SIGHUP);
    control.run();
  });
  EXPECT_EQ(code, 0);
}

TEST(CaughtSignals, InterruptNoOtherThread) {
  const int code = exit_code_of([] {
    Control control;
    control.catch_signals();
    std::thread([] {
      sigset_t mask;
      pthread_sigmask(SIG_BLOCK, nullptr, &mask);
      for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2})
        if (sigismember(&mask, signal) != 1) std::_Exit(signal);
      std::_Exit(0);
    }).join();
  });
  EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace crolang::process
