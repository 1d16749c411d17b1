#include "fake_cluster.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <stdexcept>
#include <utility>

#include "redis-registry/redis_reply.hpp"
#include "redis-registry/socket_transport.hpp"

namespace crolang::redis_registry {
namespace {

constexpr std::uint16_t kPort = 6379;

std::string bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

std::string number(std::size_t value) {
  return ":" + std::to_string(value) + "\r\n";
}

std::string push(const std::string& kind, const std::string& channel, const std::string& last) {
  return "*3\r\n" + bulk(kind) + bulk(channel) + last;
}

/// Nobody answers where it connects to.
class UnansweredTransport final : public Transport {
 public:
  UnansweredTransport() : descriptor_(::eventfd(0, EFD_NONBLOCK)) {}
  UnansweredTransport(const UnansweredTransport&) = delete;
  UnansweredTransport& operator=(const UnansweredTransport&) = delete;
  ~UnansweredTransport() override { ::close(descriptor_); }

  int descriptor() const override { return descriptor_; }
  Status connect() override { return Status::wants_read; }
  Moved read(std::span<char>) override { return {Status::wants_read}; }
  Moved write(std::string_view) override { return {Status::wants_write}; }
  bool has_more() const override { return false; }
  std::string fault() const override { return {}; }
  std::string silence() const override { return "no answer"; }
  void abort() override {}

 private:
  const int descriptor_;
};

}  // namespace

FakeCluster::FakeCluster() {
  const std::array<std::string, 3> nodes{"a", "b", "c"};
  for (std::size_t slot = 0; slot < owners_.size(); ++slot) {
    owners_[slot] = nodes.at(slot * nodes.size() / owners_.size());
  }
}

FakeCluster::~FakeCluster() {
  for (const auto& each : connections_) ::close(each->end);
}

std::unique_ptr<Transport> FakeCluster::connect(const HostPort& node) {
  if (dead_.contains(node.host)) {
    return std::make_unique<SocketTransport>(Socket::to_unix("/nowhere/redis.sock"));
  }
  if (isolated_.contains(node.host)) return std::make_unique<UnansweredTransport>();
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    throw std::runtime_error("no socket pair");
  }
  connections_.push_back(std::make_unique<Connection>(Connection{node.host, ends[1]}));
  return std::make_unique<SocketTransport>(Socket(ends[0]));
}

RedisTarget FakeCluster::target(const std::string& gone, const std::string& heir) const {
  auto owners = owners_;
  std::ranges::replace(owners, gone, heir);
  std::string ranges;
  std::size_t count = 0;
  for (std::size_t first = 0; first < owners.size(); ++count) {
    std::size_t last = first;
    while (last + 1 < owners.size() && owners[last + 1] == owners[first]) ++last;
    ranges +=
        "*3\r\n" + number(first) + number(last) + "*2\r\n" + bulk(owners[first]) + number(kPort);
    first = last + 1;
  }
  ReplyReader reader(1 << 24);
  reader.feed("*" + std::to_string(count) + "\r\n" + ranges);
  RedisTarget target;
  target.slots = std::make_shared<const SlotMap>(SlotMap::read(*reader.next(), {}).value());
  for (const HostPort& each : target.slots->masters()) target.masters.push_back({each, "::1"});
  target.login.password = password_;
  return target;
}

std::string FakeCluster::broker_at(const std::string& node, int nth) const {
  for (int n = 0;; ++n) {
    std::string name = "broker" + std::to_string(n);
    if (owners_[slot_of("{" + name + "}:0")] == node && nth-- == 0) return name;
  }
}

void FakeCluster::move(Slot slot, const std::string& to) {
  const std::string from = std::exchange(owners_[slot], to);
  for (const auto& each : connections_) {
    if (each->node != from) continue;
    for (const std::string& channel : std::set(each->channels)) {
      if (slot_of(channel) != slot) continue;
      each->channels.erase(channel);
      send(*each, push("sunsubscribe", channel, number(each->channels.size())));
    }
  }
}

void FakeCluster::kill(const std::string& node) {
  dead_.insert(node);
  std::erase_if(connections_, [&](const auto& each) {
    if (each->node != node) return false;
    ::close(each->end);
    return true;
  });
}

void FakeCluster::forget_subscriptions(const std::string& node) {
  for (const auto& each : connections_) {
    if (each->node == node) each->channels.clear();
  }
}

void FakeCluster::end_subscriptions(const std::string& node) {
  for (const auto& each : connections_) {
    if (each->node == node && !each->channels.empty()) send(*each, unsubscribe(*each));
  }
}

std::size_t FakeCluster::connections(const std::string& node) const {
  return static_cast<std::size_t>(
      std::ranges::count(connections_, node, [](const auto& each) { return each->node; }));
}

std::size_t FakeCluster::subscriptions(const std::string& node) const {
  std::size_t count = 0;
  for (const auto& each : connections_) {
    if (each->node == node) count += each->channels.size();
  }
  return count;
}

// ---- A node -------------------------------------------------------------------------------------

bool FakeCluster::run() {
  bool has_run = false;
  std::erase_if(connections_, [&](const auto& each) {
    if (frozen_.contains(each->node)) return false;
    std::array<char, 65536> bytes;
    const ssize_t size = ::recv(each->end, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (size == 0 || (size < 0 && errno != EAGAIN)) {
      ::close(each->end);
      return true;
    }
    if (size < 0) return false;
    each->reader.feed({bytes.data(), static_cast<std::size_t>(size)});
    has_run = true;
    return false;
  });
  for (const auto& each : connections_) serve(*each);
  return has_run;
}

void FakeCluster::serve(Connection& connection) {
  if (frozen_.contains(connection.node)) return;
  for (Reply command = connection.reader.next(); command; command = connection.reader.next()) {
    std::vector<std::string> words;
    for (std::size_t i = 0; i < command->elements; ++i) {
      words.emplace_back(text_of(*command->element[i]));
    }
    execute(connection, words);
  }
}

void FakeCluster::execute(Connection& connection, const std::vector<std::string>& words) {
  if (words[0] == "SUNSUBSCRIBE") return send(connection, unsubscribe(connection));
  commands_[connection.node].push_back(words[0] + " " + words[1]);
  std::string answer;
  if (words[0] == "AUTH") {
    connection.is_logged_in = words.back() == password_;
    answer = connection.is_logged_in ? "+OK\r\n" : "-WRONGPASS invalid\r\n";
  } else if (!refusal_.empty()) {
    answer = "-" + refusal_ + "\r\n";
  } else if (!password_.empty() && !connection.is_logged_in) {
    answer = "-NOAUTH Authentication required.\r\n";
  } else if (const Slot slot = slot_of(words[1]); !serves(connection.node, slot)) {
    answer = "-MOVED " + std::to_string(slot) + " " + owners_[slot] + ":6379\r\n";
  } else {
    answer = words[0] == "SSUBSCRIBE" ? subscribe(connection, words) : publish(connection, words);
  }
  send(connection, answer);
}

bool FakeCluster::serves(const std::string& node, Slot slot) const {
  const auto replica = replicas_.find(node);
  return owners_[slot] == node || (replica != replicas_.end() && replica->second == owners_[slot]);
}

std::string FakeCluster::subscribe(Connection& connection, const std::vector<std::string>& words) {
  std::string answer;
  for (std::size_t i = 1; i < words.size(); ++i) {
    connection.channels.insert(words[i]);
    answer += push("ssubscribe", words[i], number(connection.channels.size()));
  }
  return answer;
}

std::string FakeCluster::unsubscribe(Connection& connection) const {
  if (!may_unsubscribe_) return "-NOPERM no permissions to run the 'sunsubscribe' command\r\n";
  std::string answer;
  while (!connection.channels.empty()) {
    const std::string channel = *connection.channels.begin();
    connection.channels.erase(channel);
    answer += push("sunsubscribe", channel, number(connection.channels.size()));
  }
  return answer;
}

std::string FakeCluster::publish(const Connection& connection,
                                 const std::vector<std::string>& words) {
  std::size_t receivers = 0;
  for (const auto& each : connections_) {
    const bool is_here = each->node == connection.node;
    const bool is_passed_on = passes_on(connection.node, each->node);
    if ((!is_here && !is_passed_on) || !each->channels.contains(words[1])) continue;
    send(*each, push("smessage", words[1], bulk(words[2])));
    if (is_here) ++receivers;
  }
  return number(receivers);
}

bool FakeCluster::passes_on(const std::string& from, const std::string& to) const {
  const auto is_replica = [this](const std::string& node, const std::string& of) {
    const auto replica = replicas_.find(node);
    return replica != replicas_.end() && replica->second == of;
  };
  if (frozen_.contains(to)) return false;
  return is_replica(to, from) || (passes_on_to_masters_ && is_replica(from, to));
}

void FakeCluster::send(const Connection& connection, const std::string& bytes) {
  const ssize_t sent = ::send(connection.end, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  const bool has_left = sent < 0 && errno != EAGAIN;
  if (!has_left && sent != static_cast<ssize_t>(bytes.size())) {
    throw std::runtime_error("a client reads too slowly");
  }
}

}  // namespace crolang::redis_registry
