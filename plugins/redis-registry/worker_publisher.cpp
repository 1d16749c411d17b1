#include "redis-registry/worker_publisher.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "redis-registry/redis_reply.hpp"
#include "redis-registry/refusal.hpp"

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxReply = std::size_t{64} << 10;
// Replies to publications are not urgent, and read together.
constexpr std::size_t kMostUnread = 64;
// A master that serves nothing more answers what it was sent.
constexpr milliseconds kRetirement{1000};

std::array<std::string_view, 3> publication(std::string_view channel, std::string_view batch) {
  return {"SPUBLISH", channel, batch};
}

}  // namespace

WorkerPublisher::WorkerPublisher(std::size_t link, Dialer::Target master, Owner& owner,
                                 const Traffic& traffic)
    : link_number_(link), master_(std::move(master)), owner_(owner), link_(kMaxReply, traffic) {
  link_.on_tagged(
      [this](std::uint64_t number, const redisReply* reply) { on_reply(number, reply); });
}

// ---- The connection -----------------------------------------------------------------------------

void WorkerPublisher::open(TimePoint now) {
  state_ = State::opening;
  refusal_.clear();
  link_.open(owner_.connect(*this), now);
  log_in(now);
  note_up();
}

void WorkerPublisher::note_up() {
  if (state_ != State::opening || !link_.is_open() || !link_.has_connected()) return;
  if (!is_logged_in_) return;
  state_ = State::up;
  down_since_.reset();
}

void WorkerPublisher::log_in(TimePoint now) {
  const Login& login = owner_.login();
  is_logged_in_ = login.password.empty();
  if (is_logged_in_) return;
  link_.command(login.command(), now, [this](const redisReply* reply) {
    if (reply == nullptr) return;
    is_logged_in_ = true;
    if (is_error(*reply)) refusal_ = describe_refusal("AUTH", text_of(*reply));
  });
}

void WorkerPublisher::check(TimePoint now) {
  if (state_ == State::closed) return;
  if (!refusal_.empty()) {
    fail(std::string(refusal_), now);
  } else if (!link_.is_open()) {
    fail(describe_end(link_.fault()), now);
  } else if (state_ == State::opening) {
    note_up();
    if (state_ == State::opening && now - link_.last_progress() > kHandshakeTimeout) {
      fail(link_.silence(), now);
    }
  } else if (const auto since = link_.waiting_since(); since && now - *since > kReplyTimeout) {
    fail("no answer for " + std::to_string(kReplyTimeout.count()) + " ms", now);
  }
}

void WorkerPublisher::fail(std::string_view why, TimePoint now) {
  if (!down_since_) down_since_ = now;
  end(now + retry_pause_.next());
  owner_.on_down(*this, why, *down_since_);
}

void WorkerPublisher::end(TimePoint again_at) {
  const WorkerBatches lost = std::exchange(sent_, {});
  abandon(again_at);
  if (!lost.is_empty()) owner_.on_lost(lost);
}

void WorkerPublisher::abandon(TimePoint again_at) {
  state_ = State::closed;
  has_tried_ = true;
  retry_at_ = again_at;
  link_.close();
  sent_.clear();
}

void WorkerPublisher::retire(TimePoint now) {
  if (!retired_at_) retired_at_ = now;
}

bool WorkerPublisher::is_done(TimePoint now) const {
  return retired_at_ &&
         (state_ != State::up || link_.is_idle() || now - *retired_at_ > kRetirement);
}

// ---- Batches ------------------------------------------------------------------------------------

void WorkerPublisher::publish(const WorkerBatch& batch, TimePoint now) {
  sent_.push(batch);
  link_.command_tagged(publication(batch.channel, batch.text), now, batch.number);
}

void WorkerPublisher::publish_heartbeat(std::string_view channel, std::string_view batch,
                                        TimePoint now,
                                        std::function<void(const redisReply*)> on_reply) {
  link_.command(publication(channel, batch), now, std::move(on_reply));
}

void WorkerPublisher::on_reply(std::uint64_t number, const redisReply* reply) {
  if (reply == nullptr) {
    // If the connection was lost, fail says so of each.
    if (!link_.is_open()) return;
    sent_.pop_back();
    owner_.on_unsent(number);
    return;
  }
  owner_.on_answer(*this, sent_.front(), reply->integer,
                   is_error(*reply) ? text_of(*reply) : std::string_view());
  sent_.pop_front();
}

void WorkerPublisher::flush(TimePoint now) {
  link_.flush();
  if (sent_.size() >= kMostUnread) on_poll(POLLIN, now);
}

// ---- Events -------------------------------------------------------------------------------------

pollfd WorkerPublisher::poll_entry(bool is_urgent, TimePoint now) const {
  pollfd entry = link_.poll_entry(now);
  if (state_ == State::up) {
    const bool reads = is_urgent && !link_.is_idle();
    entry.events = static_cast<short>((entry.events & ~POLLIN) | (reads ? POLLIN : 0));
  }
  return entry;
}

void WorkerPublisher::on_poll(short events, TimePoint now) {
  link_.on_poll(events, now);
  check(now);
}

void WorkerPublisher::tick(TimePoint now) {
  if (state_ == State::closed) {
    if (!is_retired() && now >= retry_at_) open(now);
    return;
  }
  if (state_ == State::up && !link_.is_idle()) link_.on_poll(POLLIN, now);
  check(now);
}

TimePoint WorkerPublisher::due() const {
  if (state_ == State::closed) return is_retired() ? TimePoint{} : retry_at_;
  // It may have failed at once, before there was a descriptor to poll.
  return link_.is_open() ? TimePoint::max() : TimePoint{};
}

}  // namespace crolang::redis_registry
