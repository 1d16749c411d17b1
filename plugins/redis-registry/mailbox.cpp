#include "redis-registry/mailbox.hpp"

#include <utility>

#include "redis-registry/links.hpp"
#include "redis-registry/redis_reply.hpp"
#include "redis-registry/refusal.hpp"

namespace crolang::redis_registry {

Mailbox::Mailbox(std::string channel, Owner& owner, Traffic traffic)
    : channel_(std::move(channel)), owner_(owner), link_(Links::kMaxPublication, traffic) {}

void Mailbox::set_master(const RedisTarget* home, TimePoint now) {
  now_ = now;
  const bool is_same = home != nullptr && target_ && target_->tcp.host == home->tcp.host &&
                       target_->tcp.address == home->tcp.address;
  if (home == nullptr) {
    target_.reset();
  } else {
    target_ = *home;
  }
  if (is_same || state_ == State::waiting) return;
  if (home == nullptr) {
    lose("the master of its slot is away", now);
  } else {
    // Open requests may still be answered there.
    open(now);
  }
}

void Mailbox::open(TimePoint now) {
  state_ = State::opening;
  ++generation_;
  handshakes_ = 1;
  refusal_.clear();
  heartbeat_since_.reset();
  link_.open(target_->connect(), now);
  if (!target_->login.password.empty()) {
    ++handshakes_;
    link_.command(target_->login.command(), now, [this](const redisReply* reply) {
      if (reply == nullptr) return;
      --handshakes_;
      if (is_error(*reply)) refusal_ = describe_refusal("AUTH", text_of(*reply));
    });
  }
  link_.subscribe_sharded(
      std::span(&channel_, 1), [this] { --handshakes_; },
      [this](std::string_view batch) { on_publication(batch); });
}

void Mailbox::beat(TimePoint now) {
  heartbeat_since_ = now;
  owner_.send_heartbeat(generation_);
}

void Mailbox::on_heartbeat(std::uint64_t generation, std::optional<long long> receivers,
                           TimePoint now) {
  if (generation != generation_) return;
  if (state_ != State::verifying && state_ != State::up) return;
  if (!receivers) {
    // While it cannot be published, no other broker can publish either.
    heartbeat_since_.reset();
    last_received_ = now;
    if (state_ == State::verifying) lose("the heartbeat cannot be published", now);
  } else if (*receivers == 0) {
    lose("the channel is served elsewhere", now);
    owner_.on_outdated();
  }
}

void Mailbox::on_publication(std::string_view batch) {
  last_received_ = now_;
  heartbeat_since_.reset();
  if (state_ == State::verifying) state_ = State::up;
  owner_.on_mail(batch);
}

void Mailbox::on_poll(short events, TimePoint now) {
  now_ = now;
  link_.on_poll(events, now);
}

void Mailbox::tick(TimePoint now) {
  now_ = now;
  if (state_ == State::waiting) {
    if (target_ && now >= retry_at_) open(now);
  } else {
    watch(now);
  }
}

void Mailbox::watch(TimePoint now) {
  if (!refusal_.empty() || !link_.is_open()) {
    const std::string why = refusal_.empty() ? describe_end(link_.fault()) : refusal_;
    const bool is_refusal = !refusal_.empty() || link_.fault().starts_with("NOPERM");
    lose(why, now);
    if (is_refusal) owner_.on_mailbox_refused(why);
    owner_.on_outdated();
    return;
  }
  if (state_ == State::opening || state_ == State::verifying) {
    if (now - link_.last_progress() > kHandshakeTimeout) {
      lose(link_.silence(), now);
    } else if (state_ == State::opening && handshakes_ == 0) {
      state_ = State::verifying;
      beat(now);
    }
  } else if (heartbeat_since_ && now - *heartbeat_since_ > kReplyTimeout) {
    lose("no answer for " + std::to_string(kReplyTimeout.count()) + " ms", now);
  } else if (!heartbeat_since_ && now - last_received_ > kHeartbeatAfter) {
    beat(now);
  }
}

void Mailbox::restart_clocks(TimePoint now) {
  link_.restart_clocks(now);
  last_received_ = now;
  if (heartbeat_since_) heartbeat_since_ = now;
}

void Mailbox::lose(std::string_view why, TimePoint now) {
  const State before = std::exchange(state_, State::waiting);
  link_.close();
  retry_at_ = now + retry_pause_.next();
  // Open requests may still be answered at the new master of the slot.
  if (before == State::up && !link_.has_slot_moved()) owner_.on_mailbox_lost(why);
}

void Mailbox::close() {
  target_.reset();
  state_ = State::waiting;
  link_.close();
}

}  // namespace crolang::redis_registry
