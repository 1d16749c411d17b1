#pragma once
/// Two worker links in a FakeCluster. Threads: one.

#include <gmock/gmock.h>
#include <poll.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fake_cluster.hpp"
#include "redis-registry/worker_cluster_connection.hpp"

namespace crolang::redis_registry {

/// One worker link of a broker, and what it has said.
class TestLink final : WorkerPubSub::ClusterOwner {
 public:
  TestLink(FakeCluster& cluster, std::string broker)
      : cluster_(cluster),
        name_(std::move(broker)),
        pubsub_({channel(name_, 0), channel(name_, 1)}, "heartbeat", *this, {}) {}

  static std::string channel(const std::string& broker, int number) {
    return "p:broker:{" + broker + "}:" + std::to_string(number);
  }
  Slot slot() const { return slot_of(channel(name_, 0)); }
  const std::string& name() const { return name_; }

  WorkerClusterConnection& operator*() { return pubsub_; }
  WorkerClusterConnection* operator->() { return &pubsub_; }

  std::uint64_t publish(const TestLink& to, const std::string& text, TimePoint now,
                        WorkerPubSub::Receiver receiver = WorkerPubSub::Receiver::unknown) {
    pubsub_.publish(channel(to.name_, 1), text, ++last_, receiver, now);
    return last_;
  }
  /// Reads and writes what there is. Whether there was anything.
  bool work(TimePoint now) {
    pubsub_.flush(now);
    std::vector<pollfd> entries;
    for (const pollfd& each : pubsub_.poll_entries(now)) entries.push_back(each);
    if (::poll(entries.data(), entries.size(), 0) <= 0) return false;
    for (std::size_t link = 0; link < entries.size(); ++link) {
      pubsub_.on_poll(link, entries[link].revents, now);
    }
    pubsub_.flush(now);
    return true;
  }

  std::vector<std::string> received;  // without heartbeats
  std::vector<std::string> late;
  std::map<std::uint64_t, long long> published;  // receivers by batch
  std::vector<std::uint64_t> refused;
  std::vector<std::uint64_t> unpublished;
  std::vector<std::uint64_t> lost;
  std::vector<std::string> downs;  // why
  std::vector<std::string> away;
  std::vector<std::string> unsubscribe_refusals;  // why
  int ups = 0;
  int heartbeats = 0;
  int questions = 0;  // about slots

 private:
  void on_link_up() override { ++ups; }
  void on_subscription_cut() override {}
  void on_link_down(std::string_view why) override { downs.emplace_back(why); }
  void on_link_batch(std::string_view batch, WorkerPubSub::Order order) override {
    if (batch == "heartbeat") {
      ++heartbeats;
    } else if (order == WorkerPubSub::Order::late) {
      late.emplace_back(batch);
    } else {
      received.emplace_back(batch);
    }
  }
  void on_published(std::uint64_t batch, long long receivers, std::string_view refusal) override {
    if (refusal.empty()) {
      EXPECT_TRUE(published.emplace(batch, receivers).second) << batch;
    } else {
      refused.push_back(batch);
    }
  }
  std::unique_ptr<Transport> connect(const RedisTarget&, std::size_t) override { return nullptr; }
  void on_unpublished(std::span<const std::uint64_t> batches) override {
    unpublished.insert(unpublished.end(), batches.begin(), batches.end());
  }
  void on_batches_lost(std::span<const std::uint64_t> batches) override {
    lost.insert(lost.end(), batches.begin(), batches.end());
  }
  void on_master_away(const HostPort& master, std::string_view why) override {
    away.push_back(master.host + ": " + std::string(why));
  }
  void on_outdated_slots() override { ++questions; }
  void on_unsubscribe_refused(std::string_view why) override {
    unsubscribe_refusals.emplace_back(why);
  }
  std::unique_ptr<Transport> connect(const RedisTarget&, const Dialer::Target& master,
                                     std::size_t) override {
    return cluster_.connect(master.host);
  }

  FakeCluster& cluster_;
  const std::string name_;
  std::uint64_t last_ = 0;
  WorkerClusterConnection pubsub_;
};

/// Two brokers, whose channels are at the masters a and b.
class WorkerLinksInCluster : public testing::Test {
 protected:
  void SetUp() override {
    here_->serve(cluster_.target(), now_);
    there_->serve(cluster_.target(), now_);
    work();
    ASSERT_TRUE(here_->is_ready() && there_->is_ready());
  }

  void work() {
    for (bool goes_on = true; goes_on;) {
      goes_on = here_.work(now_);
      goes_on = there_.work(now_) || goes_on;
      goes_on = cluster_.run() || goes_on;
      if (++rounds_ > 100'000) FAIL() << "they never come to rest";
    }
  }
  /// Time passes, and ticks come when they are due.
  void pass(std::chrono::milliseconds time) {
    for (const TimePoint end = now_ + time; now_ < end;) {
      now_ += std::chrono::milliseconds(10);
      for (TestLink* const worker_link : {&here_, &there_}) {
        if (now_ >= (*worker_link)->due()) (*worker_link)->tick(now_);
      }
      work();
    }
  }
  void tell_slots() {
    here_->change_target(cluster_.target(), now_);
    there_->change_target(cluster_.target(), now_);
    work();
  }

  TimePoint now_{std::chrono::hours(1)};
  int rounds_ = 0;
  FakeCluster cluster_;
  TestLink here_{cluster_, cluster_.broker_at("a")};
  TestLink there_{cluster_, cluster_.broker_at("b")};
};

}  // namespace crolang::redis_registry
