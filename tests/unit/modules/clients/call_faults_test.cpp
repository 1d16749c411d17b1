#include "modules/clients/call_faults.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "support/captured_log.hpp"

namespace crolang::modules {
namespace {

using telemetry::PluginEvent;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr std::uint32_t kPerSecond = 10;

/// Each test has a second of its own, since the log's limits are of the process.
TimePoint next_second() {
  static TimePoint now = std::chrono::steady_clock::now();
  return now += std::chrono::seconds(2);
}

TEST(CallFaults, AreCountedForTheKindThatWasAsked) {
  for (std::size_t i = 0; i < kQuestions; ++i) {
    const auto question = static_cast<Question>(i);
    EXPECT_EQ(counter_of(CallFault::late, question),
              telemetry::plugin_counter(kinds::describe(question).kind, PluginEvent::late_answer))
        << question_name(question);
  }
}

TEST(CallFaults, HaveACounterEachButTheSlowCall) {
  std::set<telemetry::Counter> counters;
  for (std::size_t i = 0; i < kCallFaults; ++i) {
    const auto fault = static_cast<CallFault>(i);
    const auto counter = counter_of(fault, Question::authorize);
    EXPECT_EQ(counter.has_value(), fault != CallFault::slow);
    if (counter) counters.insert(*counter);
  }
  EXPECT_THAT(counters, SizeIs(kCallFaults - 1));
  EXPECT_EQ(counter_of(CallFault::timed_out, Question::authorize),
            telemetry::plugin_counter(kinds::Kind::authorization, PluginEvent::timeout));
}

TEST(CallFaults, AreLoggedWithPluginQuestionAndDetail) {
  const std::string plugin = "org.example.auth";
  support::CapturedLog log(telemetry::log::Level::essentials);
  log_call_fault(CallFault::failed, Question::authenticate, plugin, "away", next_second());
  EXPECT_THAT(log.lines(),
              ElementsAre(HasSubstr("error plugin call failed plugin=org.example.auth "
                                    "question=authenticate detail=away suppressed=0")));
}

TEST(CallFaults, HaveASentenceOfTheirOwnEach) {
  const std::string plugin = "org.example.auth";
  support::CapturedLog log(telemetry::log::Level::essentials);
  const TimePoint now = next_second();
  for (std::size_t i = 0; i < kCallFaults; ++i) {
    log_call_fault(static_cast<CallFault>(i), Question::probe, plugin, {}, now);
  }
  const auto lines = log.lines();
  EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()).size(), kCallFaults);
}

TEST(CallFaults, OfAModuleWithoutAPluginAreOfWhatIsBuiltIn) {
  const std::string none;
  support::CapturedLog log(telemetry::log::Level::essentials);
  log_call_fault(CallFault::timed_out, Question::probe, none, {}, next_second());
  EXPECT_THAT(log.lines(), ElementsAre(HasSubstr("plugin=\"built in\"")));
}

TEST(CallFaults, AreLoggedAFewTimesASecondAndThenCounted) {
  CallFaultThrottles throttles;
  const std::string plugin = "org.example.auth";
  const TimePoint now = next_second();
  const auto admit = [&](TimePoint at) {
    return throttles.admit(plugin, Question::authenticate, CallFault::timed_out, at);
  };
  for (std::uint32_t i = 0; i < kPerSecond; ++i) EXPECT_EQ(admit(now), 0U);
  EXPECT_EQ(admit(now), std::nullopt);
  EXPECT_EQ(admit(now), std::nullopt);
  EXPECT_EQ(admit(now + std::chrono::seconds(1)), 2U);
}

TEST(CallFaults, OfOneKindDoNotHideThoseOfAnother) {
  CallFaultThrottles throttles;
  const std::string plugin = "org.example.auth";
  const TimePoint now = next_second();
  while (throttles.admit(plugin, Question::authenticate, CallFault::timed_out, now)) {
  }
  EXPECT_TRUE(throttles.admit(plugin, Question::authenticate, CallFault::late, now));
  EXPECT_TRUE(throttles.admit(plugin, Question::authorize, CallFault::timed_out, now));
}

TEST(CallFaults, OfOnePluginDoNotHideThoseOfAnotherThatIsAskedTheSame) {
  CallFaultThrottles throttles;
  const std::string one = "org.example.one";
  const std::string other = "org.example.other";
  const TimePoint now = next_second();
  while (throttles.admit(one, Question::authenticate, CallFault::timed_out, now)) {
  }
  EXPECT_TRUE(throttles.admit(other, Question::authenticate, CallFault::timed_out, now));
  EXPECT_FALSE(throttles.admit(one, Question::authenticate, CallFault::timed_out, now));
}

TEST(CallFaults, OfMorePluginsThanThereArePlacesForAreLimitedTogether) {
  CallFaultThrottles throttles;
  const std::vector<std::string> plugins(100, "org.example.many");
  const TimePoint now = next_second();
  std::size_t lines = 0;
  for (int round = 0; round < 20; ++round) {
    for (const std::string& plugin : plugins) {
      if (throttles.admit(plugin, Question::authenticate, CallFault::timed_out, now)) ++lines;
    }
  }
  EXPECT_LT(lines, plugins.size() * kPerSecond);
  EXPECT_GE(lines, kPerSecond);
}

TEST(CallFaults, ArePublishedAndKeptAsTheLastOne) {
  const std::string plugin = "org.example.auth";
  telemetry::EventHub events;
  telemetry::ModuleFaults last;
  events.watch([] {});
  publish_call_fault(events, last, CallFault::failed, Question::authenticate, plugin, "away",
                     next_second());
  EXPECT_EQ(last.last(kinds::Kind::authentication)->text, "plugin call failed: away");
  const auto published = events.take().events;
  ASSERT_THAT(published, SizeIs(1));
  EXPECT_EQ(published[0].kind, telemetry::EventKind::module);
  EXPECT_EQ(std::get<std::string>(published[0].fields[0].second), "authentication");
}

TEST(CallFaults, ThatWereAnsweredAfterAllAreNoNews) {
  const std::string plugin = "org.example.auth";
  telemetry::EventHub events;
  telemetry::ModuleFaults last;
  events.watch([] {});
  for (const CallFault fault : {CallFault::slow, CallFault::late, CallFault::answered_twice}) {
    publish_call_fault(events, last, fault, Question::authenticate, plugin, {}, next_second());
  }
  EXPECT_FALSE(last.last(kinds::Kind::authentication));
  EXPECT_TRUE(events.take().events.empty());
}

}  // namespace
}  // namespace crolang::modules
