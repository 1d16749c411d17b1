#include "redis-registry/slot_watch.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <memory>
#include <string>

#include "scripted_server.hpp"

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr std::string_view kQuestion = "*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n";

/// That a master at this port serves all slots.
std::string all_at(std::uint16_t port) {
  return "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:" + std::to_string(port) + "\r\n";
}

class SlotWatchTest : public testing::Test {
 protected:
  template <class Done>
  void run_until(SlotWatch& watch, Done done) {
    for (int i = 0; i < 200; ++i) {
      watch.tick(now_);
      if (done()) return;
      pollfd entry = watch.poll_entry(now_);
      ::poll(&entry, 1, 50);
      watch.on_poll(entry.revents, now_);
    }
    FAIL() << "it does not come to that: " << watch.fault();
  }
  /// The watch asks this server, which answers so.
  void answer(SlotWatch& watch, ScriptedServer& server, const std::string& reply) {
    run_until(watch, [&] { return server.is_called(); });
    run_until(watch, [&] { return watch.poll_entry(now_).events == POLLIN; });
    EXPECT_THAT(server.received(), HasSubstr(kQuestion));
    server.say(reply);
  }
  void answer_again(SlotWatch& watch, ScriptedServer& server, const std::string& reply) {
    run_until(watch, [&] { return watch.poll_entry(now_).events == POLLIN; });
    EXPECT_EQ(server.received(), kQuestion);
    server.say(reply);
    run_until(watch, [&] { return watch.asked_at() == now_; });
  }
  void expect_map(SlotWatch& watch, std::uint64_t number) {
    run_until(watch, [&] { return watch.number() == number; });
  }
  bool asks(SlotWatch& watch) {
    watch.tick(now_);
    return watch.last_question() == now_;
  }

  TimePoint now_{std::chrono::hours(1)};
  ScriptedServer first_;
  ScriptedServer second_;
};

TEST_F(SlotWatchTest, AsksOnceASecond) {
  SlotWatch watch({first_.place()}, {}, nullptr);
  EXPECT_EQ(watch.slots(), nullptr);
  answer(watch, first_, all_at(7001));
  expect_map(watch, 1);
  EXPECT_EQ(watch.slots()->masters().front(), (HostPort{"127.0.0.1", 7001}));
  EXPECT_EQ(watch.asked(), first_.place());

  now_ += milliseconds(999);
  EXPECT_FALSE(asks(watch));
  now_ += milliseconds(1);
  EXPECT_TRUE(asks(watch));
  answer_again(watch, first_, all_at(7001));
  EXPECT_EQ(watch.number(), 1U) << "it is the same map";
}

TEST_F(SlotWatchTest, AsksAtOnceWhenTheMapIsOutdatedButNotAllTheTime) {
  SlotWatch watch({first_.place()}, {}, nullptr);
  answer(watch, first_, all_at(7001));
  expect_map(watch, 1);
  watch.note_outdated();
  now_ += milliseconds(99);
  EXPECT_FALSE(asks(watch));
  now_ += milliseconds(1);
  EXPECT_TRUE(asks(watch));
  answer_again(watch, first_, all_at(7002));
  EXPECT_EQ(watch.number(), 2U);
}

TEST_F(SlotWatchTest, AsksTheNextNodeIfTheAnswerExplainsNothing) {
  SlotWatch watch({first_.place(), second_.place()}, {}, nullptr);
  answer(watch, first_, all_at(7001));
  expect_map(watch, 1);
  watch.note_outdated();
  now_ += milliseconds(100);
  EXPECT_TRUE(asks(watch));
  answer_again(watch, first_, all_at(7001));
  watch.note_outdated();
  now_ += milliseconds(100);
  answer(watch, second_, all_at(7002));
  expect_map(watch, 2);
  EXPECT_EQ(watch.asked(), second_.place());
  EXPECT_EQ(watch.fault(), "");
}

TEST_F(SlotWatchTest, AsksTheMastersOfTheLastMap) {
  auto seed = std::make_unique<ScriptedServer>();
  SlotWatch watch({seed->place()}, {}, nullptr);
  answer(watch, *seed, all_at(first_.place().port));
  expect_map(watch, 1);
  watch.note_outdated();
  now_ += milliseconds(100);
  EXPECT_TRUE(asks(watch));
  answer_again(watch, *seed, all_at(second_.place().port));
  seed.reset();
  now_ += milliseconds(1000);
  answer(watch, second_, all_at(7002));
  expect_map(watch, 3);
  EXPECT_FALSE(first_.is_called()) << "it is a master no more";
}

TEST_F(SlotWatchTest, AsksSeedsForEver) {
  auto master = std::make_unique<ScriptedServer>();
  SlotWatch watch({first_.place()}, {}, nullptr);
  answer(watch, first_, all_at(master->place().port));
  expect_map(watch, 1);
  first_.hang_up();
  now_ += milliseconds(1000);
  answer(watch, *master, all_at(second_.place().port));
  expect_map(watch, 2);
  master.reset();
  now_ += milliseconds(1000);
  answer(watch, first_, all_at(7002));
  expect_map(watch, 3);
}

TEST_F(SlotWatchTest, AsksAnotherNodeOnceASecondAtMost) {
  SlotWatch watch({first_.place(), second_.place()}, {}, nullptr);
  answer(watch, first_, all_at(7001));
  expect_map(watch, 1);
  watch.ask_another();
  answer(watch, second_, all_at(7001));
  run_until(watch, [&] { return watch.asked() == second_.place(); });
  EXPECT_EQ(watch.asked_address(), "127.0.0.1");
  first_.hang_up();

  now_ += milliseconds(999);
  watch.ask_another();
  EXPECT_FALSE(asks(watch));
  now_ += milliseconds(1);
  watch.ask_another();
  answer(watch, first_, all_at(7001));
  run_until(watch, [&] { return watch.asked() == first_.place(); });
  EXPECT_EQ(watch.fault(), "");
}

TEST_F(SlotWatchTest, LeavesANodeThatDoesNotAnswer) {
  SlotWatch watch({first_.place(), second_.place()}, {}, nullptr);
  run_until(watch, [&] { return first_.is_called(); });
  run_until(watch, [&] { return watch.poll_entry(now_).events == POLLIN; });
  now_ += milliseconds(601);
  answer(watch, second_, all_at(7002));
  expect_map(watch, 1);
}

TEST_F(SlotWatchTest, SaysWhatRightIsMissing) {
  SlotWatch watch({first_.place()}, {}, nullptr);
  answer(watch, first_,
         "-NOPERM this user has no permissions to run the 'cluster|slots' command\r\n");
  run_until(watch, [&] { return !watch.fault().empty(); });
  EXPECT_THAT(watch.fault(), HasSubstr("give the user of REDIS_URL +cluster|slots"));
  EXPECT_THAT(watch.fault(), HasSubstr(first_.place().name()));
}

TEST_F(SlotWatchTest, SaysWhoIsNoNode) {
  SlotWatch watch({first_.place()}, {}, nullptr);
  answer(watch, first_, "-ERR This instance has cluster support disabled\r\n");
  run_until(watch, [&] { return !watch.fault().empty(); });
  EXPECT_THAT(watch.fault(), HasSubstr("is not in cluster mode"));

  SlotWatch other({second_.place()}, {}, nullptr);
  answer(other, second_, "+OK\r\n");
  run_until(other, [&] { return !other.fault().empty(); });
  EXPECT_THAT(other.fault(), HasSubstr("is it a node of a cluster?"));
}

}  // namespace
}  // namespace crolang::redis_registry
