#include "net/worker.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "net/memory_reserve.hpp"
#include "net/request_log.hpp"
#include "net/wire.hpp"
#include "telemetry/log.hpp"
#include "telemetry/throttle.hpp"

namespace crolang::net {

using session::End;
using session::EndReason;
using session::Session;
using session::SessionHandle;
using session::State;
using telemetry::Counter;
namespace log = telemetry::log;

namespace {

constexpr std::size_t kReadBuffer = 256 * 1024;
// Below this an incomplete frame is copied in front of what is read next; above it is read to where
// it is kept.
constexpr std::size_t kCopyHeld = 16 * 1024;
constexpr std::size_t kFlushAt = 256 * 1024;
// What was just read from is written to while the processor's caches still have it, and while the
// blocks of its queue are those that ByteQueue keeps. Enough of them for bursts to come together.
constexpr std::size_t kFlushOutlets = 64;
// So that the registry's own thread can begin while this one goes on reading.
constexpr std::size_t kFlushQuestions = 64;
constexpr std::size_t kMaxOpenQuestions = 65536;
constexpr int kMaxEvents = 512;
constexpr int kMaxAccepts = 64;
// Requests that are answered before anything else is read. Whoever sends more at a time is not
// waiting for answers.
constexpr int kMaxPipelined = 16;
// What may wait for a connection that is no node before it is not read from any more. Answers to
// requests are larger, but there is one at a time.
constexpr std::size_t kMaxUnreadAnswers = 4 * 1024;
// Nobody is ended for memory who holds less.
constexpr std::size_t kWorthEnding = 4 * 1024;
// Of a closing connection: a control frame or the beginning of one.
constexpr std::size_t kWorthKeeping = 256;
constexpr std::size_t kNoteTakenIn = 256 * 1024;

// As long as the peer gives its nodes to answer a close frame.
constexpr auto kCloseTimeout = std::chrono::seconds(30);
// What a client still sends after our last byte is read for this long, so that no reset overtakes
// that byte.
constexpr auto kLinger = std::chrono::seconds(2);
// Between two requests on one connection; the answers say so.
constexpr auto kKeepAlive = std::chrono::seconds(5);
constexpr auto kSilence = std::chrono::seconds(1);
// After a connection could not be accepted. It waits in the kernel's queue and would wake this loop
// again and again.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
// More of what a node has sent is read than one reading takes before its time-out is judged, but
// not for ever.
constexpr auto kUnreadGrace = std::chrono::seconds(1);
// How long a node is not read from that asks for more than it is answered.
constexpr auto kRest = std::chrono::milliseconds(250);
// Between two times that memory is freed, so that all workers have said what they hold.
constexpr auto kBetweenReliefs = std::chrono::milliseconds(10);
// The leases of the last sessions are given back before the plugins are stopped.
constexpr auto kStopTimeout = std::chrono::seconds(1);

constexpr std::uint64_t kListenerKey = ~std::uint64_t{0};
constexpr std::uint64_t kWakeKey = kListenerKey - 1;

std::uint64_t key_of(SessionHandle handle) {
  return std::uint64_t{handle.slot} << 32 | handle.generation;
}

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

Counter counter_of(modules::CallFault fault, modules::Question question) {
  using telemetry::PluginEvent;
  using telemetry::PluginKind;
  PluginKind kind = PluginKind::registry;
  switch (question) {
    case modules::Question::authenticate:
      kind = PluginKind::authentication;
      break;
    case modules::Question::authorize:
      kind = PluginKind::authorization;
      break;
    case modules::Question::resolve_rtc:
      kind = PluginKind::rtc_config;
      break;
    case modules::Question::check_validity:
      kind = PluginKind::validity;
      break;
    default:
      break;
  }
  switch (fault) {
    case modules::CallFault::timed_out:
      return telemetry::plugin_counter(kind, PluginEvent::timeout);
    case modules::CallFault::late:
      return telemetry::plugin_counter(kind, PluginEvent::late_answer);
    case modules::CallFault::answered_twice:
      return telemetry::plugin_counter(kind, PluginEvent::double_answer);
    case modules::CallFault::too_many_open:
      return telemetry::plugin_counter(kind, PluginEvent::over_bound);
    default:
      return telemetry::plugin_counter(kind, PluginEvent::failed);
  }
}

const char* words_of(modules::CallFault fault) {
  switch (fault) {
    case modules::CallFault::timed_out:
      return "a plugin did not answer in time";
    case modules::CallFault::late:
      return "a plugin answered after its deadline";
    case modules::CallFault::answered_twice:
      return "a plugin answered a question twice";
    case modules::CallFault::too_many_open:
      return "too many questions are open with a plugin";
    case modules::CallFault::slow:
      return "a plugin held up a worker for more than 5 ms";
    case modules::CallFault::could_not_ask:
      return "a module could not answer";
  }
  return "";
}

int socket_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

void log_not_accepted(int error, TimePoint now) {
  static telemetry::Throttle throttle{1};
  const auto suppressed = throttle.admit(now);
  if (!suppressed) return;
  const bool lacks_files = error == EMFILE || error == ENFILE;
  log::fault(lacks_files ? "a connection could not be accepted: raise the limit of open files "
                           "(ulimit -n, LimitNOFILE, --ulimit nofile)"
                         : "a connection could not be accepted",
             {{"why", std::strerror(error)}, {"suppressed", *suppressed}});
}

}  // namespace

modules::CallDesk::Hooks Worker::desk_hooks(Worker& worker) {
  return {
      [&worker] { worker.wake(); },
      [&worker] { return worker.sleeps_.load(std::memory_order_relaxed); },
      [&worker](session::DirtyList& dirty) {
        worker.grid_.workers.flush(dirty);
        // At once, since the worker may sleep for long.
        worker.grid_.counters.add(Counter::ack_ok);
      },
      [&worker](modules::CallFault fault, modules::Question question, const std::string& plugin,
                std::string_view detail) {
        if (fault != modules::CallFault::slow)
          worker.plugin_faults_.add(counter_of(fault, question));
        // One for each, so that a flood of one hides no other.
        static telemetry::Throttles<std::size_t, modules::kQuestions * modules::kCallFaults>
            throttles{10};
        const auto suppressed =
            throttles.admit(static_cast<std::size_t>(question) * modules::kCallFaults +
                                static_cast<std::size_t>(fault),
                            std::chrono::steady_clock::now());
        if (!suppressed) return;
        log::fault(words_of(fault), {{"plugin", plugin.empty() ? "built in" : plugin},
                                     {"question", modules::question_name(question)},
                                     {"detail", detail},
                                     {"suppressed", *suppressed}});
      },
      [&worker](const std::string& id, std::uint64_t token) {
        worker.broker_.admissions().release(id, token);
      },
      [&worker](const SessionHandle& session) {
        worker.on_bad_alloc();
        if (const Session* starved = worker.find(session)) {
          worker.end(*worker.connections_[starved->handle().slot], EndReason::out_of_memory);
        }
      },
  };
}

Worker::Worker(std::uint16_t index, broker::Grid& grid, Pages& pages, const session::Limits& limits,
               std::chrono::milliseconds plugin_timeout, int listener)
    : index_(index),
      grid_(grid),
      pages_(pages),
      limits_(limits),
      listener_(listener),
      epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      event_(checked(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")),
      now_(std::chrono::steady_clock::now()),
      wheel_(now_),
      desk_(desk_hooks(*this), kMaxOpenQuestions),
      clients_(grid.modules, desk_, plugin_timeout),
      broker_(grid, clients_, *this, limits, counters_),
      buffer_(kReadBuffer) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeKey;
  checked(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, event_.get(), &event), "epoll_ctl");
  checked(watch_listener(), "epoll_ctl");
}

Worker::~Worker() {
  bury_ended();
}

void Worker::wake() {
  const std::uint64_t one = 1;
  // Fails only if the counter is full, and then the worker is awake.
  [[maybe_unused]] const ssize_t n = ::write(event_.get(), &one, sizeof one);
}

void Worker::post(Task task) {
  if (mailbox_.push(std::move(task))) wake();
}

void Worker::stop() {
  for (auto& connection : connections_) {
    if (connection) end(*connection, EndReason::shutdown);
  }
  stop_by_ = now_ + kStopTimeout;
}

bool Worker::is_done() const {
  return stop_by_ && (desk_.open() == 0 || now_ >= *stop_by_);
}

void Worker::run() {
  MemoryReserve reserve;
  std::array<epoll_event, kMaxEvents> events;
  while (!is_done()) {
    sleeps_.store(true, std::memory_order_relaxed);
    const int count = ::epoll_wait(epoll_.get(), events.data(), kMaxEvents, wait_time());
    sleeps_.store(false, std::memory_order_relaxed);
    now_ = std::chrono::steady_clock::now();
    const auto ready = static_cast<std::size_t>(std::max(count, 0));
    gate_.wake(now_, due_, ready, kMaxEvents, load());
    broker_.set_now(now_);
    survives([this] { desk_.collect(); });
    for (std::size_t i = 0; i < ready; ++i) {
      serve(events[i]);
      const session::DirtyList& dirty = broker_.bench().dirty;
      if (dirty.outlets.size() >= kFlushOutlets || dirty.bytes >= kFlushAt) flush_dirty();
      if (clients_.unflushed() >= kFlushQuestions) clients_.flush();
    }
    if (accept_again_ && now_ >= *accept_again_) {
      accept_again_.reset();
      if (watch_listener() != 0) pause_accepting(errno);
    }
    survives([this] { broker_.tick(); });
    wake_rested();
    if (gate_.may_judge(now_)) judge_timeouts();
    watch_memory();
    flush_dirty();
    end_finished();
    bury_ended();
    clients_.flush();
    // Taken again as soon as there is memory for it.
    reserve.refill();
    due_ = due();
  }
}

void Worker::serve(const epoll_event& event) {
  if (event.data.u64 == kListenerKey) {
    survives([this] { accept_ready(); });
    return;
  }
  if (event.data.u64 == kWakeKey) {
    std::uint64_t ignored = 0;
    [[maybe_unused]] const ssize_t n = ::read(event_.get(), &ignored, sizeof ignored);
    mailbox_.collect([this](Task& task) { survives([&] { task(*this); }); });
    survives([this] { desk_.collect(); });
    return;
  }
  const auto slot = static_cast<std::uint32_t>(event.data.u64 >> 32);
  Connection* connection = connections_[slot].get();
  // It ended earlier in this turn.
  if (connection == nullptr || key_of(connection->handle) != event.data.u64) return;
  const bool survived = survives([&] {
    if ((event.events & EPOLLOUT) != 0) write_ready(*connection);
    if (connection->gone) return;
    if ((event.events & EPOLLIN) != 0) {
      read_ready(*connection);
    } else if ((event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
      // Nothing is read now, so nothing else would notice that the other side is gone. What one
      // that rests has sent before that is read all the same.
      if (connection->resting) {
        read_ready(*connection);
      } else {
        end(*connection, session::end_of_tcp(socket_error(connection->fd)));
      }
    }
  });
  if (!survived) end(*connection, EndReason::out_of_memory);
  account(*connection);
}

void Worker::rest(Session& session) {
  Connection& connection = *connections_[session.handle().slot];
  if (connection.resting) return;
  resting_.push_back({now_ + kRest, connection.handle});
  connection.resting = true;
  set_reading(*connection.outlet, Reading::off);
}

void Worker::wake_rested() {
  while (!resting_.empty() && resting_.front().until <= now_) {
    const SessionHandle handle = resting_.front().handle;
    resting_.pop_front();
    Connection* connection = connections_[handle.slot].get();
    if (connection == nullptr || connection->handle != handle) continue;
    connection->resting = false;
    set_reading(*connection->outlet, Reading::on);
  }
}

void Worker::judge_timeouts() {
  survives([this] { broker_.judge_nodes(); });
  wheel_.advance(now_, [this](TimerNode& node) {
    auto& connection = static_cast<Connection&>(node);
    if (!survives([&] { on_timer(connection); })) end(connection, EndReason::out_of_memory);
    account(connection);
  });
}

TimePoint Worker::due() const {
  TimePoint next = gate_.next(now_, std::min(wheel_.next(), broker_.nodes_due()));
  next = std::min(next, broker_.work_due());
  if (stop_by_) next = std::min(next, *stop_by_);
  if (accept_again_) next = std::min(next, *accept_again_);
  if (!resting_.empty()) next = std::min(next, resting_.front().until);
  return next;
}

int Worker::wait_time() const {
  if (desk_.has_arrived()) return 0;
  const TimePoint next = due_;
  if (next == TimePoint::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now_).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

// ---- accepting

int Worker::watch_listener() {
  // All workers wait for the one listening socket; the kernel wakes one of them.
  epoll_event event{};
  event.events = EPOLLIN | EPOLLEXCLUSIVE;
  event.data.u64 = kListenerKey;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener_, &event);
}

void Worker::accept_ready() {
  for (int i = 0; i < kMaxAccepts; ++i) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) pause_accepting(errno);
      return;
    }
    Descriptor socket(fd);
    if (pages_.is_overfull() && !make_room()) {
      counters_.add(Counter::accept_errors);
      log_not_accepted(EMFILE, now_);
      continue;
    }
    const std::uint16_t target = pages_.choose_worker(index_);
    if (target == index_) {
      adopt(std::move(socket));
    } else {
      pages_.hand_over(std::move(socket), target);
    }
  }
}

bool Worker::make_room() {
  const auto stranger =
      strangers_.take_idle([this](SessionHandle handle) { return kind_of(handle); });
  if (!stranger) return false;
  counters_.add(Counter::closed_for_room);
  static telemetry::Throttle throttle{1};
  if (const auto suppressed = throttle.admit(now_)) {
    log::warning("no room for another connection: one that is no node was ended for it",
                 {{"suppressed", *suppressed}});
  }
  end(*connections_[stranger->slot], EndReason::room);
  return true;
}

Strangers::Kind Worker::kind_of(SessionHandle handle) const {
  const Connection* connection = connections_[handle.slot].get();
  if (connection == nullptr || connection->handle != handle) return Strangers::Kind::gone_or_node;
  if (!may_be_node(*connection)) return Strangers::Kind::idle;
  const bool joined =
      connection->phase == Phase::open && connection->session->state() == State::joined;
  return joined ? Strangers::Kind::gone_or_node : Strangers::Kind::busy;
}

bool Worker::may_be_node(const Connection& connection) {
  if (connection.phase == Phase::admitting) return true;
  if (connection.phase != Phase::open) return false;
  const State state = connection.session->state();
  // Who waits without a lease was refused, or has left.
  const bool refused = state == State::waiting && connection.session->token() == 0;
  return state != State::closing && !refused;
}

void Worker::count(Connection& connection) {
  const bool is_node = !connection.gone && may_be_node(connection);
  if (is_node == connection.is_node) return;
  connection.is_node = is_node;
  if (is_node) {
    nodes_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  nodes_.fetch_sub(1, std::memory_order_relaxed);
  if (connection.gone) return;
  strangers_.add(connection.handle, [this](SessionHandle each) { return kind_of(each); });
}

void Worker::pause_accepting(int error) {
  counters_.add(Counter::accept_errors);
  log_not_accepted(error, now_);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener_, nullptr);
  accept_again_ = now_ + kAcceptPause;
}

void Worker::receive(Descriptor socket) {
  // It counts from now on: who chooses a worker looks at it.
  load_.fetch_add(1, std::memory_order_relaxed);
  try {
    // Shared only because a task is copied; closed with the task if that never runs.
    post([held = std::make_shared<Descriptor>(std::move(socket))](Worker& worker) {
      worker.load_.fetch_sub(1, std::memory_order_relaxed);
      worker.adopt(std::move(*held));
    });
  } catch (const std::bad_alloc&) {
    load_.fetch_sub(1, std::memory_order_relaxed);
    throw;
  }
}

void Worker::adopt(Descriptor socket) {
  if (stop_by_) return;
  if (free_slots_.empty()) {
    if (connections_.size() == session::OutletTable::kMaxSlots) {
      counters_.add(Counter::accept_errors);
      return;
    }
    // Whatever ends a connection must not need memory for it.
    if (connections_.size() == connections_.capacity()) {
      const std::size_t capacity = 2 * connections_.size() + kMaxAccepts;
      free_slots_.reserve(capacity);
      connections_.reserve(capacity);
    }
    connections_.emplace_back();
    free_slots_.push_back(static_cast<std::uint32_t>(connections_.size() - 1));
  }
  const std::uint32_t slot = free_slots_.back();
  auto connection = std::make_unique<Connection>();
  session::Outlet& outlet = grid_.outlets.table(index_).ensure(slot);
  free_slots_.pop_back();
  const int fd = socket.release();
  connection->outlet = &outlet;
  connection->fd = fd;
  session::Outlet::Wire wire;
  wire.fd = fd;
  wire.epoll = epoll_.get();
  wire.interest = EPOLLIN | EPOLLRDHUP;
  wire.max_backlog = kMaxUnreadAnswers;
  const std::uint32_t generation = outlet.open(wire);
  connection->handle = {slot, generation, index_};
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP;
  event.data.u64 = key_of(connection->handle);
  outlet.with_wire([&](session::Outlet::Wire& w, session::ByteQueue&) { w.key = event.data.u64; });
  load_.fetch_add(1, std::memory_order_relaxed);
  counters_.add(Counter::connections_opened);
  connection->end_by = now_ + limits_.handshake_timeout;
  Connection& reference = *connection;
  connections_[slot] = std::move(connection);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    end(reference, EndReason::out_of_memory);
    return;
  }
  reschedule(reference);
  if (!survives([&] {
        strangers_.add(reference.handle, [this](SessionHandle each) { return kind_of(each); });
      })) {
    end(reference, EndReason::out_of_memory);
  }
}

// ---- reading

void Worker::read_ready(Connection& connection) {
  std::string& held = connection.held;
  const std::size_t before = held.size();
  char* into = buffer_.data();
  std::size_t room = buffer_.size();
  const bool in_place = before >= kCopyHeld;
  if (in_place) {
    // Grows with what arrives, not with what a header announces.
    const std::size_t more = std::clamp<std::size_t>(connection.needed - before, 4096, before);
    held.resize(before + more);
    into = held.data() + before;
    room = more;
  } else if (before != 0) {
    std::memcpy(into, held.data(), before);
    into += before;
    room -= before;
  }
  ssize_t n = 0;
  do {
    n = ::recv(connection.fd, into, room, 0);
  } while (n < 0 && errno == EINTR);
  if (in_place) held.resize(before + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
  if (n <= 0) {
    end(connection, session::end_of_tcp(n == 0 ? 0 : errno));
    return;
  }
  const auto arrived = static_cast<std::size_t>(n);
  connection.unread = arrived == room;
  counters_.add(Counter::bytes_received, arrived);
  taken_in_ += arrived;
  if (connection.session) connection.session->heard(broker_.bench(), arrived);
  if (connection.skipping) {
    const std::size_t skipped = std::min<std::size_t>(connection.needed, arrived);
    connection.needed -= static_cast<std::uint32_t>(skipped);
    connection.skipping = connection.needed != 0;
    if (skipped < arrived) take(connection, {into + skipped, arrived - skipped});
    return;
  }
  const std::size_t total = before + arrived;
  if (total < connection.needed) {
    if (!in_place) held.append(into, arrived);
    return;
  }
  if (in_place) {
    std::string bytes = std::exchange(held, std::string());
    take(connection, bytes);
  } else {
    held.clear();
    take(connection, {buffer_.data(), total});
  }
}

void Worker::take(Connection& connection, std::span<char> bytes) {
  switch (connection.phase) {
    case Phase::request:
      on_request(connection, bytes);
      break;
    case Phase::admitting:
      keep(connection, {bytes.data(), bytes.size()});
      break;
    case Phase::open:
      on_open_bytes(connection, bytes);
      break;
    case Phase::finishing:
    case Phase::lingering:
      break;
  }
}

void Worker::keep(Connection& connection, std::string_view rest) {
  if (rest.size() > connection.held.capacity()) {
    // As much as there is and no more: strings that grow take twice that.
    connection.held = std::string(rest);
  } else if (!rest.empty()) {
    connection.held.assign(rest);
  } else if (connection.held.capacity() > 64) {
    connection.held = std::string();
  }
}

void Worker::let_go(Connection& connection) {
  connection.held = std::string();
  connection.needed = 0;
  connection.skipping = false;
}

void Worker::account(Connection& connection) {
  std::size_t bytes = 0;
  if (!connection.gone) {
    // What is inside the string itself is part of the connection.
    if (connection.held.capacity() > 64) bytes += connection.held.capacity();
    if (connection.session) bytes += connection.session->held_bytes();
  }
  if (bytes == connection.accounted) return;
  const std::uint64_t sum = inbound_bytes_.load(std::memory_order_relaxed);
  inbound_bytes_.store(sum + bytes - connection.accounted, std::memory_order_relaxed);
  connection.accounted = static_cast<std::uint32_t>(bytes);
}

void Worker::on_open_bytes(Connection& connection, std::span<char> bytes) {
  const Session::Intake intake = connection.session->receive(broker_.bench(), bytes, now_);
  if (connection.gone) return;
  connection.skipping = intake.skip != 0;
  connection.needed = static_cast<std::uint32_t>(intake.needed + intake.skip);
  const auto rest = bytes.subspan(intake.consumed);
  keep(connection, {rest.data(), rest.size()});
  settle(connection);
}

// ---- HTTP

void Worker::on_request(Connection& connection, std::span<char> bytes) {
  std::string_view text(bytes.data(), bytes.size());
  connection.needed = 0;
  for (int answered = 0;; ++answered) {
    text = without_leading_empty_lines(text);
    const std::size_t end_of_header = text.find("\r\n\r\n");
    if (end_of_header == std::string_view::npos || end_of_header + 4 > kMaxHeaderBytes) break;
    if (answered == kMaxPipelined || connection.outlet->waiting() > kMaxUnreadAnswers) {
      log_refusal({RequestFault::pipelined}, 0, now_);
      finish(connection);
      return;
    }
    const std::string_view header = text.substr(0, end_of_header + 4);
    text.remove_prefix(header.size());
    on_header(connection, header, text);
    if (connection.gone || connection.phase != Phase::request) return;
  }
  if (const auto fault = foreign_protocol(text)) {
    refuse(connection, 400, {*fault});
  } else if (text.size() > kMaxHeaderBytes) {
    refuse(connection, 431, {RequestFault::header_too_large});
  } else if (!text.empty()) {
    connection.needed = static_cast<std::uint32_t>(text.size() + 1);
    keep(connection, text);
  }
}

void Worker::on_header(Connection& connection, std::string_view header, std::string_view rest) {
  Decision decision = decide(header);
  if (auto* request = std::get_if<UpgradeRequest>(&decision)) {
    upgrade(connection, std::move(*request), rest);
  } else if (const auto* response = std::get_if<Response>(&decision)) {
    if (response->status == 400 || response->status == 431) counters_.add(Counter::violation_http);
    if (response->refusal) log_refusal(*response->refusal, response->status, now_);
    respond(connection, *response);
  } else if (const auto* request_for = std::get_if<PageRequest>(&decision)) {
    Response page = pages_.render(*request_for);
    page.part = request_for->part;
    if (page.status == 404) log_refusal({RequestFault::metrics_off}, page.status, now_);
    respond(connection, page);
  } else {
    connection.phase = Phase::lingering;
    const auto& silence = std::get<Silence>(decision);
    log_refusal(silence.refusal, 0, now_);
    const bool now = silence.when == Silence::When::now;
    connection.end_by = now ? now_ : now_ + kSilence;
    if (now) {
      end(connection, EndReason::asked_to_retry);
    } else {
      reschedule(connection);
    }
  }
}

void Worker::upgrade(Connection& connection, UpgradeRequest request, std::string_view rest) {
  // RFC 6455 4.1: a node waits for the 101. What comes before is kept while the node is admitted.
  if (rest.size() > session::kMaxEarlyBytes) {
    refuse(connection, 400, {RequestFault::early_frames, {}, std::string(request.identity.id())});
    return;
  }
  // These may be frames already; and the admission may be over before this returns.
  keep(connection, rest);
  connection.response = std::make_unique<std::string>(std::move(request.response));
  connection.session.emplace(connection.handle, *connection.outlet, std::move(request.identity));
  connection.phase = Phase::admitting;
  sessions_.fetch_add(1, std::memory_order_relaxed);
  broker_.admit(*connection.session);
  if (connection.phase != Phase::admitting) return;
  // The answer takes time. Until then only the node's leaving matters.
  set_reading(*connection.outlet, Reading::off);
  reschedule(connection);
}

void Worker::open_transport(Session& session) {
  Connection& connection = *connections_[session.handle().slot];
  counters_.add(Counter::http_1xx);
  write(connection, *connection.response);
  connection.response.reset();
  connection.phase = Phase::open;
  session.open(broker_.bench(), now_);
  // Others fill it to the limit, only its own answers take it further. So once it is back at the
  // limit, where they cannot hold it up, it is read from again.
  connection.outlet->with_wire([this](session::Outlet::Wire& wire, session::ByteQueue&) {
    wire.max_backlog = 2 * limits_.max_outbox_bytes;
  });
  set_reading(*connection.outlet, Reading::on);
  std::string early = std::exchange(connection.held, std::string());
  session.heard(broker_.bench(), early.size());
  on_open_bytes(connection, early);
}

void Worker::refuse_transport(Session& session, broker::Trouble trouble) {
  Connection& connection = *connections_[session.handle().slot];
  // Nodes try again every two seconds whatever is said here; others may heed it.
  respond(connection,
          make_response(503, After::close, {"text/plain; charset=utf-8", text_of(trouble)},
                        "Retry-After: 2\r\n"));
}

void Worker::refuse(Connection& connection, unsigned status, const RequestRefusal& refusal) {
  counters_.add(Counter::violation_http);
  log_refusal(refusal, status, now_);
  respond(connection, make_response(status, After::close));
}

void Worker::respond(Connection& connection, const Response& response) {
  counters_.add(telemetry::http_counter(response.status));
  write(connection, bytes_of(response));
  connection.answered = true;
  set_reading(*connection.outlet, Reading::on);
  if (response.after == After::close) {
    finish(connection);
    return;
  }
  connection.end_by = now_ + kKeepAlive;
  reschedule(connection);
}

// ---- ending

void Worker::settle(Connection& connection) {
  if (connection.phase != Phase::open) return;
  count(connection);
  if (connection.session->state() == State::closing) {
    if (connection.session->ending() == session::Ending::finish) {
      finish(connection);
      return;
    }
    if (connection.end_by == TimePoint::max()) connection.end_by = now_ + kCloseTimeout;
    // The rest of a message that nobody will handle.
    if (connection.needed > connection.held.size() && connection.held.size() > kWorthKeeping) {
      const auto left = connection.needed - static_cast<std::uint32_t>(connection.held.size());
      let_go(connection);
      connection.needed = left;
      connection.skipping = true;
    }
  } else {
    connection.end_by = TimePoint::max();
  }
  reschedule(connection);
}

void Worker::finish(Connection& connection) {
  connection.phase = Phase::finishing;
  connection.end_by = now_ + kCloseTimeout;
  let_go(connection);
  count(connection);
  finishing_.push_back(connection.handle);
  reschedule(connection);
}

void Worker::end_finished() {
  for (const SessionHandle handle : finishing_) {
    Connection* connection = connections_[handle.slot].get();
    if (connection == nullptr || connection->handle != handle) continue;
    // Else write_ready lists it again.
    if (!drained_or_await(*connection->outlet)) continue;
    ::shutdown(connection->fd, SHUT_WR);
    connection->phase = Phase::lingering;
    connection->end_by = now_ + kLinger;
    reschedule(*connection);
  }
  finishing_.clear();
}

void Worker::end(Connection& connection, const End& why) {
  if (connection.gone) return;
  connection.gone = true;
  if (connection.session) {
    // A session that never got its 101 has been told why.
    const bool was_refused =
        connection.session->state() == State::admitting && connection.phase != Phase::admitting;
    const End reason = was_refused ? End(EndReason::asked_to_retry) : why;
    // Should even this fail, its lease is found to be nobody's by whoever claims it next.
    survives([&] { connection.session->drop(broker_.bench(), reason); });
    sessions_.fetch_sub(1, std::memory_order_relaxed);
  }
  count(connection);
  account(connection);
  wheel_.cancel(connection);
  connection.outlet->close([](const session::Outlet::Wire& wire) {
    if (wire.fd >= 0) ::close(wire.fd);
  });
  counters_.add(Counter::connections_closed);
  load_.fetch_sub(1, std::memory_order_relaxed);
  const std::uint32_t slot = connection.handle.slot;
  // It may be anywhere on the call stack: it dies at the end of the turn.
  connection.next = std::exchange(ended_, connections_[slot].release());
  free_slots_.push_back(slot);
}

void Worker::bury_ended() {
  while (ended_ != nullptr) {
    const std::unique_ptr<Connection> buried(ended_);
    ended_ = static_cast<Connection*>(buried->next);
  }
}

void Worker::drain(std::size_t may_stay) {
  const std::size_t there = nodes();
  std::size_t to_leave = there - std::min(there, may_stay);
  // First of all who they are, since what is told to them may change the connections.
  std::vector<Connection*> leaving;
  for (const auto& connection : connections_) {
    if (!connection || !is_open(*connection)) continue;
    if (connection->is_node && to_leave == 0) continue;
    if (connection->is_node) --to_leave;
    leaving.push_back(connection.get());
  }
  for (Connection* connection : leaving) {
    if (connection->phase == Phase::admitting) {
      broker_.admissions().cancel(connection->handle);
      refuse_transport(*connection->session, broker::Trouble::draining);
    } else {
      broker_.shut_down(*connection->session);
    }
  }
}

bool Worker::is_open(const Connection& connection) {
  if (connection.phase == Phase::admitting) return true;
  return connection.phase == Phase::open && connection.session->state() != State::closing;
}

// ---- time

void Worker::on_timer(Connection& connection) {
  if (connection.phase == Phase::open && connection.session->state() != State::closing) {
    // The answer that is waited for may be among what is still to be read.
    if (connection.unread && now_ < connection.session->deadline() + kUnreadGrace) {
      wheel_.schedule(connection, now_);
      return;
    }
    connection.session->tick(broker_.bench(), now_);
    settle(connection);
    return;
  }
  if (now_ < connection.end_by) {
    reschedule(connection);
    return;
  }
  const bool is_idle = connection.answered && connection.held.empty();
  if (connection.phase == Phase::request && !is_idle) {
    counters_.add(Counter::closed_handshake_timeout);
    log_refusal({RequestFault::incomplete, std::to_string(limits_.handshake_timeout.count())}, 0,
                now_);
  }
  // Who is on the way out has been told why, or ended it itself.
  end(connection, EndReason::asked_to_retry);
}

void Worker::reschedule(Connection& connection) {
  if (connection.gone) return;
  TimePoint due = connection.end_by;
  if (connection.phase == Phase::admitting) {
    due = TimePoint::max();  // its questions have deadlines of their own
  } else if (connection.phase == Phase::open) {
    due = std::min(due, connection.session->deadline());
  }
  wheel_.schedule(connection, due);
}

// ---- memory

template <class Function>
bool Worker::survives(Function&& function) {
  try {
    function();
    return true;
  } catch (const std::bad_alloc&) {
    on_bad_alloc();
    return false;
  }
}

void Worker::on_bad_alloc() noexcept {
  counters_.add(Counter::out_of_memory);
  static telemetry::Throttle throttle{1};
  const auto suppressed = throttle.admit(now_);
  if (!suppressed) return;
  try {
    log::fault(
        "the system gave no memory, which costs a connection: raise the limit of the process, "
        "or lower MAX_MEMORY_BYTES so that nobody new is let in before",
        {{"suppressed", *suppressed}});
  } catch (const std::bad_alloc&) {
    // It is counted.
  }
}

std::size_t Worker::holding(Connection& connection) {
  std::size_t bytes = connection.accounted + connection.outlet->waiting();
  if (connection.session) bytes += broker_.waiting_bytes(*connection.session);
  return bytes;
}

void Worker::watch_memory() {
  MemoryBudget& memory = pages_.memory();
  if (taken_in_ >= kNoteTakenIn) memory.note(std::exchange(taken_in_, 0));
  memory.refresh(now_);
  if (memory.level() != MemoryBudget::Level::exhausted || now_ < relieve_at_) return;
  relieve_at_ = now_ + kBetweenReliefs;
  survives([&] { relieve(memory); });
}

void Worker::relieve(MemoryBudget& memory) {
  struct Holder {
    std::size_t bytes;
    Connection* connection;
  };
  std::vector<Holder> holders;
  for (const auto& connection : connections_) {
    if (!connection) continue;
    const std::size_t bytes = holding(*connection);
    if (bytes >= kWorthEnding) holders.push_back({bytes, connection.get()});
  }
  std::ranges::sort(holders, std::greater(), &Holder::bytes);
  largest_holding_.store(holders.empty() ? 0 : holders.front().bytes, std::memory_order_relaxed);
  // Those who hold about as much as the largest of all workers; the others are left alone.
  const std::size_t enough = pages_.largest_holding() / 4;
  bool has_freed = false;
  for (const Holder& holder : holders) {
    if (holder.bytes < enough || memory.excess() == 0) break;
    // At once, so that no other worker frees the same once more.
    memory.forget(holder.bytes);
    has_freed = true;
    counters_.add(Counter::closed_memory);
    static telemetry::Throttle throttle{5};
    if (const auto suppressed = throttle.admit(now_)) {
      const auto& session = holder.connection->session;
      log::fault("more than MAX_MEMORY_BYTES are in use: the connection that held most was ended",
                 {{"node", session ? session->id() : std::string_view()},
                  {"bytes", holder.bytes},
                  {"in_use", memory.used()},
                  {"limit", memory.limit()},
                  {"suppressed", *suppressed}});
    }
    end(*holder.connection, EndReason::memory);
  }
  bury_ended();
  if (has_freed) {
    // Else the next look would find as much in use as before, and somebody would be ended in vain.
    memory.trim(now_);
    return;
  }
  if (memory.excess() != 0) {
    static telemetry::Throttle throttle{1};
    if (const auto suppressed = throttle.admit(now_)) {
      log::fault(
          "more than MAX_MEMORY_BYTES are in use, though no connection holds much: nobody "
          "new is let in",
          {{"in_use", memory.used()}, {"limit", memory.limit()}});
    }
  }
  memory.trim_seldom(now_);
}

// ---- writing

void Worker::write(Connection& connection, std::string_view bytes) {
  connection.outlet->push_own(connection.handle.generation, bytes.size(), broker_.bench().dirty,
                              [&](char* out) { std::memcpy(out, bytes.data(), bytes.size()); });
}

void Worker::flush_dirty() {
  session::DirtyList& dirty = broker_.bench().dirty;
  std::size_t sent = 0;
  for (session::Outlet* outlet : dirty.outlets) sent += flush(*outlet);
  dirty.outlets.clear();
  dirty.bytes = 0;
  if (sent != 0) counters_.add(Counter::bytes_sent, sent);
}

void Worker::write_ready(Connection& connection) {
  const std::size_t sent = flush(*connection.outlet);
  counters_.add(Counter::bytes_sent, sent);
  if (connection.phase == Phase::finishing) finishing_.push_back(connection.handle);
}

// ---- LocalSessions

Session* Worker::find(SessionHandle handle) {
  if (handle.slot >= connections_.size()) return nullptr;
  Connection* connection = connections_[handle.slot].get();
  if (connection == nullptr || connection->handle != handle || !connection->session) return nullptr;
  return &*connection->session;
}

void Worker::touched(Session& session) {
  Connection* connection = connections_[session.handle().slot].get();
  if (connection == nullptr || connection->handle != session.handle()) return;
  settle(*connection);
  account(*connection);
}

std::optional<broker::Trouble> Worker::lack(Session& newcomer) {
  count(*connections_[newcomer.handle().slot]);
  if (pages_.memory().level() != MemoryBudget::Level::ample) return broker::Trouble::memory;
  switch (pages_.room()) {
    case Pages::Room::plenty:
      return std::nullopt;
    case Pages::Room::for_holders:
      // Its old connection may be half-open: if that is so it takes its own place.
      if (grid_.directory.find(newcomer.id())) return std::nullopt;
      return broker::Trouble::full;
    case Pages::Room::none:
      return broker::Trouble::full;
  }
  return broker::Trouble::full;
}

std::optional<std::uint64_t> Worker::backlog_progress(Session& session) {
  return net::backlog_progress(session.outlet());
}

}  // namespace crolang::net
