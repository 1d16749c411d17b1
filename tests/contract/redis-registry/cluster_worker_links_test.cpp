// Worker links on the loops of workers, with messages between two brokers over a real cluster.
#include <gmock/gmock.h>
#include <poll.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "crolang/plugin.hpp"
#include "net/plugin_io.hpp"
#include "redis-registry/peer_format.hpp"
#include "redis-registry/worker_address.hpp"
#include "redis-registry/worker_links.hpp"
#include "redis_cluster.hpp"

namespace crolang::redis_registry {
namespace {

using crolang::net::PluginIo;
using crolang::net::PluginLoop;
using crolang::testing::eventually;
using crolang::testing::RedisCluster;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr std::uint16_t kWorkers = 2;

/// A broker's worker links and workers. Messages are numbers, which grow with each worker.
class Broker final : WorkerLink::Supervisor {
 public:
  Broker(RedisCluster& cluster, const std::string& name)
      : cluster_(cluster),
        name_(name),
        io_(kWorkers),
        plugin_host_(&host_table_),
        worker_links_(
            *static_cast<const crolang_io*>(io_.find("io.crolang.redis-registry", CROLANG_IO)),
            plugin_host_, plugin::RegistryEvents(plugin_host_, &events_), name,
            "cluster:broker:", {}, *this) {
    told_ = cluster_.target();
    worker_links_.put(WorkerLink::Serve{told_});
    worker_links_.start(Clock::now() + std::chrono::seconds(5));
    for (std::uint16_t worker = 0; worker < kWorkers; ++worker) {
      threads_.emplace_back([this, worker] { run(worker); });
    }
  }
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;
  ~Broker() override { stop(); }

  /// Every message is answered then.
  void stop() {
    ends_ = true;
    for (std::thread& thread : std::exchange(threads_, {})) thread.join();
    worker_links_.stop();
  }

  /// Each worker sends this broker's nodes a message in each turn; with nullptr no more.
  void talk_to(const Broker* other) { receiver_ = other; }
  /// As the service: when it is asked to, and each second.
  void follow() {
    if (!is_outdated_.exchange(false) && Clock::now() - last_look_ < milliseconds(1000)) return;
    last_look_ = Clock::now();
    RedisTarget current = cluster_.target();
    if (*current.slots == *told_.slots) return;
    told_ = current;
    worker_links_.put(WorkerLink::Moved{std::move(current)});
  }

  std::size_t taken() const { return taken_; }    // messages that were answered yes
  std::size_t failed() const { return failed_; }  // or with an error
  std::size_t refused() const { return refused_; }
  std::size_t sent() const { return sent_; }
  /// Each worker's messages have arrived in order, and none twice.
  void expect_order() const {
    const std::lock_guard lock(mutex_);
    for (const auto& each : received_) {
      EXPECT_TRUE(std::ranges::is_sorted(each, std::less_equal<>()));
    }
  }
  std::size_t received() const {
    const std::lock_guard lock(mutex_);
    return received_[0].size() + received_[1].size();
  }

 private:
  void look_up(std::uint32_t worker_link, std::vector<Unreached> unreached) override {
    std::vector<WorkerLink::Located> located;
    for (const Unreached& each : unreached) located.push_back({each.request, true});
    worker_links_.at(worker_link).put(std::move(located));
  }
  void on_outdated_slots() override { is_outdated_ = true; }

  void run(std::uint16_t worker) {
    PluginLoop& loop = io_.loop(worker);
    loop.enter();
    for (std::size_t number = 0; !ends_;) {
      pollfd entry{loop.descriptor(), POLLIN, 0};
      ::poll(&entry, 1, 1);
      loop.run();
      if (const Broker* const to = receiver_) {
        const std::string body = std::to_string(worker) + std::to_string(++number);
        ++sent_;
        worker_links_.at(worker).send(to->name_, {"bob", 7}, body,
                                      plugin::YesNo(&Broker::on_answer, this, 10'000));
      }
      worker_links_.at(worker).flush();
    }
    loop.leave();
  }

  static void on_answer(void* self, crolang_status status, bool yes, crolang_str) {
    auto& broker = *static_cast<Broker*>(self);
    ++(status != CROLANG_OK ? broker.failed_ : yes ? broker.taken_ : broker.refused_);
  }
  static void on_message(void* self, crolang_lease, crolang_str body, crolang_yes_no_fn taken,
                         void* call) {
    auto& broker = *static_cast<Broker*>(self);
    {
      const std::lock_guard lock(broker.mutex_);
      const std::string text(body.data, body.size);
      broker.received_.at(static_cast<std::size_t>(text[0] - '0'))
          .push_back(std::stoull(text.substr(1)));
    }
    taken(call, CROLANG_OK, true, {});
  }

  RedisCluster& cluster_;
  const std::string name_;
  const crolang_registry_events events_{
      sizeof(crolang_registry_events),
      this,
      &on_message,
      nullptr,
      nullptr,
      nullptr,
      nullptr,
      nullptr,
  };
  crolang_host host_table_ = [] {
    crolang_host table{};
    table.size = sizeof table;
    table.log = [](void*, std::int32_t, crolang_str) {};
    return table;
  }();
  RedisTarget told_;
  TimePoint last_look_{};
  std::atomic<bool> is_outdated_{false};
  std::atomic<bool> ends_{false};
  std::atomic<const Broker*> receiver_{nullptr};
  std::atomic<std::size_t> sent_{0};
  std::atomic<std::size_t> taken_{0};
  std::atomic<std::size_t> failed_{0};
  std::atomic<std::size_t> refused_{0};
  mutable std::mutex mutex_;                                   // guards what follows
  std::array<std::vector<std::uint64_t>, kWorkers> received_;  // by worker that has sent it

  PluginIo io_;
  const plugin::Host plugin_host_;
  WorkerLinks worker_links_;
  std::vector<std::thread> threads_;
};

class ClusterWorkerLinksTest : public ::testing::Test {
 protected:
  void start(RedisCluster& cluster, std::size_t at) {
    const auto broker_at = [&](std::size_t node) {
      for (int n = 0;; ++n) {
        const std::string name = "broker" + std::to_string(n);
        if (cluster.owner(slot_of(name)) == node) return name;
      }
    };
    there_name_ = broker_at(at);
    there_ = std::make_unique<Broker>(cluster, there_name_);
    here_name_ = broker_at((at + 1) % RedisCluster::kPrimaries);
    here_ = std::make_unique<Broker>(cluster, here_name_);
    here_->talk_to(there_.get());
    there_->talk_to(here_.get());
    ASSERT_TRUE(flows());
    EXPECT_EQ(here_->failed() + there_->failed(), 0u) << "connected before the first message";
  }
  /// Both get many more answers.
  bool flows() {
    const std::size_t here = here_->taken();
    const std::size_t there = there_->taken();
    return eventually([&] {
      here_->follow();
      there_->follow();
      return here_->taken() > here + 200 && there_->taken() > there + 200;
    });
  }
  void finish() {
    here_->talk_to(nullptr);
    there_->talk_to(nullptr);
    here_->stop();
    there_->stop();
    for (const auto& [sender, receiver] :
         {std::pair(here_.get(), there_.get()), std::pair(there_.get(), here_.get())}) {
      receiver->expect_order();
      EXPECT_EQ(sender->taken() + sender->failed(), sender->sent());
      EXPECT_EQ(sender->refused(), 0u);
      EXPECT_GE(receiver->received(), sender->taken());
    }
  }

  std::string there_name_;
  std::string here_name_;
  std::unique_ptr<Broker> there_;
  std::unique_ptr<Broker> here_;
};

TEST_F(ClusterWorkerLinksTest, FollowSlots) {
  RedisCluster cluster;
  start(cluster, 0);
  for (const std::size_t to : {1u, 2u, 0u}) {
    cluster.move(slot_of(there_name_), to);
    EXPECT_TRUE(flows());
  }
  EXPECT_EQ(here_->failed() + there_->failed(), 0u);
  // What both have sent in the last moment is given up.
  finish();
}

TEST_F(ClusterWorkerLinksTest, GoOnWhenConnectionsAreLost) {
  RedisCluster cluster;
  start(cluster, 0);
  for (std::size_t node = 0; node < RedisCluster::kPrimaries; ++node) {
    cluster.node(node).command({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
    EXPECT_TRUE(flows());
    cluster.node(node).command({"CLIENT", "KILL", "TYPE", "pubsub"});
    EXPECT_TRUE(flows());
  }
  finish();
}

TEST_F(ClusterWorkerLinksTest, RefuseMessagesThatComeLate) {
  RedisCluster cluster;
  start(cluster, 0);
  const std::size_t failed = here_->failed();
  const auto begin = Clock::now();
  // From now on all that comes from there is late.
  for (std::size_t sender = 0; sender < WorkerAddress::kChannels; ++sender) {
    std::string batch;
    append_head(batch, WorkerAddress::of(here_name_, sender), std::uint64_t{1} << 40);
    for (std::size_t receiver = 0; receiver < kWorkers; ++receiver) {
      const std::string channel = "cluster:broker:" + WorkerAddress::of(there_name_, receiver);
      ASSERT_EQ(cluster.node(0).command({"SPUBLISH", channel, batch}), "1");
    }
  }
  EXPECT_TRUE(eventually([&] { return here_->failed() > failed + 100; }));
  EXPECT_LT(Clock::now() - begin, milliseconds(2500)) << "less than messages wait for an answer";
  finish();
}

TEST_F(ClusterWorkerLinksTest, GoOnAtTheReplicaThatTakesOver) {
  RedisCluster cluster(true);
  start(cluster, 0);
  cluster.kill(0);
  EXPECT_TRUE(flows());
  EXPECT_GT(here_->failed(), 0u);
  finish();
}

}  // namespace
}  // namespace crolang::redis_registry
