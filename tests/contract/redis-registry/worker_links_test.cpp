// Messages by the loops of the workers: brokers with the real io/1, over a real Redis.
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <crolang/testing/contract.hpp>
#include <crolang/testing/registry_instance.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/plugin_io.hpp"
#include "redis_server.hpp"
#include "support/faults.hpp"

namespace {

namespace faults = crolang::faults;
namespace pt = crolang::plugin::testing;
using crolang::net::PluginIo;
using crolang::net::PluginLoop;
using crolang::testing::eventually;
using crolang::testing::RedisServer;
using crolang::testing::shared_redis;

constexpr std::uint32_t kDeadline = 10'000;

crolang_str text(std::string_view given) {
  return {given.data(), given.size()};
}

/// A broker with two workers, as far as a registry can tell.
class Broker {
 public:
  struct Message {
    std::string id;
    std::string body;
    std::uint32_t worker;  // that has delivered it
  };

  Broker(std::string name, const std::string& url, pt::Questions& questions)
      : name_(std::move(name)), questions_(questions), plugin_(with_io(io_)) {
    running_ = std::make_unique<pt::Running>(
        plugin_, pt::Env{{"REDIS_URL", url}, {"REDIS_KEY_PREFIX", "links:"}});
    table_ = running_->table<crolang_registry>(CROLANG_REGISTRY);
    running_->host().on_control([this] {
      char error[512] = "";
      EXPECT_EQ(table_->bind(running_->self(), text(name_), &events_, error, sizeof error),
                CROLANG_OK)
          << error;
    });
    for (std::uint16_t worker = 0; worker < kWorkers; ++worker) {
      threads_.emplace_back([this, worker] { run(worker); });
    }
  }
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;
  ~Broker() {
    end_workers();
    running_.reset();
  }

  void end_workers() {
    ending_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  const std::string& name() const { return name_; }
  bool available() const { return available_; }

  /// Claims and announces; not by a worker.
  bool hold(const std::string& id, std::uint64_t token) {
    pt::Question& claimed = questions_.next();
    table_->claim(self(), {text(id), token, 9, 1}, kDeadline, &pt::Question::claimed, &claimed);
    table_->flush(self());
    const auto outcome = claimed.wait();
    if (!outcome || outcome->status != CROLANG_OK || outcome->code != CROLANG_GRANTED) return false;
    {
      const std::lock_guard lock(mutex_);
      sessions_[id] = token;
    }
    pt::Question& announced = questions_.next();
    table_->announce(self(), {text(id), token, 9, 1}, kDeadline, &pt::Question::done, &announced);
    table_->flush(self());
    return announced.wait()->status == CROLANG_OK;
  }

  /// Has the worker send these, in one turn.
  std::vector<pt::Question*> send(std::uint16_t worker, const std::string& instance,
                                  const std::string& id, std::uint64_t token,
                                  std::vector<std::string> bodies) {
    std::vector<pt::Question*> questions;
    for (std::size_t n = 0; n < bodies.size(); ++n) questions.push_back(&questions_.next());
    const std::lock_guard lock(mutex_);
    tasks_[worker].push_back([=, this, given = std::move(bodies)] {
      const faults::Victim victim;
      for (std::size_t n = 0; n < given.size(); ++n) {
        table_->send(self(), text(instance), {text(id), token, 9, 1}, text(given[n]), kDeadline,
                     &faults::Sparing<&pt::Question::yes_no>::call, questions[n]);
      }
    });
    return questions;
  }
  pt::Outcome send_one(std::uint16_t worker, const Broker& to, const std::string& id,
                       std::uint64_t token) {
    return *send(worker, to.name(), id, token, {"42[]"}).front()->wait();
  }

  std::vector<Message> received() const {
    const std::lock_guard lock(mutex_);
    return received_;
  }

  /// From now on messages are answered by answer_held, on the thread that calls it.
  void hold_answers() { holds_ = true; }
  std::size_t held() const {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }
  std::size_t answer_held() {
    std::deque<std::pair<crolang_yes_no_fn, void*>> held;
    {
      const std::lock_guard lock(mutex_);
      held.swap(held_);
    }
    for (const auto& [taken, call] : held) taken(call, CROLANG_OK, true, {});
    return held.size();
  }

 private:
  static constexpr std::uint16_t kWorkers = 2;

  void* self() const { return running_->self(); }

  static crolang_plugin with_io(PluginIo& io) {
    static const crolang_plugin* real = nullptr;
    static PluginIo* given = nullptr;
    static std::deque<crolang_host> hosts;
    real = &pt::open_file(REDIS_REGISTRY);
    given = &io;
    crolang_plugin plugin = *real;
    plugin.create = [](const crolang_host* host, void** self, char* error, std::size_t size) {
      static std::map<void*, PluginIo*> of;
      of[host->ctx] = given;
      hosts.push_back(*host);
      static std::map<void*, const crolang_host*> real_host;
      real_host[host->ctx] = host;
      hosts.back().log = [](void* ctx, std::int32_t level, crolang_str line) {
        const faults::Spared spared;
        real_host.at(ctx)->log(ctx, level, line);
      };
      hosts.back().service = [](void* ctx, const char* name) {
        return of.at(ctx)->find("io.crolang.redis-registry", name);
      };
      return real->create(&hosts.back(), self, error, size);
    };
    return plugin;
  }

  void run(std::uint16_t worker) {
    PluginLoop& loop = io_.loop(worker);
    loop.enter();
    while (!ending_) {
      pollfd entry{loop.descriptor(), POLLIN, 0};
      ::poll(&entry, 1, 1);
      {
        const faults::Victim victim;
        loop.run();
      }
      std::vector<std::function<void()>> tasks;
      {
        const std::lock_guard lock(mutex_);
        tasks.swap(tasks_[worker]);
      }
      for (const auto& task : tasks) task();
      const faults::Victim victim;
      table_->flush(self());
    }
    loop.leave();
  }

  static void on_message(void* ctx, crolang_lease to, crolang_str body, crolang_yes_no_fn taken,
                         void* call) {
    const faults::Spared spared;
    auto& broker = *static_cast<Broker*>(ctx);
    const std::string id(to.id.data, to.id.size);
    bool yes = false;
    {
      const std::lock_guard lock(broker.mutex_);
      if (broker.holds_) {
        broker.held_.emplace_back(taken, call);
        return;
      }
      const auto found = broker.sessions_.find(id);
      yes = found != broker.sessions_.end() && found->second == to.token;
      if (yes) {
        broker.received_.push_back(
            {id, std::string(body.data, body.size), PluginLoop::current_worker()});
      }
    }
    taken(call, CROLANG_OK, yes, {});
  }

  const std::string name_;
  pt::Questions& questions_;
  std::atomic<bool> available_{true};
  std::atomic<bool> holds_{false};
  std::atomic<bool> ending_{false};
  const crolang_registry_events events_{
      sizeof(crolang_registry_events),
      this,
      &on_message,
      [](void*, crolang_lease, std::uint32_t, crolang_probed_fn probed, void* call) {
        probed(call, CROLANG_OK, CROLANG_ALIVE, {});
      },
      [](void*, crolang_lease) {},
      [](void* ctx, crolang_str) { static_cast<Broker*>(ctx)->available_ = false; },
      [](void* ctx) { static_cast<Broker*>(ctx)->available_ = true; },
      nullptr};
  PluginIo io_{kWorkers};
  const crolang_plugin plugin_;
  std::unique_ptr<pt::Running> running_;
  const crolang_registry* table_ = nullptr;

  mutable std::mutex mutex_;  // guards what follows
  std::array<std::vector<std::function<void()>>, kWorkers> tasks_;
  std::map<std::string, std::uint64_t> sessions_;
  std::vector<Message> received_;
  std::deque<std::pair<crolang_yes_no_fn, void*>> held_;

  std::vector<std::thread> threads_;
};

class WorkerLinksTest : public ::testing::Test {
 protected:
  void TearDown() override {
    here_.reset();
    there_.reset();
    questions_.expect_one_answer_each();
  }

  void start(const std::string& url = shared_redis().url()) {
    here_ = std::make_unique<Broker>("here", url, questions_);
    there_ = std::make_unique<Broker>("there", url, questions_);
    token_ = pt::random_token();
    ASSERT_TRUE(eventually([&] { return there_->hold("bob" + std::to_string(token_), token_); }));
    id_ = "bob" + std::to_string(token_);
  }
  bool arrives(std::uint16_t worker = 0) {
    const auto outcome = here_->send_one(worker, *there_, id_, token_);
    return outcome.status == CROLANG_OK && outcome.yes;
  }
  /// How many connections were ended. A worker link is known by how many channels it subscribes to.
  static int kill_worker_links() {
    const std::string clients = shared_redis().command({"CLIENT", "LIST"});
    int killed = 0;
    for (std::size_t at = clients.find(" sub=24 "); at != std::string::npos;
         at = clients.find(" sub=24 ", at + 1)) {
      const std::size_t line = clients.rfind("id=", at);
      const std::string id = clients.substr(line + 3, clients.find(' ', line) - line - 3);
      killed += shared_redis().command({"CLIENT", "KILL", "ID", id}) == "1" ? 1 : 0;
    }
    return killed;
  }

  pt::Questions questions_;
  std::unique_ptr<Broker> here_;
  std::unique_ptr<Broker> there_;
  std::string id_;
  std::uint64_t token_ = 0;
};

TEST_F(WorkerLinksTest, AreUpBeforeTheFirstMessage) {
  start();
  EXPECT_TRUE(arrives(0));
  EXPECT_TRUE(arrives(1));
}

TEST_F(WorkerLinksTest, DeliverOnTheThreadsOfWorkers) {
  start();
  for (int n = 0; n < 20; ++n) EXPECT_TRUE(arrives(static_cast<std::uint16_t>(n % 2)));
  const auto received = there_->received();
  ASSERT_EQ(received.size(), 20u);
  for (const auto& message : received) EXPECT_NE(message.worker, CROLANG_NO_WORKER);
  EXPECT_NE(received[0].worker, received[1].worker)
      << "each worker of one has its own of the other";
}

TEST_F(WorkerLinksTest, KeepTheOrderOfEachWorker) {
  start();
  constexpr int kTurns = 50;
  constexpr int kEach = 20;
  std::vector<pt::Question*> questions;
  for (int turn = 0; turn < kTurns; ++turn) {
    for (std::uint16_t worker = 0; worker < 2; ++worker) {
      std::vector<std::string> bodies;
      for (int n = 0; n < kEach; ++n) {
        bodies.push_back(std::to_string(worker) + ":" + std::to_string(turn * kEach + n));
      }
      const auto more = here_->send(worker, "there", id_, token_, std::move(bodies));
      questions.insert(questions.end(), more.begin(), more.end());
    }
  }
  for (pt::Question* each : questions) EXPECT_TRUE(each->wait()->yes);
  std::array<int, 2> next{};
  for (const auto& message : there_->received()) {
    const auto worker = static_cast<std::size_t>(message.body.front() - '0');
    EXPECT_EQ(message.body.substr(2), std::to_string(next.at(worker)++));
  }
  EXPECT_EQ(next, (std::array<int, 2>{kTurns * kEach, kTurns * kEach}));
}

TEST_F(WorkerLinksTest, PassOnThatThereIsNoSuchSession) {
  start();
  const auto outcome = here_->send_one(0, *there_, id_, token_ + 1);
  EXPECT_EQ(outcome.status, CROLANG_OK);
  EXPECT_FALSE(outcome.yes);
}

TEST_F(WorkerLinksTest, LookAtTheLeaseOfAReceiverThatNobodyListensFor) {
  start();
  const auto to_away = [&](std::uint64_t token) {
    return *here_->send(0, "away", "carol", token, {"42[]"}).front()->wait();
  };
  shared_redis().command({"DEL", "links:node:{carol}"});
  EXPECT_EQ(to_away(7).status, CROLANG_OK);
  EXPECT_FALSE(to_away(7).yes);
  shared_redis().command({"SET", "links:node:{carol}", "0000000000000007+0.0@away"});
  EXPECT_EQ(to_away(7).status, CROLANG_UNAVAILABLE);
  EXPECT_EQ(to_away(8).status, CROLANG_OK) << "another session's";
  shared_redis().command({"DEL", "links:node:{carol}"});
  shared_redis().command({"SADD", "links:node:{carol}", "x"});
  EXPECT_EQ(to_away(7).status, CROLANG_OK);
  shared_redis().command({"DEL", "links:node:{carol}"});
}

TEST_F(WorkerLinksTest, TakeAnswersOfOtherThreads) {
  start();
  there_->hold_answers();
  const auto questions = here_->send(0, "there", id_, token_, {"one", "two"});
  std::size_t answered = 0;
  EXPECT_TRUE(eventually([&] { return (answered += there_->answer_held()) == 2; }));
  for (pt::Question* each : questions) EXPECT_TRUE(each->wait()->yes);
}

TEST_F(WorkerLinksTest, AnswerWhatIsOpenWhenTheBrokerStops) {
  start();
  there_->hold_answers();
  const auto questions = here_->send(1, "there", id_, token_, {"one", "two"});
  EXPECT_TRUE(eventually([&] { return there_->held() == 2; }));
  here_.reset();
  for (pt::Question* each : questions) EXPECT_EQ(each->answers(), 1);
  there_->answer_held();
}

// What becomes of a message is then not known, perhaps, but it is answered, and worker links
// recover.
TEST_F(WorkerLinksTest, AnswerEverythingWhileThereIsNoMemory) {
  start();
  std::uint64_t failed = 0;
  for (std::uint64_t n = 1; n < 120; n += 1 + n / 3) {
    SCOPED_TRACE(n);
    faults::fail_allocations(n, n + 1 + n % 3);
    if (n % 2 == 0) kill_worker_links();
    std::vector<pt::Question*> questions;
    for (std::uint16_t worker = 0; worker < 2; ++worker) {
      for (const auto& each : here_->send(worker, "there", id_, token_, {"one", "two"})) {
        questions.push_back(each);
      }
    }
    for (pt::Question* each : questions) EXPECT_TRUE(each->wait()) << "was never answered";
    failed += faults::heal();
    ASSERT_TRUE(eventually([&] { return arrives(0) && arrives(1); })) << "is never well again";
  }
  EXPECT_GT(failed, 5u);
}

TEST_F(WorkerLinksTest, ConnectAgainByThemselves) {
  start();
  for (int n = 0; n < 3; ++n) {
    EXPECT_EQ(kill_worker_links(), 4) << "two of each broker";
    EXPECT_TRUE(eventually([&] { return arrives(0) && arrives(1); }));
    EXPECT_TRUE(here_->available());
  }
}

TEST(WorkerLinksOutageTest, FailAtOnceWithoutRedisAndReturnWithIt) {
  RedisServer redis;
  pt::Questions questions;
  {
    Broker here("here", redis.url(), questions);
    Broker there("there", redis.url(), questions);
    ASSERT_TRUE(eventually([&] { return there.hold("bob", 7); }));
    const auto arrives = [&] {
      const auto outcome = here.send_one(0, there, "bob", 7);
      return outcome.status == CROLANG_OK && outcome.yes;
    };
    EXPECT_TRUE(arrives());
    redis.kill();
    EXPECT_TRUE(eventually([&] { return !here.available(); }));
    EXPECT_EQ(here.send_one(0, there, "bob", 7).status, CROLANG_UNAVAILABLE);
    redis.start();
    EXPECT_TRUE(eventually(arrives));
    EXPECT_TRUE(here.available());
  }
  questions.expect_one_answer_each();
}

TEST(WorkerLinksOutageTest, StartWithoutRedis) {
  RedisServer redis;
  redis.kill();
  pt::Questions questions;
  {
    Broker here("here", redis.url(), questions);
    Broker there("there", redis.url(), questions);
    EXPECT_EQ(here.send_one(0, there, "bob", 7).status, CROLANG_UNAVAILABLE);
    redis.start();
    ASSERT_TRUE(eventually([&] { return there.hold("bob", 7); }));
    EXPECT_TRUE(eventually([&] { return here.send_one(1, there, "bob", 7).yes; }));
  }
  questions.expect_one_answer_each();
}

}  // namespace
