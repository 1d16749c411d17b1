// A worker link's connections to real servers in cluster mode.
#include "redis-registry/worker_cluster_connection.hpp"

#include <gmock/gmock.h>
#include <poll.h>

#include <algorithm>
#include <functional>
#include <new>
#include <set>
#include <string>
#include <vector>

#include "redis-registry/peer_format.hpp"
#include "redis_cluster.hpp"
#include "support/faults.hpp"

namespace crolang::redis_registry {
namespace {

using crolang::testing::eventually;
using crolang::testing::RedisCluster;
using std::chrono::milliseconds;
using ::testing::IsEmpty;
using Clock = std::chrono::steady_clock;

/// One worker link, and what has become of its batches, which have nothing but numbers.
class TestLink final : WorkerPubSub::ClusterOwner {
 public:
  TestLink(RedisCluster& cluster, std::string broker)
      : cluster_(cluster),
        channel_("p:broker:{" + std::move(broker) + "}:0"),
        pubsub_({channel_}, "heartbeat", *this, {}) {
    told_ = cluster_.target();
    pubsub_.serve(told_, Clock::now());
  }

  Slot slot() const { return slot_of(channel_); }
  WorkerClusterConnection* operator->() { return &pubsub_; }

  void publish(const TestLink& to) {
    std::string text;
    append_head(text, "sender", ++last);
    open.insert(++last_batch_);
    or_drop([&] {
      pubsub_.publish(to.channel_, text, last_batch_, WorkerPubSub::Receiver::unknown,
                      Clock::now());
    });
  }
  /// Is told the slots, and its nth allocation fails.
  void follow_short_of_memory(std::uint64_t n) {
    is_outdated_ = true;
    faults::fail_allocations(n, n + 1);
    follow();
  }
  void drive() {
    follow();
    or_drop([this] { work(); });
  }

  std::uint64_t last = 0;
  std::set<std::uint64_t> open;  // batches of which it has said nothing
  std::vector<std::uint64_t> received;
  std::vector<std::uint64_t> late;         // never received, and refused by a WorkerLink
  std::vector<std::uint64_t> delivered;    // by one receiver
  std::vector<std::uint64_t> unreceived;   // by none
  std::vector<std::uint64_t> unpublished;  // or refused
  std::vector<std::uint64_t> lost;
  std::vector<std::string> downs;

 private:
  /// As WorkerLink does it.
  void or_drop(const std::function<void()>& function) {
    try {
      const faults::Victim victim;
      function();
    } catch (const std::bad_alloc&) {
      pubsub_.drop("out of memory", Clock::now());
    }
  }
  /// As the service does it: when it is asked to, and each second.
  void follow() {
    const TimePoint now = Clock::now();
    if (!std::exchange(is_outdated_, false) && now - last_look_ < milliseconds(1000)) return;
    last_look_ = now;
    RedisTarget current = cluster_.target();
    if (*current.slots == *told_.slots) return;
    told_ = current;
    or_drop([&] { pubsub_.change_target(std::move(current), now); });
  }
  void work() {
    const TimePoint now = Clock::now();
    pubsub_.flush(now);
    std::vector<pollfd> entries;
    {
      const faults::Spared spared;
      for (const pollfd& each : pubsub_.poll_entries(now)) entries.push_back(each);
    }
    ::poll(entries.data(), entries.size(), 0);
    for (std::size_t link = 0; link < entries.size(); ++link) {
      pubsub_.on_poll(link, entries[link].revents, now);
    }
    if (now >= pubsub_.due()) pubsub_.tick(now);
    pubsub_.flush(now);
  }
  void answer(std::vector<std::uint64_t>& as, std::uint64_t batch) {
    const faults::Spared spared;
    // While it is down, some may be answered that were given up before.
    if (open.erase(batch) == 1) as.push_back(batch);
  }

  void on_link_up() override {}
  void on_subscription_cut() override {}
  void on_link_down(std::string_view why) override {
    const faults::Spared spared;
    downs.emplace_back(why);
    lost.insert(lost.end(), open.begin(), open.end());
    open.clear();
  }
  void on_link_batch(std::string_view batch, WorkerPubSub::Order order) override {
    const faults::Spared spared;
    if (batch == "heartbeat") return;
    const std::uint64_t number = BatchReader(batch).number();
    (order == WorkerPubSub::Order::kept ? received : late).push_back(number);
  }
  void on_published(std::uint64_t batch, long long receivers, std::string_view refusal) override {
    EXPECT_EQ(refusal, "");
    answer(receivers == 1 ? delivered : unreceived, batch);
  }
  std::unique_ptr<Transport> connect(const RedisTarget&, std::size_t) override { return nullptr; }
  void on_unpublished(std::span<const std::uint64_t> batches) override {
    for (const std::uint64_t each : batches) answer(unpublished, each);
  }
  void on_batches_lost(std::span<const std::uint64_t> batches) override {
    for (const std::uint64_t each : batches) answer(lost, each);
  }
  void on_master_away(const HostPort&, std::string_view) override {}
  void on_outdated_slots() override { is_outdated_ = true; }
  void on_unsubscribe_refused(std::string_view why) override { EXPECT_EQ(why, ""); }
  std::unique_ptr<Transport> connect(const RedisTarget& target, const Dialer::Target& master,
                                     std::size_t) override {
    return target.connect(master);
  }

  RedisCluster& cluster_;
  const std::string channel_;
  RedisTarget told_;
  bool is_outdated_ = false;
  TimePoint last_look_{};
  std::uint64_t last_batch_ = 0;
  WorkerClusterConnection pubsub_;
};

class WorkerClusterConnectionTest : public ::testing::Test {
 protected:
  /// Until it is so. `work` is done each time.
  bool drive(
      const std::function<bool()>& so, const std::function<void()>& work = [] {}) {
    const TimePoint end = Clock::now() + std::chrono::seconds(20);
    while (!so()) {
      if (Clock::now() > end) return false;
      work();
      sender_->drive();
      receiver_->drive();
      ::poll(nullptr, 0, 1);
    }
    return true;
  }
  void drive_for(
      milliseconds time, const std::function<void()>& work = [] {}) {
    const TimePoint end = Clock::now() + time;
    drive([&] { return Clock::now() > end; }, work);
  }

  /// The receiver's channel is at the node `at`, the sender's at another one.
  void start(RedisCluster& cluster, std::size_t at) {
    const auto broker_at = [&](std::size_t node) {
      for (int n = 0;; ++n) {
        const std::string name = "broker" + std::to_string(n);
        if (cluster.owner(slot_of(name)) == node) return name;
      }
    };
    receiver_ = std::make_unique<TestLink>(cluster, broker_at(at));
    sender_ = std::make_unique<TestLink>(cluster, broker_at((at + 1) % RedisCluster::kPrimaries));
    ASSERT_TRUE(drive([&] { return (*sender_)->is_ready() && (*receiver_)->is_ready(); }));
  }
  void publish() { sender_->publish(*receiver_); }

  /// Nothing twice, everything in order and answered.
  void expect_order() const {
    EXPECT_TRUE(std::ranges::is_sorted(receiver_->received, std::less_equal<>()));
    EXPECT_THAT(sender_->open, IsEmpty());
  }
  /// And the sender knows of each batch that has not arrived.
  void expect_truth() const {
    expect_order();
    const auto has = [](const std::vector<std::uint64_t>& batches, std::uint64_t batch) {
      return std::ranges::find(batches, batch) != batches.end();
    };
    for (const std::uint64_t each : receiver_->late) {
      EXPECT_FALSE(has(receiver_->received, each)) << each << " was no loss";
    }
    for (std::uint64_t each = 1; each <= sender_->last; ++each) {
      EXPECT_TRUE(has(receiver_->received, each) || has(receiver_->late, each) ||
                  has(sender_->unreceived, each) || has(sender_->unpublished, each) ||
                  has(sender_->lost, each))
          << each;
    }
    const auto record = [](const std::string& name, std::size_t count) {
      RecordProperty(name, static_cast<int>(count));
    };
    record("received", receiver_->received.size());
    record("late", receiver_->late.size());
    record("unreceived", sender_->unreceived.size());
    record("unpublished", sender_->unpublished.size());
    record("lost", sender_->lost.size());
  }

  std::unique_ptr<TestLink> sender_;
  std::unique_ptr<TestLink> receiver_;
};

TEST_F(WorkerClusterConnectionTest, FollowsASlotThatMovesUnderLoad) {
  RedisCluster cluster;
  start(cluster, 1);
  for (const std::size_t to : {2u, 0u, 1u, 2u}) {
    drive_for(milliseconds(100), [this] { publish(); });
    cluster.move(receiver_->slot(), to);
    const std::size_t before = receiver_->received.size();
    const TimePoint moved = Clock::now();
    EXPECT_TRUE(
        drive([&] { return receiver_->received.size() > before + 100; }, [this] { publish(); }));
    EXPECT_LT(Clock::now() - moved, milliseconds(2000));
  }
  drive_for(milliseconds(1500));
  expect_truth();
  EXPECT_EQ(receiver_->received.size(), sender_->last)
      << sender_->unreceived.size() << " had no receiver, " << sender_->unpublished.size()
      << " were not published, " << sender_->lost.size() << " were lost";
  EXPECT_THAT(sender_->downs, IsEmpty());
  EXPECT_THAT(receiver_->downs, IsEmpty());
}

TEST_F(WorkerClusterConnectionTest, GoesOnElsewhereWhenAPublisherIsLost) {
  RedisCluster cluster;
  start(cluster, 1);
  drive_for(milliseconds(100), [this] { publish(); });
  // That of the sender at the receiver's master, and no other.
  const std::string clients = cluster.node(1).command({"CLIENT", "LIST"});
  const std::size_t client = clients.find("cmd=spublish");
  ASSERT_NE(client, std::string::npos) << clients;
  int killed = 0;
  for (std::size_t at = client; at != std::string::npos;
       at = clients.find("cmd=spublish", at + 1)) {
    const std::size_t line = clients.rfind("id=", at);
    const std::string id = clients.substr(line + 3, clients.find(' ', line) - line - 3);
    killed += cluster.node(1).command({"CLIENT", "KILL", "ID", id}) == "1" ? 1 : 0;
  }
  EXPECT_GE(killed, 1);
  const std::size_t before = receiver_->received.size();
  EXPECT_TRUE(
      drive([&] { return receiver_->received.size() > before + 100; }, [this] { publish(); }));
  drive_for(milliseconds(300));
  expect_truth();
  EXPECT_FALSE(sender_->unpublished.empty()) << "while it connects again";
  EXPECT_THAT(sender_->downs, IsEmpty());
  EXPECT_THAT(receiver_->downs, IsEmpty());
}

TEST_F(WorkerClusterConnectionTest, GoesOnAtTheReplicaThatTakesOver) {
  RedisCluster cluster(true);
  start(cluster, 0);
  drive_for(milliseconds(100), [this] { publish(); });
  cluster.kill(0);
  const std::size_t before = receiver_->received.size();
  EXPECT_TRUE(
      drive([&] { return receiver_->received.size() > before + 100; }, [this] { publish(); }));
  EXPECT_EQ(cluster.owner(receiver_->slot()), RedisCluster::kPrimaries);
  drive_for(milliseconds(1500));
  expect_truth();
  EXPECT_THAT(sender_->downs, IsEmpty()) << "it has another home";
  EXPECT_TRUE((*receiver_)->is_up());
}

TEST_F(WorkerClusterConnectionTest, FollowsAPrimaryThatHandsOver) {
  RedisCluster cluster(true);
  start(cluster, 0);
  drive_for(milliseconds(100), [this] { publish(); });
  ASSERT_EQ(cluster.node(RedisCluster::kPrimaries).command({"CLUSTER", "FAILOVER"}), "OK");
  const std::size_t slots = receiver_->slot();
  EXPECT_TRUE(
      drive([&] { return cluster.owner(static_cast<Slot>(slots)) != 0; }, [this] { publish(); }));
  const std::size_t before = receiver_->received.size();
  const TimePoint elected = Clock::now();
  EXPECT_TRUE(
      drive([&] { return receiver_->received.size() > before + 100; }, [this] { publish(); }));
  EXPECT_LT(Clock::now() - elected, milliseconds(2000));
  drive_for(milliseconds(1500));
  expect_truth();
  EXPECT_THAT(receiver_->downs, IsEmpty());
}

// What becomes of a batch is then not known, perhaps, but it is answered, and the worker link
// recovers.
TEST_F(WorkerClusterConnectionTest, RecoversFromAShortageOfMemory) {
  RedisCluster cluster;
  start(cluster, 1);
  std::uint64_t failed = 0;
  for (std::uint64_t n = 1; n < 100; n += 1 + n / 4) {
    SCOPED_TRACE(n);
    // What connects and moves allocates most.
    if (n % 2 == 0) (*receiver_)->drop("for a change", Clock::now());
    if (n % 2 == 0) (*sender_)->drop("for a change", Clock::now());
    faults::fail_allocations(n, n + 1 + n % 3);
    if (n % 3 == 0) cluster.move(receiver_->slot(), n % 2 == 0 ? 1 : 2);
    drive_for(milliseconds(300), [this] { publish(); });
    failed += faults::heal();
    const std::size_t before = receiver_->received.size();
    ASSERT_TRUE(
        drive([&] { return receiver_->received.size() > before + 10; }, [this] { publish(); }))
        << "is never well again";
  }
  drive_for(milliseconds(1500));
  EXPECT_GT(failed, 5u);
  expect_order();
}

TEST_F(WorkerClusterConnectionTest, KnowsWhereSlotsAreDespiteAShortageOfMemory) {
  RedisCluster cluster;
  start(cluster, 1);
  std::uint64_t n = 0;
  for (bool has_failed = true; has_failed;) {
    SCOPED_TRACE(++n);
    const std::size_t to = 1 + n % 2;
    cluster.move(receiver_->slot(), to);
    ASSERT_TRUE(eventually([&] { return cluster.owner(receiver_->slot()) == to; }));
    receiver_->follow_short_of_memory(n);
    has_failed = faults::heal() > 0;
    sender_->follow_short_of_memory(n);
    has_failed = faults::heal() > 0 || has_failed;
    const std::size_t before = receiver_->received.size();
    ASSERT_TRUE(
        drive([&] { return receiver_->received.size() > before + 10; }, [this] { publish(); }));
  }
  EXPECT_GT(n, 3u);
  drive_for(milliseconds(1500));
  expect_order();
}

}  // namespace
}  // namespace crolang::redis_registry
