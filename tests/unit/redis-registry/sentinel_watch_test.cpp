#include "redis-registry/sentinel_watch.hpp"

#include <gmock/gmock.h>
#include <poll.h>

#include <string>
#include <utility>

#include "scripted_server.hpp"

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

void say_address(ScriptedServer& server, std::uint16_t port) {
  const std::string digits = std::to_string(port);
  server.say("*2\r\n$9\r\n127.0.0.1\r\n$" + std::to_string(digits.size()) + "\r\n" + digits +
             "\r\n");
}

/// There is another Sentinel.
void say_sentinel(ScriptedServer& server, std::uint16_t port) {
  const std::string digits = std::to_string(port);
  server.say("*1\r\n*4\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$4\r\nport\r\n$" +
             std::to_string(digits.size()) + "\r\n" + digits + "\r\n");
}

class SentinelWatchTest : public testing::Test {
 protected:
  /// Lets events come until `done`; they come at once, since both ends are here.
  template <class Done>
  void run_until(SentinelWatch& watch, Done done) {
    for (int i = 0; i < 200; ++i) {
      watch.tick(now_);
      if (done()) return;
      pollfd entry = watch.poll_entry(now_);
      ::poll(&entry, 1, 50);
      watch.on_poll(entry.revents, now_);
    }
    FAIL() << "it does not come to that: " << watch.fault();
  }
  void connect(SentinelWatch& watch, const ScriptedServer& server) {
    run_until(watch, [&] { return server.is_called(); });
    run_until(watch, [&] { return watch.poll_entry(now_).events == POLLIN; });
  }
  void expect_primary(SentinelWatch& watch, std::uint16_t port) {
    run_until(watch, [&] { return watch.primary() == HostPort{"127.0.0.1", port}; });
    EXPECT_EQ(watch.answered_at(), now_);
    EXPECT_EQ(watch.fault(), "");
  }
  void expect_fault(SentinelWatch& watch, std::string_view words) {
    run_until(watch, [&] { return !watch.fault().empty(); });
    EXPECT_THAT(watch.fault(), HasSubstr(words));
  }

  TimePoint now_{std::chrono::hours(1)};
  ScriptedServer first_;
  ScriptedServer second_;
};

TEST_F(SentinelWatchTest, AsksOnceASecond) {
  SentinelWatch watch({first_.place()}, "main", {}, nullptr);
  connect(watch, first_);
  EXPECT_THAT(first_.received(), HasSubstr("$23\r\nGET-MASTER-ADDR-BY-NAME\r\n$4\r\nmain\r\n"));
  say_address(first_, 7001);
  expect_primary(watch, 7001);
  EXPECT_THAT(first_.received(), HasSubstr("SENTINELS"));
  first_.say("*0\r\n");
  run_until(watch, [&] { return watch.poll_entry(now_).events == 0; });

  now_ += milliseconds(999);
  watch.tick(now_);
  EXPECT_EQ(watch.poll_entry(now_).events & POLLOUT, 0);
  now_ += milliseconds(1);
  watch.tick(now_);
  EXPECT_THAT(first_.received(), HasSubstr("GET-MASTER-ADDR-BY-NAME"));
  say_address(first_, 7002);
  expect_primary(watch, 7002);
}

TEST_F(SentinelWatchTest, AsksAtOnceWhenItIsTold) {
  SentinelWatch watch({first_.place()}, "main", {}, nullptr);
  connect(watch, first_);
  first_.received();
  say_address(first_, 7001);
  expect_primary(watch, 7001);
  first_.received();
  now_ += milliseconds(1);
  watch.ask(now_);
  watch.tick(now_);
  EXPECT_THAT(first_.received(), HasSubstr("GET-MASTER-ADDR-BY-NAME"));
}

TEST_F(SentinelWatchTest, FindsTheOnlyMaster) {
  SentinelWatch watch({first_.place()}, "", {}, nullptr);
  connect(watch, first_);
  EXPECT_THAT(first_.received(), HasSubstr("MASTERS"));
  first_.say("*1\r\n*2\r\n$4\r\nname\r\n$4\r\nonly\r\n");
  run_until(watch, [&] { return watch.master() == "only"; });
  EXPECT_THAT(first_.received(), HasSubstr("$4\r\nonly\r\n"));
  say_address(first_, 7001);
  expect_primary(watch, 7001);
}

TEST_F(SentinelWatchTest, LogsInFirst) {
  SentinelWatch watch({first_.place()}, "main", {"me", "hush"}, nullptr);
  connect(watch, first_);
  EXPECT_THAT(first_.received(),
              testing::StartsWith("*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$4\r\nhush\r\n"));
  first_.say("-WRONGPASS invalid\r\n-NOAUTH Authentication required.\r\n");
  expect_fault(watch, first_.place().name() + " refuses the login (WRONGPASS)");
}

TEST_F(SentinelWatchTest, TurnsToTheNextOneWhenOneIsSilent) {
  SentinelWatch watch({first_.place(), second_.place()}, "main", {}, nullptr);
  connect(watch, first_);
  first_.received();
  now_ += milliseconds(601);
  connect(watch, second_);
  second_.received();
  say_address(second_, 7001);
  expect_primary(watch, 7001);
}

TEST_F(SentinelWatchTest, KeepsWhatItKnowsWhenOneHangsUp) {
  SentinelWatch watch({first_.place(), second_.place()}, "main", {}, nullptr);
  connect(watch, first_);
  first_.received();
  say_address(first_, 7001);
  expect_primary(watch, 7001);
  first_.hang_up();
  connect(watch, second_);
  EXPECT_EQ(watch.primary(), (HostPort{"127.0.0.1", 7001}));
  second_.received();
  say_address(second_, 7002);
  expect_primary(watch, 7002);
}

TEST_F(SentinelWatchTest, LearnsOfOthers) {
  SentinelWatch watch({first_.place()}, "main", {}, nullptr);
  connect(watch, first_);
  first_.received();
  say_address(first_, 7001);
  expect_primary(watch, 7001);
  first_.received();
  say_sentinel(first_, second_.place().port);
  run_until(watch, [&] { return watch.poll_entry(now_).events == 0; });
  first_.hang_up();
  now_ += milliseconds(1000);
  run_until(watch, [&] { return second_.is_called(); });
}

TEST_F(SentinelWatchTest, ForgetsThoseThatAreNamedNoMore) {
  SentinelWatch watch({first_.place()}, "main", {}, nullptr);
  ScriptedServer third;
  for (const std::uint16_t port : {second_.place().port, third.place().port}) {
    run_until(watch, [&] { return (watch.poll_entry(now_).events & POLLIN) != 0; });
    first_.received();
    say_address(first_, 7001);
    run_until(watch, [&] { return watch.answered_at() == now_; });
    EXPECT_THAT(first_.received(), HasSubstr("SENTINELS"));
    say_sentinel(first_, port);
    run_until(watch, [&] { return watch.poll_entry(now_).events == 0; });
    now_ += milliseconds(10'000);
    watch.tick(now_);
  }
  first_.hang_up();
  run_until(watch, [&] { return third.is_called(); });
  EXPECT_FALSE(second_.is_called());
}

TEST_F(SentinelWatchTest, SaysWhatEachOfThemSaid) {
  SentinelWatch watch({first_.place(), second_.place()}, "main", {}, nullptr);
  connect(watch, first_);
  first_.received();
  first_.say("*-1\r\n");
  connect(watch, second_);
  second_.received();
  second_.say("-ERR unknown command 'SENTINEL', with args beginning with: \r\n");
  expect_fault(watch, first_.place().name() + " knows no master named main");
  EXPECT_THAT(watch.fault(), HasSubstr(second_.place().name() + " is not a Sentinel"));
  EXPECT_EQ(watch.failed_at(), now_);
}

}  // namespace
}  // namespace crolang::redis_registry
