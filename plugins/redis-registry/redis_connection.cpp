#include "redis-registry/redis_connection.hpp"

#include <hiredis.h>

#include <algorithm>
#include <charconv>

#include "redis-registry/refusal.hpp"

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;

// While it comes up, silence means that nobody is there: short, since living nodes wait to get
// their ids back within a second.
constexpr milliseconds kHandshakeSilence{600};
// Once up, a slow command of somebody else may keep Redis busy for a while.
constexpr milliseconds kSilence{3000};
constexpr milliseconds kHeartbeatAfter{1000};
constexpr milliseconds kShortestPause{50};
constexpr milliseconds kLongestPause{250};
// A gap between ticks that no load explains: this process stood still.
constexpr milliseconds kStoodStill{1000};
constexpr milliseconds kTick{100};
constexpr milliseconds kSlowAnswer{1000};  // of a name server

}  // namespace

RedisConnection::RedisConnection(Endpoint endpoint, std::string channel, std::string heartbeat,
                                 Owner& owner)
    : endpoint_(std::move(endpoint)),
      channel_(std::move(channel)),
      heartbeat_(std::move(heartbeat)),
      owner_(owner),
      random_(std::random_device{}()) {}

milliseconds RedisConnection::patience() const {
  if (state_ == State::resolving) return milliseconds(10);
  // Refused before there was anything to poll.
  const bool is_over = !commands_.is_open() || !subscription_.is_open();
  return state_ == State::opening && is_over ? milliseconds(0) : kTick;
}

std::array<pollfd, 2> RedisConnection::poll_entries(TimePoint now) const {
  return {commands_.poll_entry(now), subscription_.poll_entry(now)};
}

void RedisConnection::on_poll(const std::array<pollfd, 2>& entries, TimePoint now) {
  now_ = now;
  commands_.on_poll(entries[0].revents, now);
  subscription_.on_poll(entries[1].revents, now);
}

void RedisConnection::flush() {
  commands_.flush();
  subscription_.flush();
}

void RedisConnection::tick(TimePoint now) {
  now_ = now;
  if (now - last_tick_ > kStoodStill) {
    commands_.forgive(now);
    subscription_.forgive(now);
    last_heard_ = now;
    if (heartbeat_since_) heartbeat_since_ = now;
  }
  last_tick_ = now;
  switch (state_) {
    case State::waiting:
      if (now >= retry_at_) resolve(now);
      break;
    case State::resolving:
      if (resolver_.has_answer()) {
        take_addresses(now);
      } else if (now - resolving_since_ > kSlowAnswer) {
        // A name server that hangs is no reason to stay away from a Redis that has not moved.
        addresses_.empty() ? fail("looking up " + endpoint_.host + " takes long", now) : open(now);
      }
      break;
    case State::opening:
    case State::verifying:
    case State::up:
      watch(now);
      break;
    case State::closed:
      break;
  }
}

void RedisConnection::resolve(TimePoint now) {
  state_ = State::resolving;
  next_address_ = 0;
  if (endpoint_.host.empty()) {
    open(now);
    return;
  }
  resolving_since_ = now;
  if (!resolver_.is_asking()) resolver_.ask(endpoint_.host);
  if (resolver_.has_answer()) take_addresses(now);
}

void RedisConnection::take_addresses(TimePoint now) {
  Resolver::Answer found = resolver_.take_answer();
  if (found.fault.empty()) {
    addresses_ = std::move(found.addresses);
    open(now);
  } else {
    fail(found.fault, now);
  }
}

void RedisConnection::open(TimePoint now) {
  state_ = State::opening;
  handshakes_ = 0;
  subscribed_ = false;
  refusal_.clear();
  heartbeat_since_.reset();
  if (endpoint_.host.empty()) {
    commands_.open_unix(endpoint_.path, now);
    subscription_.open_unix(endpoint_.path, now);
  } else {
    const std::string& address = addresses_[next_address_++];
    commands_.open_tcp(address, endpoint_.port, now);
    subscription_.open_tcp(address, endpoint_.port, now);
  }
  log_in(commands_, now);
  log_in(subscription_, now);
  const std::string database = std::to_string(endpoint_.database);
  if (endpoint_.database != 0) {
    handshake(std::array<std::string_view, 2>{"SELECT", database}, commands_, now,
              [](const redisReply&) {});
  }
  handshake(std::array<std::string_view, 2>{"INFO", "server"}, commands_, now,
            [this](const redisReply& reply) {
              read_server({reply.str, reply.len});
            });
  load_scripts(now);
  subscription_.subscribe(
      channel_, [this] { subscribed_ = true; },
      [this](std::string_view batch) { on_publication(batch); });
}

void RedisConnection::log_in(Link& link, TimePoint now) {
  if (endpoint_.password.empty()) return;
  const auto ignore = [](const redisReply&) {};
  if (endpoint_.user.empty()) {
    handshake(std::array<std::string_view, 2>{"AUTH", endpoint_.password}, link, now, ignore);
  } else {
    handshake(std::array<std::string_view, 3>{"AUTH", endpoint_.user, endpoint_.password}, link,
              now, ignore);
  }
}

void RedisConnection::load_scripts(TimePoint now) {
  for (std::size_t i = 0; i < kScripts; ++i) {
    handshake(std::array<std::string_view, 3>{"SCRIPT", "LOAD", source(static_cast<Script>(i))},
              commands_, now,
              [this, i](const redisReply& reply) { digests_[i].assign(reply.str, reply.len); });
  }
}

void RedisConnection::handshake(std::span<const std::string_view> words, Link& link, TimePoint now,
                                std::function<void(const redisReply&)> use) {
  ++handshakes_;
  const std::string name(words.front());
  link.command(words, now, [this, name, use = std::move(use)](const redisReply* reply) {
    if (reply == nullptr) return;
    --handshakes_;
    if (reply->type != REDIS_REPLY_ERROR) {
      use(*reply);
    } else if (refusal_.empty()) {
      refusal_ = describe_refusal(name, {reply->str, reply->len});
    }
  });
}

void RedisConnection::read_server(std::string_view info) {
  const auto field = [&](std::string_view name) {
    const std::size_t at = info.find(name);
    if (at == std::string_view::npos) return std::string_view();
    const std::string_view rest = info.substr(at + name.size());
    return rest.substr(0, rest.find_first_of("\r\n"));
  };
  run_id_ = field("run_id:");
  const std::string_view uptime = field("uptime_in_seconds:");
  std::uint32_t seconds = 0;
  std::from_chars(uptime.data(), uptime.data() + uptime.size(), seconds);
  uptime_ = std::chrono::seconds(seconds);
}

void RedisConnection::watch(TimePoint now) {
  // First what Redis said, then that it hung up.
  if (!refusal_.empty()) {
    fail(refusal_, now);
    return;
  }
  if (!commands_.is_open() || !subscription_.is_open()) {
    fail(describe_end(link_fault()), now);
    return;
  }
  if (state_ != State::up) {
    const TimePoint progress = std::max(commands_.last_progress(), subscription_.last_progress());
    if (now - progress > kHandshakeSilence) {
      fail("no answer", now);
    } else if (state_ == State::opening && handshakes_ == 0 && subscribed_) {
      verify(now);
    }
    return;
  }
  const auto waiting = commands_.waiting_since();
  if ((waiting && now - *waiting > kSilence) ||
      (heartbeat_since_ && now - *heartbeat_since_ > kSilence)) {
    fail("no answer for " + std::to_string(kSilence.count()) + " ms", now);
  } else if (!heartbeat_since_ && now - last_heard_ > kHeartbeatAfter) {
    send_heartbeat(now);
  }
}

void RedisConnection::verify(TimePoint now) {
  state_ = State::verifying;
  send_heartbeat(now);
}

void RedisConnection::send_heartbeat(TimePoint now) {
  heartbeat_since_ = now;
  command(std::array<std::string_view, 3>{"PUBLISH", channel_, heartbeat_}, now,
          [this](const redisReply* reply) {
            if (reply != nullptr && reply->type == REDIS_REPLY_ERROR && refusal_.empty()) {
              refusal_ = std::string("PUBLISH: ") + reply->str;
            }
          });
}

void RedisConnection::on_publication(std::string_view batch) {
  last_heard_ = now_;
  heartbeat_since_.reset();
  if (state_ == State::verifying) {
    state_ = State::up;
    owner_.on_up();
  }
  owner_.on_batch(batch);
}

void RedisConnection::change_credentials(std::string user, std::string password, TimePoint now) {
  if (user == endpoint_.user && password == endpoint_.password) return;
  if (!is_up() || password.empty()) {
    endpoint_.user = std::move(user);
    endpoint_.password = std::move(password);
    return;
  }
  // The subscription is not asked: with RESP2 it can do nothing else, and it is logged in already.
  std::vector<std::string_view> words{"AUTH"};
  if (!user.empty()) words.push_back(user);
  words.push_back(password);
  command(words, now, [this, user, password](const redisReply* reply) {
    if (reply != nullptr && reply->type == REDIS_REPLY_ERROR) {
      owner_.on_credentials(describe_refusal("AUTH", {reply->str, reply->len}));
      return;
    }
    endpoint_.user = user;
    endpoint_.password = password;
    if (reply != nullptr) owner_.on_credentials({});
  });
}

void RedisConnection::drop(std::string_view why, TimePoint now) {
  if (state_ == State::opening || state_ == State::verifying || state_ == State::up) fail(why, now);
}

void RedisConnection::fail(std::string_view why, TimePoint now) {
  const std::string reason(why);
  // Nobody was there, but a name may have other addresses: `localhost` is often ::1 first.
  const bool has_another =
      state_ == State::opening && refusal_.empty() && next_address_ < addresses_.size();
  state_ = State::waiting;
  commands_.close();
  subscription_.close();
  if (has_another) {
    open(now);
    return;
  }
  std::uniform_int_distribution<std::int64_t> pause(kShortestPause.count(), kLongestPause.count());
  retry_at_ = now + milliseconds(pause(random_));
  owner_.on_down(reason);
}

void RedisConnection::close() {
  state_ = State::closed;
  commands_.close();
  subscription_.close();
}

std::string_view RedisConnection::link_fault() const {
  return commands_.is_open() ? subscription_.fault() : commands_.fault();
}

}  // namespace crolang::redis_registry
