// What the suite for registries cannot know: Redis comes and goes, forgets, refuses and is written
// to by others.
#include <array>
#include <atomic>
#include <crolang/testing/registry_instance.hpp>
#include <string>
#include <thread>
#include <vector>

#include "redis_server.hpp"

namespace {

namespace pt = crolang::plugin::testing;
using crolang::testing::eventually;
using crolang::testing::RedisServer;

class RedisRegistryTest : public ::testing::Test {
 protected:
  void TearDown() override {
    broker_.reset();
    questions_.expect_one_answer_each();
  }

  pt::Instance& start(const std::string& url, const std::string& ttl = "60000") {
    const auto module =
        pt::module_of(std::string(REDIS_REGISTRY), CROLANG_REGISTRY,
                      {{"REDIS_URL", url}, {"REDIS_KEY_PREFIX", "t:"}, {"REDIS_LOCK_TTL_MS", ttl}});
    broker_ = std::make_unique<pt::Instance>("here", module(), questions_);
    return *broker_;
  }
  pt::Instance& start() { return start(redis_.url()); }

  static crolang_status status(const pt::Question& question) {
    const auto outcome = question.wait();
    return outcome ? outcome->status : -1;
  }
  static bool granted(const pt::Question& question) {
    const auto outcome = question.wait();
    return outcome && outcome->status == CROLANG_OK && outcome->code == CROLANG_GRANTED;
  }
  /// Claims until it is granted, as newcomers do.
  std::uint64_t hold(const std::string& id) {
    std::uint64_t token = 0;
    EXPECT_TRUE(eventually([&] {
      token = pt::random_token();
      return granted(broker_->claim(id, token));
    }));
    EXPECT_EQ(status(broker_->announce(id, token)), CROLANG_OK);
    return token;
  }
  std::string value_of(const std::string& id) {
    return redis_.command({"GET", "t:node:{" + id + "}"});
  }

  RedisServer redis_;
  pt::Questions questions_;
  std::unique_ptr<pt::Instance> broker_;
};

TEST_F(RedisRegistryTest, StartsWithoutRedisAndServesOnceItIsThere) {
  redis_.kill();
  pt::Instance& broker = start();
  EXPECT_FALSE(broker.available());
  EXPECT_EQ(status(broker.claim("alice", 1)), CROLANG_UNAVAILABLE);
  EXPECT_EQ(status(broker.lookup({"alice"})), CROLANG_UNAVAILABLE);
  EXPECT_EQ(status(broker.send("there", "alice", 1, "x")), CROLANG_UNAVAILABLE);
  EXPECT_EQ(broker.probe("alice", {"there", 1}).wait()->code, CROLANG_UNREACHABLE);
  redis_.start();
  hold("alice");
  EXPECT_TRUE(broker.available());
}

TEST_F(RedisRegistryTest, KeepsNewcomersWaitingWhileRedisIsYoung) {
  pt::Instance& broker = start();
  EXPECT_TRUE(broker.available());
  EXPECT_EQ(status(broker.claim("alice", 1)), CROLANG_UNAVAILABLE);
  hold("alice");
}

TEST_F(RedisRegistryTest, WritesItsLeasesAgainAfterRedisHasLostThem) {
  pt::Instance& broker = start();
  hold("alice");
  const std::string before = value_of("alice");
  redis_.kill();
  EXPECT_TRUE(eventually([&] { return !broker.available(); }));
  redis_.start();
  EXPECT_TRUE(eventually([&] { return value_of("alice") == before; }));
  EXPECT_TRUE(broker.lost().empty());
}

TEST_F(RedisRegistryTest, ReleasesWhatWasGivenUpMeanwhile) {
  pt::Instance& broker = start();
  const std::uint64_t token = hold("alice");
  redis_.pause();
  const pt::Question& release = broker.release("alice", token);
  EXPECT_EQ(status(release), CROLANG_OK);
  EXPECT_TRUE(eventually([&] { return !broker.available(); }));
  redis_.resume();
  EXPECT_TRUE(eventually([&] { return value_of("alice") == "(nil)"; }));
}

TEST_F(RedisRegistryTest, GivesUpARedisThatIsSilent) {
  pt::Instance& broker = start();
  hold("alice");
  redis_.pause();
  EXPECT_EQ(status(broker.lookup({"alice"})), CROLANG_UNAVAILABLE);
  EXPECT_TRUE(eventually([&] { return !broker.available(); }));
  redis_.resume();
  EXPECT_TRUE(eventually([&] { return broker.available(); }));
}

TEST_F(RedisRegistryTest, StopsWhileRedisIsSilent) {
  pt::Instance& broker = start();
  const std::uint64_t token = hold("alice");
  redis_.pause();
  const pt::Question& lookup = broker.lookup({"alice"});
  broker.release("alice", token);
  broker.stop();
  EXPECT_NE(status(lookup), CROLANG_OK);
  redis_.resume();
}

TEST_F(RedisRegistryTest, GivesItsLeasesUpWhenItStops) {
  pt::Instance& broker = start();
  hold("alice");
  broker.stop();
  EXPECT_EQ(value_of("alice"), "(nil)");
}

TEST_F(RedisRegistryTest, KeepsItsLeasesAlive) {
  start(redis_.url(), "1000");
  hold("alice");
  const std::string before = value_of("alice");
  // Three times the life of a lease that nobody extends.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  EXPECT_TRUE(eventually([&] {
    EXPECT_EQ(value_of("alice"), before);
    return std::chrono::steady_clock::now() > end;
  }));
}

TEST_F(RedisRegistryTest, WritesALeaseAgainThatSomebodyDeleted) {
  start(redis_.url(), "3000");
  hold("alice");
  const std::string before = value_of("alice");
  redis_.command({"FLUSHALL"});
  EXPECT_TRUE(eventually([&] { return value_of("alice") == before; }));
}

TEST_F(RedisRegistryTest, SaysWhatItHasLostToAnotherToken) {
  pt::Instance& broker = start(redis_.url(), "3000");
  const std::uint64_t token = hold("alice");
  redis_.command({"SET", "t:node:{alice}", "00000000000000ab+there"});
  EXPECT_TRUE(eventually([&] { return broker.lost() == std::vector{token}; }));
  EXPECT_EQ(value_of("alice"), "00000000000000ab+there");
}

TEST_F(RedisRegistryTest, GoesOnWhenRedisForgetsItsScripts) {
  pt::Instance& broker = start();
  hold("alice");
  redis_.command({"SCRIPT", "FLUSH"});
  EXPECT_EQ(status(broker.claim("bob", 1)), CROLANG_UNAVAILABLE);
  hold("bob");
  EXPECT_TRUE(broker.available());
}

TEST_F(RedisRegistryTest, KeepsNewcomersWaitingWhileRedisRefusesToWrite) {
  pt::Instance& broker = start();
  hold("alice");
  redis_.command({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_EQ(status(broker.claim("bob", 1)), CROLANG_UNAVAILABLE);
  EXPECT_FALSE(broker.available());
  // Reading goes on.
  EXPECT_EQ(broker.lookup({"alice"}).wait()->holders.front().instance, "here");
  redis_.command({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_TRUE(eventually([&] { return broker.available(); }));
  EXPECT_EQ(status(broker.claim("bob", 1)), CROLANG_UNAVAILABLE) << "living nodes come first";
  hold("bob");
}

TEST_F(RedisRegistryTest, LosesNothingWhenItsRightsAreTaken) {
  pt::Instance& broker = start(redis_.url(), "3000");
  hold("alice");
  redis_.command({"ACL", "SETUSER", "default", "-get"});
  EXPECT_TRUE(eventually([&] { return !broker.available(); }));
  EXPECT_EQ(status(broker.claim("alice", 1)), CROLANG_UNAVAILABLE);
  redis_.command({"ACL", "SETUSER", "default", "+get"});
  EXPECT_TRUE(eventually([&] { return broker.available(); }));
  EXPECT_TRUE(broker.lost().empty());
}

TEST_F(RedisRegistryTest, DoesNotReleaseWhatRedisNeverHeardOf) {
  pt::Instance& broker = start();
  hold("alice");
  redis_.kill();
  EXPECT_TRUE(eventually([&] { return !broker.available(); }));
  for (std::uint64_t token = 1; token <= 1000; ++token) {
    broker.claim("newcomer", token);
    EXPECT_EQ(status(broker.release("newcomer", token)), CROLANG_OK);
  }
  redis_.start();
  EXPECT_TRUE(eventually([&] { return broker.available(); }));
  const std::string statistics = redis_.command({"INFO", "commandstats"});
  EXPECT_EQ(statistics.find("cmdstat_del"), std::string::npos);
  EXPECT_NE(statistics.find("cmdstat_evalsha:calls=1,"), std::string::npos) << statistics;
}

TEST_F(RedisRegistryTest, DoesNotTakeWhatNoBrokerWrote) {
  pt::Instance& broker = start();
  hold("alice");
  redis_.command({"SET", "t:node:{bob}", "mine"});
  redis_.command({"LPUSH", "t:node:{carol}", "mine"});
  EXPECT_EQ(status(broker.claim("bob", 1)), CROLANG_INVALID);
  EXPECT_EQ(status(broker.claim("carol", 2)), CROLANG_INVALID);
  EXPECT_EQ(broker.lookup({"bob", "carol"}).wait()->holders,
            (std::vector<pt::Outcome::Holder>{{}, {}}));
  EXPECT_EQ(value_of("bob"), "mine");
}

TEST_F(RedisRegistryTest, DoesNotSeeWhatStandsOutsideItsPrefix) {
  pt::Instance& broker = start();
  hold("alice");
  redis_.command({"SET", "bob", "x"});
  redis_.command({"SET", "node:{bob}", "00000000000000ab+there"});
  EXPECT_TRUE(granted(broker.claim("bob", 1)));
}

TEST_F(RedisRegistryTest, SurvivesWhateverIsPublishedOnItsChannel) {
  pt::Instance& broker = start();
  const std::uint64_t token = hold("alice");
  for (const std::string& rubbish :
       {std::string(), std::string("x"), std::string("{\"to\":\"alice\"}"),
        std::string("\x01\x05there\x01", 8), std::string("\x01\x05there\x07", 8),
        std::string("\x01\xff", 2), std::string(1'000'000, '\x01')}) {
    EXPECT_EQ(redis_.command({"PUBLISH", "t:broker:here", rubbish}), "1");
  }
  broker.live("alice", token, CROLANG_ALIVE);
  EXPECT_TRUE(broker.send("here", "alice", token, "still there").wait()->yes);
  EXPECT_TRUE(broker.available());
}

TEST_F(RedisRegistryTest, FindsASessionGoneWhoseLeaseHasLapsed) {
  pt::Instance& broker = start();
  hold("alice");
  const auto to_nobody = broker.send("away", "bob", 7, "x").wait();
  EXPECT_EQ(to_nobody->status, CROLANG_OK);
  EXPECT_FALSE(to_nobody->yes);
  redis_.command({"SET", "t:node:{bob}", "0000000000000007+away"});
  EXPECT_EQ(status(broker.send("away", "bob", 7, "x")), CROLANG_UNAVAILABLE);
}

// The rights of the README are enough, and each of them is needed by something above.
TEST(RedisRegistryLogin, NeedsTheRightsOfTheReadme) {
  RedisServer redis({"--user", "broker",   "on",           ">p@ss/word", "~t:*",
                     "&t:*",   "+evalsha", "+script|load", "+get",       "+set",
                     "+del",   "+pexpire", "+mget",        "+publish",   "+subscribe",
                     "+info",  "+select",  "--user",       "default",    "off"});
  pt::Questions questions;
  {
    const auto module =
        pt::module_of(std::string(REDIS_REGISTRY), CROLANG_REGISTRY,
                      {{"REDIS_URL", "unix://broker:p%40ss%2Fword@" + redis.socket() + "?db=3"},
                       {"REDIS_KEY_PREFIX", "t:"}});
    pt::Instance broker("here", module(), questions);
    std::uint64_t token = 0;
    EXPECT_TRUE(eventually([&] {
      token = pt::random_token();
      const auto outcome = broker.claim("alice", token).wait();
      return outcome->status == CROLANG_OK && outcome->code == CROLANG_GRANTED;
    }));
    EXPECT_EQ(broker.announce("alice", token).wait()->status, CROLANG_OK);
    EXPECT_EQ(broker.lookup({"alice"}).wait()->holders.front().token, token);
    broker.live("alice", token, CROLANG_ALIVE);
    EXPECT_TRUE(broker.send("here", "alice", token, "x").wait()->yes);
    EXPECT_EQ(broker.release("alice", token).wait()->status, CROLANG_OK);
    EXPECT_TRUE(broker.available());
  }
  questions.expect_one_answer_each();
}

TEST(RedisRegistryLogin, SaysWhyItFails) {
  const RedisServer redis({"--requirepass", "right"});
  const pt::Env env{{"REDIS_URL", "unix://:wrong@" + redis.socket()}};
  pt::Running plugin(pt::open_file(REDIS_REGISTRY), env);
  static std::string reason;
  reason.clear();
  const crolang_registry_events events{
      sizeof(crolang_registry_events),
      nullptr,
      nullptr,
      nullptr,
      nullptr,
      [](void*, crolang_str text) { reason.assign(text.data, text.size); },
      nullptr};
  std::array<char, 100> error{};
  plugin.host().on_control([&] {
    plugin.table<crolang_registry>(CROLANG_REGISTRY)
        ->bind(plugin.self(), {"here", 4}, &events, error.data(), error.size());
  });
  EXPECT_NE(reason.find("AUTH: WRONGPASS"), std::string::npos) << reason;
  EXPECT_EQ(reason.find("wrong@"), std::string::npos);
}

// ---- Whose thread does it

TEST_F(RedisRegistryTest, IsAskedByManyThreadsAtOnce) {
  pt::Instance& broker = start();
  const std::uint64_t token = hold("alice");
  broker.live("alice", token, CROLANG_ALIVE);
  constexpr int kThreads = 8;
  constexpr int kEach = 200;
  std::atomic<int> taken{0};
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (int n = 0; n < kEach; ++n) {
          const std::string body = std::to_string(thread) + ":" + std::to_string(n);
          const auto outcome = broker.send("here", "alice", token, body).wait();
          if (outcome && outcome->status == CROLANG_OK && outcome->yes) ++taken;
        }
      });
    }
  }
  EXPECT_EQ(taken, kThreads * kEach);
  std::array<int, kThreads> next{};
  for (const auto& message : broker.received()) {
    const int thread = message.body.front() - '0';
    EXPECT_EQ(message.body.substr(2), std::to_string(next.at(static_cast<std::size_t>(thread))++));
  }
  EXPECT_EQ(next, (std::array<int, kThreads>{200, 200, 200, 200, 200, 200, 200, 200}));
}

TEST(RedisRegistryStart, IsRefusedWithASentence) {
  try {
    pt::Running plugin(pt::open_file(REDIS_REGISTRY), {{"REDIS_URL", "rediss://host"}});
    FAIL() << "accepted";
  } catch (const std::runtime_error& refusal) {
    EXPECT_NE(std::string(refusal.what()).find("REDIS_URL: rediss:// needs"), std::string::npos);
  }
}

}  // namespace
