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

  std::unique_ptr<pt::Instance> instance(const std::string& name, const std::string& url,
                                         const std::string& ttl) {
    const auto module =
        pt::module_of(std::string(REDIS_REGISTRY), CROLANG_REGISTRY,
                      {{"REDIS_URL", url}, {"REDIS_KEY_PREFIX", "t:"}, {"REDIS_LOCK_TTL_MS", ttl}});
    return std::make_unique<pt::Instance>(name, module(), questions_);
  }
  pt::Instance& start(const std::string& url, const std::string& ttl = "60000") {
    broker_ = instance("here", url, ttl);
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
  /// Claims until it is granted, as connecting nodes do.
  std::uint64_t hold(const std::string& id) { return hold(*broker_, id); }
  static std::uint64_t hold(pt::Instance& broker, const std::string& id) {
    std::uint64_t token = 0;
    EXPECT_TRUE(eventually([&] {
      token = pt::random_token();
      return granted(broker.claim(id, token));
    }));
    EXPECT_EQ(status(broker.announce(id, token)), CROLANG_OK);
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

TEST_F(RedisRegistryTest, PausesClaimsWhileRedisHasJustStarted) {
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

TEST_F(RedisRegistryTest, GivesUpARedisThatDoesNotAnswer) {
  pt::Instance& broker = start();
  hold("alice");
  redis_.pause();
  EXPECT_EQ(status(broker.lookup({"alice"})), CROLANG_UNAVAILABLE);
  EXPECT_TRUE(eventually([&] { return !broker.available(); }));
  redis_.resume();
  EXPECT_TRUE(eventually([&] { return broker.available(); }));
}

TEST_F(RedisRegistryTest, StopsWhileRedisDoesNotAnswer) {
  pt::Instance& broker = start();
  const std::uint64_t token = hold("alice");
  redis_.pause();
  const pt::Question& lookup = broker.lookup({"alice"});
  broker.release("alice", token);
  broker.stop();
  EXPECT_NE(status(lookup), CROLANG_OK);
  redis_.resume();
}

TEST_F(RedisRegistryTest, ReleasesItsLeasesWhenItStops) {
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

// ---- Another primary, which has missed the last releases and claims

/// As of the last SAVE.
void replace(RedisServer& redis) {
  redis.kill();
  redis.start();
}

TEST_F(RedisRegistryTest, ReleasesAgainWhatTheServerHasForgottenToBeReleased) {
  pt::Instance& broker = start();
  const std::uint64_t token = hold("alice");
  redis_.command({"SAVE"});
  EXPECT_EQ(status(broker.release("alice", token)), CROLANG_OK);
  EXPECT_EQ(value_of("alice"), "(nil)");
  replace(redis_);
  EXPECT_TRUE(eventually([&] { return value_of("alice") == "(nil)"; }));
}

TEST_F(RedisRegistryTest, KeepsASessionWhoseIdHadAnotherOneHere) {
  pt::Instance& broker = start(redis_.url(), "3000");
  hold("alice");
  const std::string before = value_of("alice");
  redis_.command({"SET", "t:node:{alice}", "00000000000000ab+0.0@here"});
  EXPECT_TRUE(eventually([&] { return value_of("alice") == before; }));
  EXPECT_TRUE(broker.lost().empty());
}

TEST_F(RedisRegistryTest, KeepsASessionWhoseIdHadOneThatHasLeftAnotherBroker) {
  pt::Instance& broker = start();
  const auto other = instance("there", redis_.url(), "60000");
  const std::uint64_t left = hold(*other, "alice");
  redis_.command({"SAVE"});
  EXPECT_EQ(status(other->release("alice", left)), CROLANG_OK);
  hold("alice");
  const std::string before = value_of("alice");
  replace(redis_);
  EXPECT_TRUE(eventually([&] { return value_of("alice") == before; }));
  hold("bob");
  EXPECT_TRUE(broker.lost().empty());
}

TEST_F(RedisRegistryTest, AsksTheBrokerThatALeaseNamesBeforeItGivesAnIdUp) {
  pt::Instance& broker = start();
  const auto other = instance("there", redis_.url(), "60000");
  hold("alice");
  hold(*other, "bob");
  const std::string before = value_of("alice");
  redis_.command({"SET", "t:node:{alice}", "00000000000000ab+0.0@there"});
  redis_.command({"CLIENT", "KILL", "TYPE", "pubsub"});
  EXPECT_TRUE(eventually([&] { return value_of("alice") == before; }));
  EXPECT_TRUE(broker.lost().empty());
}

TEST_F(RedisRegistryTest, LosesAnIdToALivingSessionOfAnotherBroker) {
  pt::Instance& broker = start(redis_.url(), "3000");
  const auto other = instance("there", redis_.url(), "3000");
  const std::uint64_t token = hold("alice");
  const std::uint64_t winner = pt::random_token();
  other->live("alice", winner, CROLANG_ALIVE);
  ASSERT_TRUE(eventually([&] {
    redis_.command({"DEL", "t:node:{alice}"});
    return granted(other->claim("alice", winner));
  }));
  const std::string won = value_of("alice");
  EXPECT_TRUE(eventually([&] { return broker.lost() == std::vector{token}; }));
  EXPECT_EQ(status(broker.release("alice", token)), CROLANG_OK);
  EXPECT_EQ(value_of("alice"), won);
  EXPECT_TRUE(other->lost().empty());
}

TEST_F(RedisRegistryTest, LosesAnIdToABrokerThatStaysUnreachable) {
  pt::Instance& broker = start(redis_.url(), "3000");
  const std::uint64_t token = hold("alice");
  redis_.command({"SET", "t:node:{alice}", "00000000000000ab+0.0@away"});
  EXPECT_TRUE(eventually([&] { return broker.lost() == std::vector{token}; }));
  EXPECT_EQ(value_of("alice"), "00000000000000ab+0.0@away");
}

TEST_F(RedisRegistryTest, TakesBackAnIdThatAnUnreachableBrokerLets) {
  pt::Instance& broker = start(redis_.url(), "3000");
  hold("alice");
  const std::string before = value_of("alice");
  redis_.command({"SET", "t:node:{alice}", "00000000000000ab+0.0@away", "PX", "2000"});
  EXPECT_TRUE(eventually([&] { return value_of("alice") == before; }));
  EXPECT_TRUE(broker.lost().empty());
}

TEST_F(RedisRegistryTest, ReleasesASessionThatLeavesWhileItsIdIsDisputed) {
  pt::Instance& broker = start(redis_.url(), "3000");
  const std::uint64_t token = hold("alice");
  const std::string theirs = "00000000000000ab+0.0@away";
  redis_.command({"SET", "t:node:{alice}", theirs});
  redis_.command({"CONFIG", "RESETSTAT"});
  // One by the script that extends the lease, one after nobody has received the question.
  EXPECT_TRUE(eventually([&] {
    return redis_.command({"INFO", "commandstats"}).find("cmdstat_get:calls=2") !=
           std::string::npos;
  }));
  EXPECT_EQ(status(broker.release("alice", token)), CROLANG_OK);
  EXPECT_EQ(value_of("alice"), theirs);
  redis_.command({"DEL", "t:node:{alice}"});
  hold("bob");
  EXPECT_EQ(value_of("alice"), "(nil)");
  EXPECT_TRUE(broker.lost().empty());
}

TEST_F(RedisRegistryTest, GrantsNothingWhileAnIdThatItHoldsIsDisputed) {
  pt::Instance& broker = start();
  const std::uint64_t token = hold("alice");
  redis_.command({"SET", "t:node:{alice}", "00000000000000ab+0.0@away"});
  redis_.command({"CLIENT", "KILL", "TYPE", "pubsub"});
  EXPECT_TRUE(eventually([&] { return !broker.available(); }));
  const auto lost_first = [&] {
    const bool is_granted = granted(broker.claim("bob", pt::random_token()));
    if (is_granted) {
      EXPECT_EQ(broker.lost(), std::vector{token});
    }
    return is_granted;
  };
  EXPECT_TRUE(eventually(lost_first));
}

TEST_F(RedisRegistryTest, ContinuesWhenRedisLosesItsScripts) {
  pt::Instance& broker = start();
  hold("alice");
  redis_.command({"SCRIPT", "FLUSH"});
  EXPECT_EQ(status(broker.claim("bob", 1)), CROLANG_UNAVAILABLE);
  hold("bob");
  EXPECT_TRUE(broker.available());
}

TEST_F(RedisRegistryTest, PausesClaimsWhileRedisRefusesWrites) {
  pt::Instance& broker = start();
  hold("alice");
  redis_.command({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_EQ(status(broker.claim("bob", 1)), CROLANG_UNAVAILABLE);
  EXPECT_FALSE(broker.available());
  // Reading goes on.
  EXPECT_EQ(broker.lookup({"alice"}).wait()->holders.front().instance, "here");
  redis_.command({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_TRUE(eventually([&] { return broker.available(); }));
  EXPECT_EQ(status(broker.claim("bob", 1)), CROLANG_UNAVAILABLE)
      << "claims stay paused for the grace period";
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

TEST_F(RedisRegistryTest, DoesNotReleaseWhatNeverReachedRedis) {
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
    EXPECT_EQ(redis_.command({"PUBLISH", "t:broker:{here}", rubbish}), "1");
  }
  broker.live("alice", token, CROLANG_ALIVE);
  EXPECT_TRUE(broker.send("here", "alice", token, "still there").wait()->yes);
  EXPECT_TRUE(broker.available());
}

TEST_F(RedisRegistryTest, FindsASessionGoneWhoseLeaseHasExpired) {
  pt::Instance& broker = start();
  hold("alice");
  const auto to_nobody = broker.send("away", "bob", 7, "x").wait();
  EXPECT_EQ(to_nobody->status, CROLANG_OK);
  EXPECT_FALSE(to_nobody->yes);
  redis_.command({"SET", "t:node:{bob}", "0000000000000007+0.0@away"});
  EXPECT_EQ(status(broker.send("away", "bob", 7, "x")), CROLANG_UNAVAILABLE);
}

// The rights of the README are enough, and each of them is needed by something above.
TEST(RedisRegistryLogin, NeedsTheRightsOfTheReadme) {
  RedisServer redis({"--user",     "broker",
                     "on",         ">p@ss/word",
                     "~t:*",       "resetchannels",
                     "&t:*",       "+publish",
                     "+evalsha",   "+script|load",
                     "+get",       "+set",
                     "+del",       "+pexpire",
                     "+subscribe", "+info",
                     "+select",    "+time",
                     "+zadd",      "+zrange",
                     "+zrem",      "+zremrangebyscore",
                     "--user",     "default",
                     "off"});
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
    broker.set_status("{}");
    EXPECT_TRUE(eventually([&] { return broker.list_instances().wait()->instances.size() == 1; }));
    EXPECT_EQ(broker.set_entry({"name", "value", 4'102'444'800'000}).wait()->status, CROLANG_OK);
    EXPECT_EQ(broker.list_entries().wait()->entries.size(), 1U);
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
      nullptr,
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

// ---- Instances

TEST_F(RedisRegistryTest, ShowsTheStatusOfALiveInstance) {
  constexpr int kTtl = 2000;
  pt::Instance& broker = start(redis_.url(), std::to_string(kTtl));
  broker.set_status("{}");
  const auto expires_in = [&] { return std::stoi(redis_.command({"PTTL", "t:instance:here"})); };
  EXPECT_TRUE(eventually([&] { return expires_in() > 0; }));
  // It is written again and again.
  EXPECT_TRUE(eventually([&] { return expires_in() < kTtl * 4 / 5; }));
  EXPECT_TRUE(eventually([&] { return expires_in() > kTtl * 4 / 5; }));
  const auto outcome = broker.list_instances().wait();
  EXPECT_EQ(outcome->instances, (std::vector<pt::Outcome::Instance>{{"here", "{}"}}));
}

TEST_F(RedisRegistryTest, ForgetsInstancesThatHaveVanished) {
  pt::Instance& broker = start(redis_.url(), "1000");
  broker.set_status("{}");
  // One that is listed, whose status has expired; one whose place in the list has, too.
  redis_.command({"ZADD", "t:instances", "9999999999999", "vanished", "1", "long-ago"});
  EXPECT_TRUE(eventually([&] { return broker.list_instances().wait()->instances.size() == 1; }));
  EXPECT_TRUE(eventually([&] {
    return redis_.command({"ZRANGE", "t:instances", "0", "-1"}).find("long-ago") ==
           std::string::npos;
  }));
  EXPECT_EQ(broker.list_instances().wait()->instances.front().name, "here");
}

TEST_F(RedisRegistryTest, WritesItsStatusAgainAfterRedisHasLostIt) {
  pt::Instance& broker = start(redis_.url(), "1000");
  broker.set_status("{}");
  EXPECT_TRUE(eventually([&] { return broker.list_instances().wait()->instances.size() == 1; }));
  redis_.command({"SCRIPT", "FLUSH"});
  redis_.command({"FLUSHALL"});
  EXPECT_TRUE(eventually([&] { return broker.list_instances().wait()->instances.size() == 1; }));
}

TEST_F(RedisRegistryTest, TakesStatusesOfOthersWithinBounds) {
  pt::Instance& broker = start();
  broker.set_status("{}");
  redis_.command({"SET", "t:instance:other", std::string(CROLANG_MAX_STATUS + 1, 'x')});
  redis_.command({"SADD", "t:instance:strange", "x"});
  redis_.command({"ZADD", "t:instances", "9999999999999", "other", "9999999999999", "strange",
                  "9999999999999", std::string(CROLANG_MAX_INSTANCE + 1, 'x')});
  EXPECT_TRUE(eventually([&] { return broker.list_instances().wait()->instances.size() == 1; }));
}

TEST_F(RedisRegistryTest, CannotListOrAskWhileRedisIsUnavailable) {
  pt::Instance& broker = start();
  redis_.kill();
  EXPECT_TRUE(eventually([&] { return !broker.available(); }));
  EXPECT_EQ(status(broker.list_instances()), CROLANG_UNAVAILABLE);
  EXPECT_EQ(status(broker.ask("here", "x")), CROLANG_UNAVAILABLE);
}

TEST(RedisRegistryStart, IsRefusedWithASentence) {
  try {
    pt::Running plugin(pt::open_file(REDIS_REGISTRY), {{"REDIS_URL", "http://host"}});
    FAIL() << "accepted";
  } catch (const std::runtime_error& refusal) {
    EXPECT_NE(std::string(refusal.what()).find("REDIS_URL: the scheme is"), std::string::npos);
  }
}

}  // namespace
