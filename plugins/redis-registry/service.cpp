#include "redis-registry/service.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <span>
#include <stdexcept>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

#include "crolang/io.h"
#include "redis-registry/redis_reply.hpp"

namespace crolang::redis_registry {

using plugin::LogLevel;
using plugin::Status;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kDeadlineCheck{100};
constexpr milliseconds kShutdownTimeout{500};
constexpr milliseconds kRetryAfterNoMemory{10};
constexpr std::string_view kNoMemory = "out of memory";
// The thread polls for 100 ms at most, so a longer gap means that the process was suspended.
constexpr milliseconds kSuspended{500};

bool is_same(const std::vector<pollfd>& a, const std::vector<pollfd>& b) {
  return std::ranges::equal(a, b, [](const pollfd& one, const pollfd& other) {
    return one.fd == other.fd && one.events == other.events;
  });
}

}  // namespace

Service::Service(plugin::Host host, Options options, std::string instance,
                 plugin::RegistryEvents events)
    : context_(std::move(host), std::move(options), std::move(instance), std::move(events)),
      peers_(context_, shards_, inbox_),
      queries_(context_, shards_),
      instances_(context_, shards_),
      table_(context_, shards_),
      shards_(context_, peers_, *this) {
  const auto* const io = context_.host.service<crolang_io>(CROLANG_IO);
  if (io == nullptr || io->worker_count == 0) return;
  if (context_.instance.size() > WorkerLinks::kLongestInstance) return;
  WorkerLink::Supervisor& self = *this;
  worker_links_ = std::make_unique<WorkerLinks>(
      *io, context_.host, context_.events, context_.instance, context_.channel_prefix(),
      WorkerTraffic{context_.statistics.traffic.messages, context_.statistics.traffic.subscription,
                    context_.statistics.publications},
      self);
}

Service::~Service() {
  if (thread_.joinable()) stop();
  // Parts that are destroyed must not report that Redis is available.
  context_.availability.end();
}

void Service::start(milliseconds timeout) {
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    throw std::runtime_error(std::string("cannot start a thread: ") + error.what());
  }
  const TimePoint deadline = Clock::now() + timeout;
  {
    std::unique_lock lock(start_mutex_);
    start_changed_.wait_until(lock, deadline, [this] { return is_started_; });
  }
  if (worker_links_) worker_links_->start(deadline);
}

void Service::send(std::string_view instance, const plugin::Lease& to, std::string_view body,
                   plugin::YesNo answer) {
  WorkerLink* const worker_link = worker_links_ ? worker_links_->here() : nullptr;
  if (worker_link != nullptr) {
    worker_link->send(instance, to, body, std::move(answer));
  } else {
    ask(Send{std::string(instance), OwnedLease(to), std::string(body), std::move(answer)});
  }
}

void Service::ask(Request&& request) {
  inbox_.put(std::move(request));
  if (WorkerLink* const worker_link = worker_links_ ? worker_links_->here() : nullptr)
    worker_link->note_asked();
}

void Service::push(Request&& request) {
  inbox_.push(std::move(request));
}

void Service::flush() {
  if (WorkerLink* const worker_link = worker_links_ ? worker_links_->here() : nullptr) {
    worker_link->flush();
    if (!worker_link->take_asked()) return;
  }
  const LoopLock lock(loop_mutex_, std::try_to_lock);
  // After a suspension the thread must extend the leases before anything else is done.
  if (!lock || Clock::now() - waiting_since_ > kSuspended) {
    inbox_.wake_if_filled();
    return;
  }
  or_reconnect([this] {
    handle_requests();
    // Requests pushed meanwhile did not wake the thread.
    if (!inbox_.prepare_sleep()) handle_requests();
  });
  const bool more = !inbox_.prepare_sleep();
  // The thread polls for events and a timeout that are now outdated.
  list_entries();
  const bool same = is_same(entries_, awaited_);
  if (more || must_reconnect_ || !same || peers_.due() < waiting_until_) inbox_.wake();
}

void Service::stop() {
  {
    const std::lock_guard lock(start_mutex_);
    is_stopping_ = true;
  }
  inbox_.wake();
  thread_.join();
  if (worker_links_) worker_links_->stop();
}

bool Service::is_stopping() {
  const std::lock_guard lock(start_mutex_);
  return is_stopping_;
}

void Service::notify_started() {
  if (std::exchange(has_notified_started_, true)) return;
  {
    const std::lock_guard lock(start_mutex_);
    is_started_ = true;
  }
  start_changed_.notify_all();
}

// ---- The loop -----------------------------------------------------------------------------------

void Service::run() noexcept {
  LoopLock lock(loop_mutex_);
  while (!is_stopping()) {
    or_reconnect([&] {
      if (must_reconnect_) reconnect();
      handle_requests();
      wait(lock, inbox_.prepare_sleep() ? poll_timeout() : milliseconds(0));
      tick();
      if (has_failed_ || shards_.are_restored()) notify_started();
    });
    // Wait a moment: other threads may free memory.
    if (must_reconnect_) wait(lock, kRetryAfterNoMemory);
  }
  or_reconnect([&] { shut_down(lock); });
}

template <class F>
void Service::or_reconnect(F&& function) noexcept {
  try {
    function();
  } catch (const std::exception&) {
    must_reconnect_ = true;
  }
}

void Service::reconnect() {
  context_.warn("out of memory: reconnecting to Redis");
  shards_.drop(kNoMemory);
  must_reconnect_ = false;
}

void Service::handle_requests() {
  context_.now = Clock::now();
  requests_.clear();
  inbox_.take(requests_);
  for (Request& request : requests_) {
    std::visit([this](auto& asked) { try_handle(asked); }, request);
  }
  requests_.clear();
  shards_.confirm_takes();
  peers_.publish_due();
  // Sent after everything else.
  queries_.send_presence(worker_links_
                             ? std::max(peers_.last_message(), worker_links_->last_message())
                             : peers_.last_message());
  shards_.flush();
}

milliseconds Service::poll_timeout() const {
  const TimePoint due = peers_.due();
  const milliseconds longest = shards_.poll_timeout();
  if (due == TimePoint::max()) return longest;
  const auto left = std::chrono::ceil<milliseconds>(due - context_.now);
  return std::clamp(left, milliseconds(0), longest);
}

void Service::list_entries() {
  entries_.clear();
  entries_.push_back({inbox_.descriptor(), POLLIN, 0});
  shards_.add_poll_entries(entries_);
}

void Service::wait(LoopLock& lock, milliseconds timeout) {
  waiting_since_ = context_.now;
  waiting_until_ = context_.now + timeout;
  list_entries();
  awaited_ = entries_;
  // A worker may use `entries_` meanwhile.
  polled_ = entries_;
  lock.unlock();
  ::poll(polled_.data(), polled_.size(), static_cast<int>(timeout.count()));
  lock.lock();
  context_.now = Clock::now();
  inbox_.wake_up(polled_.front().revents != 0);
  shards_.on_poll(std::span(polled_).subspan(1));
}

void Service::tick() {
  if (context_.now - last_deadline_check_ >= kDeadlineCheck) {
    last_deadline_check_ = context_.now;
    peers_.tick();
    context_.statistics.tick(context_.now);
    shards_.expire_withdrawn();
  }
  shards_.tick();
  instances_.tick();
}

void Service::shut_down(LoopLock& lock) {
  handle_requests();
  peers_.publish_all();
  shards_.release_all();
  instances_.withdraw();
  const TimePoint latest = context_.now + kShutdownTimeout;
  while (shards_.is_any_up() && !shards_.are_idle() && context_.now < latest) {
    // Redirected commands are sent again.
    if (shards_.is_cluster()) shards_.tick();
    shards_.flush();
    wait(lock, milliseconds(10));
  }
  peers_.cancel();
  queries_.fail_all(Status::cancelled, "the broker is stopping");
  shards_.close();
  inbox_.take(requests_);
  // Late requests: the connection is closed, so each is answered at once.
  for (Request& request : requests_) {
    std::visit([this](auto& asked) { try_handle(asked); }, request);
  }
  requests_.clear();
}

// ---- Requests -----------------------------------------------------------------------------------

template <class R>
void Service::try_handle(R& request) {
  try {
    handle(request);
  } catch (const std::bad_alloc&) {
    if constexpr (std::is_same_v<R, Send> || std::is_same_v<R, Probe> ||
                  std::is_same_v<R, Answered> || std::is_same_v<R, NewAccess> ||
                  std::is_same_v<R, Ask> || std::is_same_v<R, CheckReceivers>) {
      // The request may be half done, or be part of a batch for another broker.
      throw;
    } else if constexpr (std::is_same_v<R, SetStatus> || std::is_same_v<R, OutdatedSlots>) {
      // The previous status stays until the next one is set.
    } else if constexpr (std::is_same_v<R, PresenceLookup>) {
      auto& answer = request.question.answer;
      if (answer.raw_function() != nullptr) answer.fail(Status::unavailable, kNoMemory);
    } else if (request.answer.raw_function() != nullptr) {
      if constexpr (std::is_same_v<R, Take>) shards_.forget(request.claim.token);
      request.answer.fail(Status::unavailable, kNoMemory);
    }
  }
}

void Service::handle(NewAccess& access) {
  shards_.change_access(std::move(access));
  change_worker_links_target();
}

void Service::handle(CheckReceivers& check) {
  for (Unreached& each : check.unreached) {
    const std::string key = context_.key(each.id);
    shards_.command(key, std::array<std::string_view, 2>{"GET", key},
                    [this, worker_link = check.worker_link, message = std::move(each)](
                        const redisReply* reply) { on_lease(worker_link, message, reply); });
  }
}

void Service::on_lease(std::uint32_t worker_link, const Unreached& message,
                       const redisReply* reply) {
  // A key that is not a string was not written by a broker.
  const bool is_foreign = reply != nullptr && text_of(*reply).starts_with("WRONGTYPE");
  bool is_held = has_failed(reply) && !is_foreign;
  if (!has_failed(reply)) {
    const auto holding = parse_value(text_of(*reply));
    is_held = holding && holding->token == message.token;
  }
  worker_links_->at(worker_link).put(std::vector<WorkerLink::Located>{{message.request, is_held}});
}

// ---- The worker links
// ----------------------------------------------------------------------------------

void Service::look_up(std::uint32_t worker_link, std::vector<Unreached> unreached) {
  push(CheckReceivers{worker_link, std::move(unreached)});
}

template <class Command>
void Service::put_to_worker_links(const Command& command) {
  if (worker_links_) worker_links_->put(command);
}

void Service::change_worker_links_target() {
  if (!are_worker_links_served_) return;
  if (auto target = shards_.redis_target())
    put_to_worker_links(WorkerLink::ChangeTarget{std::move(*target)});
}

// ---- Events of the connections ------------------------------------------------------------------

void Service::serve_worker_links() {
  auto target = worker_links_ ? shards_.redis_target() : std::nullopt;
  if (!target) return;
  if (std::exchange(are_worker_links_served_, true) && shards_.is_cluster()) {
    put_to_worker_links(WorkerLink::Moved{std::move(*target)});
  } else {
    put_to_worker_links(WorkerLink::Serve{std::move(*target)});
  }
}

void Service::on_shard_up() {
  if (!shards_.is_cluster() || !are_worker_links_served_) serve_worker_links();
  instances_.on_connected();
}

void Service::on_redis_target() {
  if (are_worker_links_served_) serve_worker_links();
}

void Service::on_shard_down(std::string_view why) {
  has_failed_ = true;
  if (shards_.is_cluster()) {
    // Worker links have connections of their own to the other masters.
    if (shards_.is_any_up()) return;
    queries_.fail_all(Status::unavailable, why);
    if (std::exchange(are_worker_links_served_, false))
      put_to_worker_links(WorkerLink::Leave{std::string(why)});
    return;
  }
  if (std::exchange(are_worker_links_served_, false))
    put_to_worker_links(WorkerLink::Leave{std::string(why)});
  peers_.on_disconnected();
  queries_.fail_all(Status::unavailable, why);
}

void Service::on_subscription_lost(std::string_view) {
  peers_.on_disconnected();
}

void Service::on_batch(std::string_view batch) {
  peers_.on_batch(batch);
}

void Service::on_credentials(std::string_view refusal) {
  if (refusal.empty()) {
    change_worker_links_target();
    context_.host.log(LogLevel::info, "REDIS_URL: Redis accepted the new user and password");
  } else {
    context_.host.log(LogLevel::error, "REDIS_URL: Redis refused the new user and password (" +
                                           std::string(refusal) +
                                           "); the previous ones stay in "
                                           "use");
  }
}

}  // namespace crolang::redis_registry
