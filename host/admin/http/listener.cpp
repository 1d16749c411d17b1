#include "admin/http/listener.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <new>
#include <utility>
#include <variant>
#include <vector>

#include "net/acceptor.hpp"
#include "net/peer_address.hpp"
#include "telemetry/log.hpp"
#include "telemetry/throttle.hpp"

namespace crolang::admin::http {

namespace log = telemetry::log;

namespace {

constexpr std::uint64_t kListenerKey = 0;
constexpr std::uint64_t kWakeKey = 1;
constexpr std::uint64_t kFirstConnection = 2;
constexpr int kMaxEvents = 64;
constexpr int kMostAccepts = 16;
constexpr auto kAcceptPause = std::chrono::seconds(1);
constexpr auto kBetweenStreamChecks = std::chrono::milliseconds(500);

void control(int epoll, int operation, int descriptor, std::uint64_t key, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = key;
  net::checked(::epoll_ctl(epoll, operation, descriptor, &event), "epoll_ctl");
}

}  // namespace

Listener::Listener(net::Descriptor listening, const ListenerOptions& options, Site& site,
                   telemetry::EventHub& events, telemetry::SharedCounters& counters)
    : listening_(std::move(listening)),
      options_(options),
      site_(site),
      events_(events),
      counters_(counters),
      epoll_(net::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      handlers_(site, [this] { wake_.signal(); }),
      last_id_(kFirstConnection) {
  control(epoll_.get(), EPOLL_CTL_ADD, listening_.get(), kListenerKey, EPOLLIN);
  control(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), kWakeKey, EPOLLIN);
}

Listener::~Listener() {
  stop();
}

void Listener::start() {
  handlers_.start();
  thread_ = std::thread([this] { run(); });
}

void Listener::stop() {
  stopping_.store(true);
  handlers_.request_stop();
  wake_.signal();
  if (thread_.joinable()) thread_.join();
  handlers_.stop();
  events_.unwatch();
  connections_.clear();
  interests_.clear();
  streams_ = 0;
}

template <class Function>
void Listener::try_for(HttpConnection& connection, Function&& function) {
  try {
    function();
  } catch (const std::exception& error) {
    static telemetry::Throttle throttle{1};
    if (const auto suppressed = throttle.admit(std::chrono::steady_clock::now())) {
      log::error("admin: closed a connection",
                 {{"why", error.what()}, {"suppressed", *suppressed}});
    }
    connection.close();
  }
}

// ---- the loop

void Listener::run() {
  std::array<epoll_event, kMaxEvents> ready;
  for (;;) {
    TimePoint now = std::chrono::steady_clock::now();
    if (stopping_.load() && !end_by_) {
      end_by_ = now + options_.last_responses;
      control(epoll_.get(), EPOLL_CTL_DEL, listening_.get(), kListenerKey, 0);
      listening_.reset();
      accept_again_at_.reset();
    }
    if (is_done(now)) return;
    const int count = ::epoll_wait(epoll_.get(), ready.data(), kMaxEvents, wait_time(now));
    now = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = ready[static_cast<std::size_t>(i)];
      serve(event.data.u64, event.events, now);
    }
    take_outcomes(now);
    take_events(now);
    check_times(now);
    resume_accepting(now);
  }
}

bool Listener::is_done(TimePoint now) const {
  if (!end_by_) return false;
  return now >= *end_by_ || std::ranges::none_of(connections_, [](const auto& each) {
           const auto state = each.second->state();
           return state == HttpConnection::State::handling ||
                  state == HttpConnection::State::writing;
         });
}

int Listener::wait_time(TimePoint now) const {
  TimePoint due = TimePoint::max();
  for (const auto& [id, connection] : connections_) due = std::min(due, connection->deadline());
  if (streams_ != 0) due = std::min(due, streams_checked_ + kBetweenStreamChecks);
  if (accept_again_at_) due = std::min(due, *accept_again_at_);
  if (end_by_) due = std::min(due, *end_by_);
  if (due == TimePoint::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void Listener::serve(std::uint64_t key, std::uint32_t events, TimePoint now) {
  if (key == kListenerKey) {
    accept_ready(now);
    return;
  }
  if (key == kWakeKey) {
    wake_.reset();
    return;
  }
  const auto entry = connections_.find(key);
  if (entry == connections_.end()) return;
  HttpConnection& connection = *entry->second;
  try_for(connection, [&] {
    if ((events & EPOLLOUT) != 0) {
      connection.on_writable(now);
      go_on(key, connection, connection.next_request(now), now);
    }
    if ((events & EPOLLIN) != 0 && connection.wants_to_read()) on_readable(key, connection, now);
    // Both directions are over, also for one that waits for its outcome.
    if ((events & (EPOLLERR | EPOLLHUP)) != 0 && (events & EPOLLIN) == 0) connection.close();
  });
  settle(entry);
}

void Listener::settle(Connections::iterator entry) {
  HttpConnection& connection = *entry->second;
  const std::uint64_t id = entry->first;
  std::uint32_t wanted = 0;
  if (connection.wants_to_read()) wanted |= EPOLLIN;
  if (connection.wants_to_write()) wanted |= EPOLLOUT;
  const auto known = interests_.find(id);
  if (connection.state() != HttpConnection::State::closed && wanted != known->second) {
    try_for(connection, [&] {
      control(epoll_.get(), EPOLL_CTL_MOD, connection.descriptor(), id, wanted);
      known->second = wanted;
    });
  }
  if (connection.state() != HttpConnection::State::closed) return;
  if (connection.is_stream()) --streams_;
  interests_.erase(known);
  connections_.erase(entry);
  if (streams_ == 0) events_.unwatch();
}

// ---- accepting

void Listener::accept_ready(TimePoint now) {
  for (int i = 0; i < kMostAccepts && listening_.get() >= 0; ++i) {
    if (!has_room() && !make_room(now)) {
      // Who waits to be accepted is not lost, as one would be that is closed.
      pause_accepting(now, Pause::until_there_is_room);
      return;
    }
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    net::Descriptor socket(::accept4(listening_.get(), reinterpret_cast<sockaddr*>(&address), &size,
                                     SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.get() < 0) {
      const int error = errno;
      if (error == EAGAIN || error == EWOULDBLOCK) return;
      if (error == ECONNABORTED || error == EINTR || error == EPROTO) continue;
      net::log_not_accepted(error, now);
      pause_accepting(now, Pause::for_a_second);
      return;
    }
    adopt(std::move(socket), net::peer_address(address), now);
  }
}

void Listener::adopt(net::Descriptor socket, const client_address::Address& peer, TimePoint now) {
  try {
    const std::uint64_t id = ++last_id_;
    const int descriptor = socket.get();
    auto connection =
        std::make_unique<HttpConnection>(std::move(socket), peer, options_.times, now);
    control(epoll_.get(), EPOLL_CTL_ADD, descriptor, id, EPOLLIN);
    const auto interest = interests_.emplace(id, EPOLLIN).first;
    auto entry = connections_.end();
    try {
      entry = connections_.emplace(id, std::move(connection)).first;
    } catch (const std::bad_alloc&) {
      interests_.erase(interest);
      throw;
    }
    // Its request often comes with it; then it needs no turn of the loop.
    try_for(*entry->second, [&] { on_readable(id, *entry->second, now); });
    settle(entry);
  } catch (const std::exception& error) {
    static telemetry::Throttle throttle{1};
    if (const auto suppressed = throttle.admit(now)) {
      log::error("admin: could not take a connection",
                 {{"why", error.what()}, {"suppressed", *suppressed}});
    }
  }
}

bool Listener::make_room(TimePoint now) {
  using State = HttpConnection::State;
  // Who has been reading for longest is silent or slow; then whoever takes its response slowly.
  for (const State state : {State::lingering, State::reading, State::writing}) {
    for (auto oldest = oldest_in(state); oldest != connections_.end(); oldest = oldest_in(state)) {
      HttpConnection& connection = *oldest->second;
      if (state != State::lingering && now - connection.since() < options_.grace) break;
      // Its request may have arrived in the meantime.
      if (state == State::reading) {
        try_for(connection, [&] { on_readable(oldest->first, connection, now); });
      }
      if (connection.state() == state) connection.close();
      const bool is_closed = connection.state() == State::closed;
      settle(oldest);
      if (is_closed) return true;
    }
  }
  return false;
}

Listener::Connections::iterator Listener::oldest_in(HttpConnection::State state) {
  auto oldest = connections_.end();
  for (auto entry = connections_.begin(); entry != connections_.end(); ++entry) {
    if (entry->second->state() != state) continue;
    if (oldest == connections_.end() || entry->second->since() < oldest->second->since())
      oldest = entry;
  }
  return oldest;
}

void Listener::pause_accepting(TimePoint now, Pause pause) {
  switch (pause) {
    case Pause::for_a_second:
      accept_again_at_ = now + kAcceptPause;
      break;
    case Pause::until_there_is_room: {
      const auto oldest = oldest_in(HttpConnection::State::reading);
      const TimePoint since = oldest == connections_.end() ? now : oldest->second->since();
      accept_again_at_ = std::max(since + options_.grace, now + std::chrono::milliseconds(1));
      break;
    }
  }
  waits_for_room_ = pause == Pause::until_there_is_room;
  control(epoll_.get(), EPOLL_CTL_MOD, listening_.get(), kListenerKey, 0);
}

void Listener::resume_accepting(TimePoint now) {
  if (!accept_again_at_ || listening_.get() < 0) return;
  if (now < *accept_again_at_ && !(waits_for_room_ && has_room())) return;
  accept_again_at_.reset();
  control(epoll_.get(), EPOLL_CTL_MOD, listening_.get(), kListenerKey, EPOLLIN);
}

// ---- requests

void Listener::on_readable(std::uint64_t id, HttpConnection& connection, TimePoint now) {
  go_on(id, connection, connection.on_readable(now), now);
}

void Listener::go_on(std::uint64_t id, HttpConnection& connection,
                     std::variant<Incomplete, Request, RequestFault> read, TimePoint now) {
  for (;;) {
    if (std::holds_alternative<Incomplete>(read)) return;
    if (const auto* fault = std::get_if<RequestFault>(&read)) {
      connection.respond(site_.error(fault->status, fault->sentence), HttpConnection::Next::close,
                         now);
      return;
    }
    auto handled = site_.handle(std::get<Request>(read), connection.peer(), now);
    if (auto* task = std::get_if<Task>(&handled)) {
      if (handlers_.submit(id, std::move(*task)) == HandlerThreads::Submitted::yes) return;
      handled = Outcome{site_.error(503, "too many requests at once: try again"), {}};
    }
    finish(connection, std::get<Outcome>(handled), now);
    read = connection.next_request(now);
  }
}

void Listener::finish(HttpConnection& connection, const Outcome& outcome, TimePoint now) {
  if (!outcome.stream || end_by_) {
    connection.respond(outcome.response, HttpConnection::Next::as_requested, now);
    return;
  }
  if (streams_ >= options_.max_streams) {
    connection.respond(site_.error(503, "ADMIN_MAX_STREAMS event streams are open: close one"),
                       HttpConnection::Next::as_requested, now);
    return;
  }
  if (streams_ == 0) events_.watch([this] { wake_.signal(); });
  connection.begin_stream(outcome.response, *outcome.stream, now);
  if (connection.is_stream()) ++streams_;
}

void Listener::take_outcomes(TimePoint now) {
  for (const HandlerThreads::Job& done : handlers_.take()) {
    const auto entry = connections_.find(done.connection);
    if (entry == connections_.end()) continue;
    HttpConnection& connection = *entry->second;
    try_for(connection, [&] {
      if (!done.outcome) throw std::bad_alloc();
      finish(connection, *done.outcome, now);
      go_on(entry->first, connection, connection.next_request(now), now);
    });
    settle(entry);
  }
}

// ---- streams

void Listener::take_events(TimePoint now) {
  if (streams_ == 0) return;
  telemetry::EventHub::Batch batch = events_.take();
  if (batch.events.empty() && batch.lost == 0) return;
  std::vector<EventText> texts;
  try {
    texts.reserve(batch.events.size());
    for (const telemetry::Event& event : batch.events) texts.push_back(text_of(event));
  } catch (const std::exception&) {
    batch.lost += batch.events.size() - texts.size();
  }
  for (auto entry = connections_.begin(); entry != connections_.end();) {
    const auto current = entry++;
    HttpConnection& connection = *current->second;
    if (connection.state() != HttpConnection::State::streaming) continue;
    try_for(connection, [&] {
      const std::uint64_t lost_before = connection.events().lost();
      for (const EventText& text : texts) connection.events().push(text);
      connection.events().add_lost(batch.lost);
      const std::uint64_t lost = connection.events().lost() - lost_before;
      if (lost != 0) counters_.add(telemetry::Counter::admin_events_lost, lost);
      connection.send_events(now);
    });
    settle(current);
  }
}

void Listener::check_times(TimePoint now) {
  const bool checks_streams = now - streams_checked_ >= kBetweenStreamChecks;
  if (checks_streams) streams_checked_ = now;
  for (auto entry = connections_.begin(); entry != connections_.end();) {
    const auto current = entry++;
    HttpConnection& connection = *current->second;
    try_for(connection, [&] {
      connection.check_time(now);
      if (checks_streams && connection.state() == HttpConnection::State::streaming &&
          !site_.is_current(connection.admitted(), now)) {
        connection.close();
      }
    });
    settle(current);
  }
}

}  // namespace crolang::admin::http
