#include "net/worker.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "net/request_log.hpp"
#include "net/tls_scratch.hpp"
#include "net/transport.hpp"
#include "process/memory_reserve.hpp"
#include "telemetry/log.hpp"
#include "telemetry/throttle.hpp"

namespace crolang::net {

using broker::Node;
using process::MemoryBudget;
using session::End;
using session::EndReason;
using session::SessionHandle;
using telemetry::Counter;
namespace log = telemetry::log;

namespace {

constexpr std::size_t kFlushAt = 256 * 1024;
// Flush after so many outboxes: while the CPU's caches still hold them and their queues' blocks
// come from ByteQueue's cache, but late enough that bursts are written together.
constexpr std::size_t kFlushOutboxes = 64;
// Flush the registry after so many questions, so that its server can start on them while this
// worker goes on reading.
constexpr std::size_t kFlushQuestions = 256;
// If epoll has returned within this time, the thread did not sleep.
constexpr std::chrono::microseconds kNoSleep{5};
constexpr std::chrono::microseconds kLongestHold{500};
constexpr std::size_t kMaxOpenQuestions = 65536;
constexpr int kMaxEvents = 512;
constexpr int kMaxAccepts = 64;

// How long the worker waits for the leases of the last sessions to be released, before the plugins
// are stopped.
constexpr auto kStopTimeout = std::chrono::seconds(1);

constexpr std::uint64_t kListenerKey = ~std::uint64_t{0};
constexpr std::uint64_t kWakeKey = kListenerKey - 1;
constexpr std::uint64_t kPluginKey = kListenerKey - 2;
constexpr std::uint64_t kPlainListenerKey = kListenerKey - 3;

thread_local Worker* t_current = nullptr;

}  // namespace

Worker::Worker(const WorkerOptions& options, broker::SharedState& shared, WorkerHost& host,
               PluginLoop& plugin_loop)
    : index_(options.index),
      shared_(shared),
      host_(host),
      plugin_loop_(plugin_loop),
      epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      now_(std::chrono::steady_clock::now()),
      acceptor_(options.nodes_listener, ListenerIndex::nodes, options.listeners.nodes.clients,
                epoll_.get(), kListenerKey),
      accept_policy_(options.accept),
      memory_(counters_),
      calls_(call_hooks(*this), kMaxOpenQuestions),
      clients_(shared.modules, calls_, options.plugin_timeout),
      broker_(shared, clients_, *this, options.limits, counters_),
      driver_({shared.outboxes.table(index_), index_, epoll_.get(), broker_.context(),
               options.listeners, *this, accept_policy_, memory_},
              now_) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeKey;
  checked(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, event_.get(), &event), "epoll_ctl");
  event.data.u64 = kPluginKey;
  checked(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, plugin_loop.descriptor(), &event), "epoll_ctl");
  if (options.plain_listener >= 0) {
    plain_acceptor_.emplace(options.plain_listener, ListenerIndex::plain,
                            options.listeners.plain.clients, epoll_.get(), kPlainListenerKey);
  }
  int error = acceptor_.watch();
  if (error == 0 && plain_acceptor_) error = plain_acceptor_->watch();
  if (error != 0) throw std::system_error(error, std::generic_category(), "epoll_ctl");
}

// ---- commands

void Worker::put(Command command) {
  if (mailbox_.push(std::move(command))) wake();
}

void Worker::execute_commands() {
  event_.reset();
  mailbox_.collect([this](Command& command) {
    try_run([&] { std::visit([this](auto& each) { execute(each); }, command); });
  });
}

void Worker::execute(Adopt& command) {
  driver_.gauges().load.fetch_sub(1, std::memory_order_relaxed);
  adopt(std::move(command.accepted));
}

void Worker::execute(const Drain& command) {
  const std::size_t connected = nodes();
  std::size_t to_leave = connected - std::min(connected, command.may_stay);
  // They are collected first, since sending to them may change the connections.
  std::vector<DrivenConnection*> leaving;
  driver_.table().for_each([&](DrivenConnection& driven) {
    if (!driven.connection.is_to_be_drained() || (driven.is_node && to_leave == 0)) return;
    if (driven.is_node) --to_leave;
    leaving.push_back(&driven);
  });
  for (DrivenConnection* driven : leaving) {
    Connection& connection = driven->connection;
    if (connection.phase() == Connection::Phase::admitting) {
      broker_.admissions().cancel(connection.handle());
      refuse_transport(*connection.node(), broker::TemporaryFailure::draining);
    } else {
      broker_.shut_down(*connection.node());
    }
  }
}

void Worker::execute(const Stop&) {
  driver_.table().for_each(
      [this](DrivenConnection& driven) { driver_.end(driven, EndReason::shutdown); });
  stop_by_ = now_ + kStopTimeout;
}

// ---- the loop

bool Worker::is_done() const {
  return stop_by_ && (calls_.open() == 0 || now_ >= *stop_by_);
}

Worker* Worker::current() noexcept {
  return t_current;
}

void Worker::run() {
  t_current = this;
  process::MemoryReserve reserve;
  // Allocated now, while memory is available. Other errors were reported when the server started.
  if (driver_.serves_tls()) try_run([] { TlsScratch::of_this_thread(); });
  plugin_loop_.enter(epoll_.get());
  std::array<epoll_event, kMaxEvents> events;
  // Timers that were set before the start are due even if no connection ever wakes this worker.
  due_ = due();
  while (!is_done()) {
    sleeps_.store(true, std::memory_order_relaxed);
    const TimePoint before = std::chrono::steady_clock::now();
    const int count = ::epoll_wait(epoll_.get(), events.data(), kMaxEvents, wait_time());
    sleeps_.store(false, std::memory_order_relaxed);
    now_ = std::chrono::steady_clock::now();
    driver_.set_now(now_);
    const auto ready = static_cast<std::size_t>(std::max(count, 0));
    stalls_.wake(now_, due_, ready, kMaxEvents, load());
    broker_.set_now(now_);
    try_run([this] { calls_.collect(); });
    for (std::size_t i = 0; i < ready; ++i) {
      serve(events[i]);
      flush_if_much();
      if (clients_.unflushed() >= kFlushQuestions) clients_.flush();
    }
    run_plugin_timers();
    if (accept_policy_.may_resume(now_)) watch_listeners();
    try_run([this] { broker_.tick(); });
    driver_.resume_paused();
    if (stalls_.may_check(now_)) {
      try_run([this] { broker_.check_probes(); });
      driver_.check_timeouts();
    }
    watch_memory();
    flush_dirty();
    driver_.shut_down_flushed();
    driver_.reclaim();
    if (clients_.unflushed() != 0 && !may_hold_flush(before, ready)) {
      clients_.flush();
      flushed_at_ = now_;
      // Messages of other brokers, if the registry has found some.
      flush_dirty();
    }
    // If the reserve was given up, it is allocated again as soon as possible.
    reserve.refill();
    due_ = due();
  }
  clients_.flush();
  plugin_loop_.leave();
  t_current = nullptr;
}

/// A worker that is too busy to sleep delays the flush of the registry briefly, so that more is
/// sent at once. At low rates the registry is flushed at the end of each iteration.
bool Worker::may_hold_flush(TimePoint before_wait, std::size_t ready) const {
  return ready != 0 && now_ - before_wait < kNoSleep && now_ - flushed_at_ < kLongestHold;
}

void Worker::serve(const epoll_event& event) {
  if (event.data.u64 == kListenerKey) {
    try_run([this] { accept_ready(acceptor_); });
    return;
  }
  if (event.data.u64 == kPlainListenerKey) {
    try_run([this] { accept_ready(*plain_acceptor_); });
    return;
  }
  if (event.data.u64 == kWakeKey) {
    execute_commands();
    try_run([this] { calls_.collect(); });
    return;
  }
  const bool is_watch = PluginLoop::is_key(event.data.u64);
  if (is_watch || event.data.u64 == kPluginKey) {
    if (is_watch) {
      plugin_loop_.serve(event.data.u64, event.events);
    } else {
      plugin_loop_.run();
    }
    after_plugin_callbacks();
    return;
  }
  driver_.on_ready(event);
}

void Worker::run_plugin_timers() {
  if (now_ < plugin_loop_.next_timer()) return;
  plugin_loop_.run_timers();
  after_plugin_callbacks();
}

/// Their answers may lead to more questions, which are sent at the end of the iteration.
void Worker::after_plugin_callbacks() {
  try_run([this] { calls_.collect(); });
  clients_.note_callbacks();
}

TimePoint Worker::due() const {
  const TimePoint timeouts = std::min(driver_.next_timeout(), broker_.probes_due());
  TimePoint next = std::min(stalls_.next(now_, timeouts), broker_.work_due());
  next = std::min({next, driver_.next_wake(), plugin_loop_.next_timer()});
  if (stop_by_) next = std::min(next, *stop_by_);
  if (const auto resume_at = accept_policy_.resume_at()) next = std::min(next, *resume_at);
  return next;
}

int Worker::wait_time() const {
  if (calls_.has_arrived() || clients_.unflushed() != 0) return 0;
  const TimePoint next = due_;
  if (next == TimePoint::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now_).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void Worker::flush_if_much() {
  const session::DirtyList& dirty = broker_.context().dirty;
  if (dirty.outboxes.size() >= kFlushOutboxes || dirty.bytes >= kFlushAt) flush_dirty();
}

void Worker::flush_dirty() {
  session::DirtyList& dirty = broker_.context().dirty;
  if (dirty.outboxes.empty()) {
    dirty.bytes = 0;
    return;
  }
  const std::size_t sent = flush_all(dirty, epoll_.get());
  if (sent != 0) counters_.add(Counter::bytes_sent, sent);
}

// ---- accepting

void Worker::watch_listeners() {
  int error = acceptor_.watch();
  if (error == 0 && plain_acceptor_) error = plain_acceptor_->watch();
  if (error != 0) pause_accepting(error);
}

void Worker::accept_ready(Acceptor& acceptor) {
  // Accepting was paused earlier in this iteration.
  if (accept_policy_.resume_at()) return;
  for (int i = 0; i < kMaxAccepts; ++i) {
    auto [accepted, error] = acceptor.accept();
    if (accepted.socket.get() < 0) {
      if (error != 0) pause_accepting(error);
      return;
    }
    accepted.is_limited = accept_policy_.limits(accepted.peer);
    const auto result = accept_policy_.admit(accepted.peer, now_, accepted.counted);
    if (const auto fault = fault_of(result, counters_)) {
      log_refusal({*fault}, 0, accepted.peer, now_);
      reset(std::move(accepted.socket));
      continue;
    }
    switch (accept_policy_.decide(host_.open_connections())) {
      case AcceptPolicy::Decision::accept:
        break;
      case AcceptPolicy::Decision::make_room:
        if (make_room()) break;
        counters_.add(Counter::accept_errors);
        log_not_accepted(EMFILE, now_);
        continue;
    }
    const std::uint16_t target = host_.choose_worker(index_);
    if (target == index_) {
      adopt(std::move(accepted));
    } else {
      host_.pass_socket(std::move(accepted), target);
    }
  }
}

void Worker::pause_accepting(int error) {
  counters_.add(Counter::accept_errors);
  log_not_accepted(error, now_);
  acceptor_.unwatch();
  if (plain_acceptor_) plain_acceptor_->unwatch();
  accept_policy_.pause(now_);
}

bool Worker::make_room() {
  const auto evicted = accept_policy_.take_evictable(
      [this](SessionHandle handle) { return driver_.kind_of(handle); });
  if (!evicted) return false;
  counters_.add(Counter::closed_for_room);
  static telemetry::Throttle throttle{1};
  if (const auto suppressed = throttle.admit(now_)) {
    log::warning("file descriptor limit reached: closed a connection without a node",
                 {{"suppressed", *suppressed}});
  }
  driver_.end(driver_.table().at(*evicted), EndReason::room);
  return true;
}

void Worker::receive(AcceptedSocket accepted) {
  // Counted from now on, since choose_worker compares loads.
  driver_.gauges().load.fetch_add(1, std::memory_order_relaxed);
  try {
    // If the command is never executed, its destructor closes the socket.
    put(Adopt{std::move(accepted)});
  } catch (const std::bad_alloc&) {
    driver_.gauges().load.fetch_sub(1, std::memory_order_relaxed);
    throw;
  }
}

void Worker::adopt(AcceptedSocket accepted) {
  if (stop_by_) return;
  if (driver_.adopt(std::move(accepted)) == ConnectionDriver::Adopted::no_slot) {
    counters_.add(Counter::accept_errors);
  }
}

// ---- LocalSessions

Node* Worker::find(SessionHandle handle) {
  DrivenConnection* driven = driver_.table().find(handle);
  return driven == nullptr ? nullptr : driven->connection.node();
}

void Worker::refuse_transport(Node& node, broker::TemporaryFailure failure) {
  driver_.refuse(node, text_of(failure));
}

std::optional<broker::TemporaryFailure> Worker::capacity_failure(Node& node) {
  driver_.count(node);
  if (host_.memory().level() != MemoryBudget::Level::ample) {
    return broker::TemporaryFailure::memory;
  }
  switch (host_.room()) {
    case WorkerHost::Room::plenty:
      return std::nullopt;
    case WorkerHost::Room::for_holders:
      // Its old connection may be half-open; then the node replaces itself.
      if (shared_.directory.find(node.id())) return std::nullopt;
      return broker::TemporaryFailure::full;
    case WorkerHost::Room::none:
      return broker::TemporaryFailure::full;
  }
  return broker::TemporaryFailure::full;
}

client_address::Address Worker::client_of(const Node& node) {
  return driver_.table().at(node.handle()).connection.client();
}

std::optional<std::uint64_t> Worker::bytes_acked_while_queued(Node& node) {
  return net::bytes_acked_while_queued(node.outbox());
}

}  // namespace crolang::net
