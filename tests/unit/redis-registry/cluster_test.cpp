#include "redis-registry/cluster.hpp"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <crolang/testing/fake_host.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loopback_listener.hpp"
#include "redis-registry/peer_transport.hpp"
#include "redis-registry/redis_reply.hpp"
#include "redis-registry/reply_reader.hpp"
#include "redis-registry/shards.hpp"
#include "scripted_server.hpp"

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

constexpr std::string_view kHello =
    "*6\r\n$7\r\nversion\r\n$5\r\n7.0.0\r\n$4\r\nmode\r\n$7\r\ncluster\r\n$4\r\nrole\r\n"
    "$6\r\nmaster\r\n";

std::string bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

/// What a master says that has been there for long. It answers when `run` is called.
class FakeMaster {
 public:
  FakeMaster() = default;
  FakeMaster(const FakeMaster&) = delete;
  FakeMaster& operator=(const FakeMaster&) = delete;
  ~FakeMaster() {
    for (const auto& [connection, reader] : connections_) ::close(connection);
  }

  const HostPort& place() const { return listener_.place(); }
  void run() {
    for (int next = listener_.accept(SOCK_NONBLOCK); next >= 0;
         next = listener_.accept(SOCK_NONBLOCK)) {
      connections_.emplace(next, std::make_unique<ReplyReader>(1 << 20));
    }
    std::erase_if(connections_, [this](auto& each) { return !serve(each.first, *each.second); });
  }
  /// The scripts that were not answered at once.
  void answer_held(std::string_view reply) {
    for (const int connection : std::exchange(held_, {})) send(connection, reply);
  }
  bool holds_any() const { return !held_.empty(); }
  /// On which scripts were run, and that are open.
  std::size_t script_connections() const { return with_scripts_.size(); }

  std::string slots;    // the answer to CLUSTER SLOTS
  std::string scripts;  // the answer to all of them; empty: they are held

 private:
  static void send(int connection, std::string_view reply) {
    ASSERT_EQ(::send(connection, reply.data(), reply.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(reply.size()));
  }
  /// False: it was closed.
  bool serve(int connection, ReplyReader& reader) {
    std::array<char, 65'536> bytes{};
    const ssize_t size = ::recv(connection, bytes.data(), bytes.size(), 0);
    if (size < 0) return true;
    if (size == 0) {
      with_scripts_.erase(connection);
      ::close(connection);
      return false;
    }
    reader.feed({bytes.data(), static_cast<std::size_t>(size)});
    for (Reply command = reader.next(); command; command = reader.next()) {
      execute(connection, text_of(*command->element[0]));
    }
    return true;
  }
  void execute(int connection, std::string_view command) {
    if (command == "EVALSHA") {
      with_scripts_.insert(connection);
      if (scripts.empty()) {
        held_.push_back(connection);
      } else {
        send(connection, scripts);
      }
    } else if (command == "HELLO") {
      send(connection, kHello);
    } else if (command == "INFO") {
      send(connection, bulk("run_id:a\r\nuptime_in_seconds:99999\r\nconnected_slaves:0\r\n"));
    } else if (command == "SCRIPT") {
      send(connection, bulk("digest"));
    } else if (command == "CLUSTER") {
      send(connection, slots);
    } else if (command == "GET") {
      send(connection, "$-1\r\n");
    } else if (command != "SSUBSCRIBE") {
      send(connection, "+OK\r\n");
    }
  }

  const LoopbackListener listener_{SOCK_NONBLOCK};
  std::map<int, std::unique_ptr<ReplyReader>> connections_;
  std::vector<int> held_;
  std::set<int> with_scripts_;
};

struct Range {
  int first;
  int last;
  HostPort master;
};

std::string slots_of(const std::vector<Range>& ranges) {
  std::string all = "*" + std::to_string(ranges.size()) + "\r\n";
  for (const Range& each : ranges) {
    all += "*3\r\n:" + std::to_string(each.first) + "\r\n:" + std::to_string(each.last) +
           "\r\n*2\r\n" + bulk(each.master.host) + ":" + std::to_string(each.master.port) + "\r\n";
  }
  return all;
}

class ClusterTest : public testing::Test, Shards::Owner {
 protected:
  ClusterTest() {
    table_.size = sizeof table_;
    table_.on_unavailable = [](void*, crolang_str) {};
    table_.on_available = [](void*) {};
    context_.now = TimePoint(std::chrono::hours(1));
  }
  void on_shard_up() override {}
  void on_shard_down(std::string_view) override {}
  void on_batch(std::string_view) override {}
  void on_subscription_lost(std::string_view) override {}
  void on_credentials(std::string_view) override {}
  void on_redis_target() override {}

  template <class Done>
  void run_until(Done done) {
    for (int i = 0; i < 2000; ++i) {
      if (done()) return;
      context_.now += milliseconds(10);
      std::vector<pollfd> entries;
      shards_.add_poll_entries(entries);
      ::poll(entries.data(), entries.size(), 1);
      shards_.on_poll(entries);
      shards_.tick();
      shards_.flush();
      one_.run();
      other_.run();
    }
    FAIL() << "it does not come to that";
  }
  void serve(const std::vector<Range>& ranges) { one_.slots = other_.slots = slots_of(ranges); }
  bool grants(Slot slot) {
    return shards_.is_cluster() && shards_.of_slot(slot).is_up() &&
           shards_.of_slot(slot).gate().grants_claims(context_.now);
  }
  void claim(const std::string& id, std::uint64_t token) {
    const auto on_answer = [](void* call, crolang_status status, std::int32_t result,
                              crolang_holder, crolang_str) {
      const bool is_granted = status == CROLANG_OK && result == CROLANG_GRANTED;
      static_cast<ClusterTest*>(call)->outcomes_.emplace_back(is_granted ? "granted" : "not");
    };
    Take take{OwnedLease(plugin::Lease{id, token, 1, 0}), 0,
              plugin::Claimed(on_answer, this, 1000)};
    shards_.of_id(id).leases().take(take);
  }
  std::ptrdiff_t lines_with(std::string_view text) const {
    const auto log = host_.log();
    return std::ranges::count_if(
        log, [&](const auto& line) { return line.text.find(text) != std::string::npos; });
  }
  static Options options(const HostPort& seed) {
    Options options;
    options.endpoint.hosts.push_back(seed);
    return options;
  }

  FakeMaster one_;
  FakeMaster other_;
  crolang_registry_events table_{};
  const plugin::testing::FakeHost host_{crolang_plugin{}};
  ServiceContext context_{plugin::Host(host_.table()), options(one_.place()), "me",
                          plugin::RegistryEvents(plugin::Host(host_.table()), &table_)};
  std::vector<std::string> outcomes_;
  Inbox<Request> inbox_;
  PeerTransport peers_{context_, shards_, inbox_};
  Shards shards_{context_, peers_, *this};
};

TEST_F(ClusterTest, AClaimThatWasSentOnOutlivesTheShardThatSentIt) {
  const std::string id = "node";
  const int slot = slot_of(context_.key(id));
  const int rest = slot + 1;  // is not the last one
  serve({{0, slot - 1, one_.place()}, {slot, slot, other_.place()}, {rest, 16'383, one_.place()}});
  run_until([&] { return grants(Slot{0}) && grants(static_cast<Slot>(slot)); });
  other_.scripts = "-ASK " + std::to_string(slot) + " " + one_.place().name() + "\r\n";
  claim(id, 7);
  run_until([&] { return one_.holds_any(); });
  ASSERT_EQ(other_.script_connections(), 1U);
  serve({{0, 16'383, one_.place()}});
  run_until([&] { return other_.script_connections() == 0; });
  EXPECT_TRUE(outcomes_.empty());
  one_.answer_held(":1\r\n");
  one_.scripts = ":1\r\n";
  run_until([&] { return !outcomes_.empty(); });
  EXPECT_THAT(outcomes_, ElementsAre("granted"));
  run_until([&] { return shards_.of_id(id).leases().contains(7); });
}

TEST_F(ClusterTest, SaysOncePerMapThatSlotsAreMissing) {
  const std::string_view warning = "slots of the cluster have no master";
  serve({{0, 16'000, one_.place()}});
  run_until([&] { return grants(Slot{0}); });
  EXPECT_EQ(lines_with(warning), 1);
  // It never comes up, so its slots stay where they were for a second.
  const ScriptedServer silent;
  serve({{0, 8'000, one_.place()}, {8'001, 16'000, silent.place()}});
  run_until([&] { return shards_.of_slot(Slot{9'000}).master() == silent.place(); });
  EXPECT_EQ(lines_with(warning), 2);
}

}  // namespace
}  // namespace crolang::redis_registry
