#include "redis-registry/worker_connection.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "redis-registry/redis_reply.hpp"
#include "redis-registry/refusal.hpp"

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTick{100};
// A gap between ticks that load cannot explain: this process was suspended.
constexpr milliseconds kSuspended{3000};
constexpr std::size_t kMaxReply = std::size_t{64} << 10;
constexpr std::size_t kMaxPublication = std::size_t{72} << 20;
// Replies to publications are not urgent, and read together.
constexpr std::size_t kMostUnread = 64;
constexpr std::string_view kNoMemory = "out of memory";  // short enough to need none

}  // namespace

WorkerConnection::WorkerConnection(std::vector<std::string> channels, std::string heartbeat,
                                   Owner& owner, const WorkerTraffic& traffic)
    : channels_(std::move(channels)),
      heartbeat_(std::move(heartbeat)),
      owner_(owner),
      publisher_(kMaxReply, traffic.messages),
      subscription_(kMaxPublication, traffic.subscription) {
  publisher_.on_tagged(
      [this](std::uint64_t number, const redisReply* reply) { on_reply(number, reply); });
}

void WorkerConnection::serve(RedisTarget target, TimePoint now) {
  now_ = now;
  last_tick_ = now;
  if (state_ != State::idle) fail("the service has connected again", now);
  target_ = std::move(target);
  open(now);
}

void WorkerConnection::change_target(RedisTarget target, TimePoint) {
  if (target_) target_ = std::move(target);
}

void WorkerConnection::leave(std::string_view why, TimePoint now) {
  now_ = now;
  target_.reset();
  fail(why, now);
}

void WorkerConnection::drop(std::string_view why, TimePoint now) {
  now_ = now;
  if (state_ != State::idle && state_ != State::waiting) fail(why, now);
}

void WorkerConnection::fail(std::string_view why, TimePoint now) {
  if (state_ == State::idle) return;
  publisher_.close();
  subscription_.close();
  if (target_) {
    state_ = State::waiting;
    retry_at_ = now + retry_pause_.next();
  } else {
    state_ = State::idle;
  }
  owner_.on_link_down(why);
}

// ---- The handshake ------------------------------------------------------------------------------

void WorkerConnection::open(TimePoint now) {
  state_ = State::opening;
  open_handshakes_ = channels_.size();
  refusal_.clear();
  heartbeat_since_.reset();
  unread_ = 0;
  may_mute_ = false;
  is_muted_ = false;
  publisher_.open(owner_.connect(*target_, 0), now);
  subscription_.open(owner_.connect(*target_, 1), now);
  log_in(publisher_, now);
  log_in(subscription_, now);
  ask_for_muting(now);
  subscription_.subscribe(
      channels_, [this] { --open_handshakes_; },
      [this](std::string_view batch) { on_publication(batch); });
}

void WorkerConnection::log_in(Link& link, TimePoint now) {
  const Login& login = target_->login;
  if (login.password.empty()) return;
  ++open_handshakes_;
  link.command(login.command(), now, [this](const redisReply* reply) {
    if (reply == nullptr) return;
    --open_handshakes_;
    if (is_error(*reply)) refusal_ = describe_refusal("AUTH", text_of(*reply));
  });
}

// Some servers do not know the command, and some users may not use it.
void WorkerConnection::ask_for_muting(TimePoint now) {
  ++open_handshakes_;
  publisher_.command(std::array<std::string_view, 3>{"CLIENT", "REPLY", "ON"}, now,
                     [this](const redisReply* reply) {
                       if (reply == nullptr) return;
                       --open_handshakes_;
                       may_mute_ = text_of(*reply) == "OK";
                     });
}

void WorkerConnection::set_muted(bool muted, TimePoint now) {
  if (muted == is_muted_) return;
  const std::array<std::string_view, 3> words{"CLIENT", "REPLY", muted ? "OFF" : "ON"};
  if (muted) {
    publisher_.command_unanswered(words);
  } else {
    ++unread_;
    publisher_.command_tagged(words, now, kNoNumber);
  }
  is_muted_ = muted;
}

void WorkerConnection::send_heartbeat(TimePoint now) {
  set_muted(false, now);
  heartbeat_since_ = now;
  publisher_.command(std::array<std::string_view, 3>{"PUBLISH", channels_.front(), heartbeat_}, now,
                     [this](const redisReply* reply) {
                       if (reply == nullptr || !is_error(*reply) || !refusal_.empty()) return;
                       refusal_ = describe_refusal("PUBLISH", text_of(*reply));
                     });
}

void WorkerConnection::on_publication(std::string_view batch) {
  last_received_ = now_;
  heartbeat_since_.reset();
  if (state_ == State::verifying) {
    state_ = State::up;
    owner_.on_link_up();
  }
  owner_.on_link_batch(batch, Order::kept);
}

// ---- Events -------------------------------------------------------------------------------------

void WorkerConnection::publish(std::string_view channel, std::string_view batch,
                               std::uint64_t number, Receiver, TimePoint now) {
  const std::array<std::string_view, 3> words{"PUBLISH", channel, batch};
  const bool is_muted = number == kNoNumber && may_mute_;
  set_muted(is_muted, now);
  if (is_muted) {
    publisher_.command_unanswered(words);
  } else {
    ++unread_;
    publisher_.command_tagged(words, now, number);
  }
}

void WorkerConnection::on_reply(std::uint64_t number, const redisReply* reply) {
  if (reply == nullptr) {
    // Everything that is open is answered when the connection is lost.
    if (!publisher_.is_open()) return;
    --unread_;
    if (number == kNoNumber) {
      // Redis is still muted.
      refusal_ = kNoMemory;
    } else {
      owner_.on_published(number, 0, kNoMemory);
    }
    return;
  }
  --unread_;
  if (number == kNoNumber) return;
  owner_.on_published(number, reply->integer,
                      is_error(*reply) ? text_of(*reply) : std::string_view());
}

void WorkerConnection::flush(TimePoint now) {
  now_ = now;
  publisher_.flush();
  subscription_.flush();
  if (unread_ >= kMostUnread) on_poll(0, POLLIN, now);
}

std::span<const pollfd> WorkerConnection::poll_entries(TimePoint now) {
  poll_entries_ = {publisher_.poll_entry(now), subscription_.poll_entry(now)};
  if (state_ == State::up) {
    poll_entries_[0].events = static_cast<short>(poll_entries_[0].events & ~POLLIN);
  }
  return poll_entries_;
}

void WorkerConnection::on_poll(std::size_t link, short events, TimePoint now) {
  now_ = now;
  (link == 0 ? publisher_ : subscription_).on_poll(events, now);
  const bool is_well = publisher_.is_open() && subscription_.is_open() && refusal_.empty();
  if (state_ == State::opening || !is_well) watch(now);
}

TimePoint WorkerConnection::due() const {
  switch (state_) {
    case State::idle:
      return TimePoint::max();
    case State::waiting:
      return retry_at_;
    case State::opening:
    case State::verifying:
      // The attempt may have failed at once, before there was a descriptor to poll.
      return publisher_.is_open() && subscription_.is_open() ? last_tick_ + kTick : last_tick_;
    case State::up:
      return last_tick_ + (publisher_.is_idle() ? kHeartbeatAfter : kTick);
  }
  return TimePoint::max();
}

void WorkerConnection::tick(TimePoint now) {
  now_ = now;
  if (state_ == State::up && now - last_tick_ > kSuspended) {
    publisher_.restart_clocks(now);
    subscription_.restart_clocks(now);
    last_received_ = now;
    if (heartbeat_since_) heartbeat_since_ = now;
  }
  last_tick_ = now;
  if (state_ == State::up && !publisher_.is_idle()) on_poll(0, POLLIN, now);
  if (state_ == State::waiting) {
    if (now >= retry_at_) open(now);
  } else if (state_ != State::idle) {
    watch(now);
  }
}

void WorkerConnection::watch(TimePoint now) {
  if (state_ == State::idle || state_ == State::waiting) return;
  if (!refusal_.empty()) {
    fail(std::string(refusal_), now);
    return;
  }
  if (!publisher_.is_open() || !subscription_.is_open()) {
    if (state_ == State::up && publisher_.is_intact()) owner_.on_subscription_cut();
    fail(describe_end((publisher_.is_open() ? subscription_ : publisher_).fault()), now);
    return;
  }
  if (state_ != State::up) {
    const TimePoint progress = std::max(publisher_.last_progress(), subscription_.last_progress());
    if (now - progress > kHandshakeTimeout) {
      fail(publisher_.silence(), now);
    } else if (state_ == State::opening && open_handshakes_ == 0 && publisher_.has_connected()) {
      state_ = State::verifying;
      send_heartbeat(now);
      publisher_.flush();
    }
    return;
  }
  const auto waiting = publisher_.waiting_since();
  if ((waiting && now - *waiting > kReplyTimeout) ||
      (heartbeat_since_ && now - *heartbeat_since_ > kReplyTimeout)) {
    fail("no answer for " + std::to_string(kReplyTimeout.count()) + " ms", now);
  } else if (!heartbeat_since_ && now - last_received_ >= kHeartbeatAfter) {
    send_heartbeat(now);
    publisher_.flush();
  }
}

}  // namespace crolang::redis_registry
