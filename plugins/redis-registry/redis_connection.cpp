#include "redis-registry/redis_connection.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "redis-registry/redis_reply.hpp"
#include "redis-registry/refusal.hpp"

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBetweenRoles{1000};
// A gap between ticks that load cannot explain: this process was suspended.
constexpr milliseconds kSuspended{1000};
constexpr milliseconds kTick{100};
constexpr std::size_t kLongestInfo = 16'384;

}  // namespace

RedisConnection::RedisConnection(Endpoint endpoint, Login sentinel, TlsContext tls, Names names,
                                 Owner& owner, const TrafficByPurpose& traffic)
    : endpoint_(std::move(endpoint)),
      tls_(tls),
      names_(std::move(names)),
      owner_(owner),
      search_(endpoint_, std::move(sentinel), std::move(tls), traffic.sentinel),
      links_(traffic) {}

milliseconds RedisConnection::poll_timeout() const {
  if (state_ == State::searching && is_resolving_) return milliseconds(10);
  // The attempt failed at once, before there was a descriptor to poll.
  const bool is_over = !links_.commands.is_open() || (has_answered_hello_ && !links_.are_open());
  return state_ == State::opening && is_over ? milliseconds(0) : kTick;
}

RedisConnection::PollEntries RedisConnection::poll_entries(TimePoint now) const {
  PollEntries entries{};
  std::ranges::copy(links_.poll_entries(now), entries.begin());
  entries.back() = search_.poll_entry(now);
  return entries;
}

void RedisConnection::on_poll(const PollEntries& entries, TimePoint now) {
  now_ = now;
  std::array<pollfd, Links::kCount> of_links{};
  std::copy_n(entries.begin(), of_links.size(), of_links.begin());
  links_.on_poll(of_links, now);
  search_.on_poll(entries.back().revents, now);
}

void RedisConnection::flush() {
  links_.flush();
}

void RedisConnection::tick(TimePoint now) {
  now_ = now;
  if (now - last_tick_ > kSuspended) {
    links_.restart_clocks(now);
    search_.restart_clocks(now);
    last_received_ = now;
    if (heartbeat_since_) heartbeat_since_ = now;
  }
  last_tick_ = now;
  if (state_ != State::closed) search_.tick(now);
  switch (state_) {
    case State::waiting:
      if (now >= retry_at_) begin_round(now);
      break;
    case State::searching:
      search(now);
      break;
    case State::opening:
    case State::verifying:
    case State::up:
      watch(now);
      break;
    case State::unused:
    case State::closed:
      break;
  }
}

// ---- Where to connect to ------------------------------------------------------------------------

void RedisConnection::begin_round(TimePoint now) {
  if (endpoint_.is_unix()) {
    open(now);
    return;
  }
  search_.begin_round(now);
  search(now);
}

void RedisConnection::search(TimePoint now) {
  state_ = State::searching;
  const ServerSearch::State found = search_.next(now);
  is_resolving_ = found == ServerSearch::State::resolving;
  switch (found) {
    case ServerSearch::State::asking:
    case ServerSearch::State::resolving:
      break;
    case ServerSearch::State::found:
      open(now);
      break;
    case ServerSearch::State::exhausted:
      wait_for_retry(now);
      owner_.on_down(search_.faults());
      break;
  }
}

void RedisConnection::lead_to(HostPort master, TimePoint now) {
  search_.lead_to(std::move(master));
  const bool is_free =
      state_ == State::unused || state_ == State::waiting || state_ == State::searching;
  // Else watch leaves the server if it is another one.
  if (is_free) begin_round(now);
}

std::string RedisConnection::server() const {
  return endpoint_.is_unix() ? endpoint_.path : search_.target().host.name();
}

void RedisConnection::wait_for_retry(TimePoint now) {
  state_ = State::waiting;
  retry_at_ = now + retry_pause_.next();
}

// ---- The handshake ------------------------------------------------------------------------------

void RedisConnection::open(TimePoint now) {
  state_ = State::opening;
  handshakes_ = 0;
  subscribed_ = false;
  refusal_.clear();
  heartbeat_since_.reset();
  hello_ = {};
  has_answered_hello_ = false;
  server_info_.clear();
  run_ = {};
  named_run_.reset();
  links_.open([this] { return target().connect(); }, now,
              subscribes() ? Links::Kind::with_subscription : Links::Kind::without);
  log_in(links_.leases, now);
  log_in(links_.commands, now);
  if (subscribes()) log_in(links_.subscription, now);
  ++handshakes_;
  links_.commands.command(std::array<std::string_view, 1>{"HELLO"}, now,
                          [this](const redisReply* reply) {
                            if (reply == nullptr) return;
                            --handshakes_;
                            on_hello(*reply);
                          });
}

void RedisConnection::on_hello(const redisReply& reply) {
  has_answered_hello_ = true;
  if (!is_error(reply)) hello_ = read_hello(reply);
  // It need not know the user of REDIS_URL, who is one of the server behind it.
  if (hello_.mode == Hello::Mode::sentinel || !refusal_.empty()) return;
  if (!is_error(reply)) {
    refusal_ = why_unusable(hello_, endpoint_, subscribes() ? Place::of_url : Place::in_cluster);
    if (refusal_.empty() && hello_.mode == Hello::Mode::cluster && subscribes()) return;
  } else if (!does_not_know_hello(text_of(reply))) {
    refusal_ = describe_refusal("HELLO", text_of(reply));
  }
  if (refusal_.empty()) prepare(now_);
}

// A user may lack the right, and other servers may not know it: then it is unknown.
template <class F>
void RedisConnection::ask_if_allowed(std::span<const std::string_view> words, TimePoint now,
                                     F use) {
  ++handshakes_;
  links_.commands.command(words, now, [this, use = std::move(use)](const redisReply* reply) {
    if (reply == nullptr) return;
    --handshakes_;
    if (!is_error(*reply)) use(text_of(*reply));
  });
}

void RedisConnection::prepare(TimePoint now) {
  if (endpoint_.database != 0) {
    const std::string database = std::to_string(endpoint_.database);
    for (Link* const link : {&links_.leases, &links_.commands}) {
      handshake(std::array<std::string_view, 2>{"SELECT", database}, *link, now,
                [](const redisReply&) {});
    }
  }
  ask_if_allowed(std::array<std::string_view, 2>{"INFO", "server"}, now,
                 [this](std::string_view info) {
                   server_info_ = info.substr(0, kLongestInfo);
                   const Hello said = read_server_info(server_info_);
                   if (hello_.mode == Hello::Mode::unknown && said.mode == Hello::Mode::cluster) {
                     refusal_ = why_unusable(said, endpoint_, Place::of_url);
                   }
                   run_ = read_server_run(server_info_, {});
                 });
  ask_if_allowed(std::array<std::string_view, 2>{"INFO", "replication"}, now,
                 [this](std::string_view info) { run_ = read_server_run(server_info_, info); });
  ask_if_allowed(std::array<std::string_view, 2>{"GET", names_.run_key}, now,
                 [this](std::string_view run) {
                   if (!run.empty()) named_run_ = run.substr(0, kLongestInfo);
                 });
  load_scripts(now);
  if (!subscribes()) return;
  links_.subscription.subscribe(
      names_.channel, [this] { subscribed_ = true; },
      [this](std::string_view batch) { on_publication(batch); });
}

RedisTarget RedisConnection::target() const {
  return {endpoint_.path, endpoint_.is_unix() ? Dialer::Target{} : search_.target(), tls_,
          endpoint_.login};
}

void RedisConnection::log_in(Link& link, TimePoint now) {
  if (endpoint_.login.password.empty()) return;
  handshake(endpoint_.login.command(), link, now, [](const redisReply&) {});
}

void RedisConnection::load_scripts(TimePoint now) {
  for (std::size_t i = 0; i < kScripts; ++i) {
    handshake(std::array<std::string_view, 3>{"SCRIPT", "LOAD", source(static_cast<Script>(i))},
              links_.leases, now,
              [this, i](const redisReply& reply) { digests_[i] = text_of(reply); });
  }
}

void RedisConnection::handshake(std::span<const std::string_view> words, Link& link, TimePoint now,
                                std::function<void(const redisReply&)> use) {
  ++handshakes_;
  const std::string name(words.front());
  link.command(words, now, [this, name, use = std::move(use)](const redisReply* reply) {
    if (reply == nullptr) return;
    --handshakes_;
    if (!is_error(*reply)) {
      use(*reply);
    } else if (refusal_.empty()) {
      refusal_ = describe_refusal(name, text_of(*reply));
    }
  });
}

void RedisConnection::watch(TimePoint now) {
  if (hello_.mode == Hello::Mode::sentinel) {
    on_sentinel(now);
    return;
  }
  if (hello_.mode == Hello::Mode::cluster && subscribes() && refusal_.empty()) {
    on_node(now);
    return;
  }
  // Why a server refuses may follow from what it is, which it says next.
  const bool may_explain =
      state_ == State::opening && !has_answered_hello_ && links_.commands.is_open();
  // The error of the server is more informative than the end of the connection that follows it.
  if (!refusal_.empty() && !may_explain) {
    fail(refusal_, now);
    return;
  }
  if (!links_.commands.is_open() || (!links_.are_open() && !may_explain)) {
    fail(why_closed(), now);
    return;
  }
  if (const std::string why = search_.why_left(); !why.empty()) {
    fail(why, now);
    return;
  }
  if (state_ != State::up) {
    if (now - links_.last_progress() > kHandshakeTimeout) {
      fail(describe_silence(), now);
    } else if (state_ == State::opening && handshakes_ == 0 && (subscribed_ || !subscribes())) {
      verify(now);
    }
    return;
  }
  const auto waiting = links_.waiting_since();
  if ((waiting && now - *waiting > kReplyTimeout) ||
      (heartbeat_since_ && now - *heartbeat_since_ > kReplyTimeout)) {
    fail("no answer for " + std::to_string(kReplyTimeout.count()) + " ms", now);
  } else if (subscribes() && !heartbeat_since_ && now - last_received_ > kHeartbeatAfter) {
    send_heartbeat(now);
  }
  if (state_ == State::up && now - role_asked_at_ >= kBetweenRoles) ask_for_role(now);
}

void RedisConnection::on_sentinel(TimePoint now) {
  if (endpoint_.is_unix() || search_.is_by_sentinels()) {
    refusal_ = endpoint_.is_unix() ? "this is a Sentinel: name it by host and port"
                                   : "this is a Sentinel, which others call their primary";
    fail(refusal_, now);
    return;
  }
  state_ = State::waiting;
  links_.close();
  search_.turn_to_sentinels();
  begin_round(now);
}

void RedisConnection::on_node(TimePoint now) {
  now_ = now;
  state_ = State::unused;
  links_.close();
  owner_.on_cluster(search_.target().host);
}

void RedisConnection::ask_for_replicas(TimePoint now) {
  links_.commands.command_deferred(std::array<std::string_view, 2>{"INFO", "replication"}, now,
                                   [this](const redisReply* reply) {
                                     if (has_failed(reply)) return;
                                     run_.replicas = read_server_run({}, text_of(*reply)).replicas;
                                   });
}

void RedisConnection::ask_for_role(TimePoint now) {
  role_asked_at_ = now;
  if (watches_replicas_) ask_for_replicas(now);
  // On the links that no heartbeat passes, so that their end is noticed as well.
  if (hello_.role == Hello::Role::unknown) {
    links_.leases.command_deferred(std::array<std::string_view, 2>{"GET", names_.run_key}, now,
                                   [](const redisReply*) {});
    return;
  }
  constexpr std::array<std::string_view, 1> kQuestion{"HELLO"};
  links_.leases.command_deferred(kQuestion, now,
                                 [this](const redisReply* reply) { on_role(reply); });
  if (subscribes()) return;
  links_.commands.command_deferred(kQuestion, now,
                                   [this](const redisReply* reply) { on_role(reply); });
}

void RedisConnection::on_role(const redisReply* reply) {
  if (has_failed(reply)) return;
  if (!subscribes()) last_received_ = now_;
  if (refusal_.empty() && read_hello(*reply).role != Hello::Role::master) {
    refusal_ = "it is no longer the primary: HELLO says that it is a replica";
  }
}

void RedisConnection::verify(TimePoint now) {
  state_ = State::verifying;
  if (subscribes()) {
    send_heartbeat(now);
  } else {
    last_received_ = now;
    come_up();
  }
}

void RedisConnection::come_up() {
  state_ = State::up;
  has_been_up_ = true;
  owner_.on_up();
}

void RedisConnection::send_heartbeat(TimePoint now) {
  heartbeat_since_ = now;
  command(std::array<std::string_view, 3>{"PUBLISH", names_.channel, names_.heartbeat}, now,
          [this](const redisReply* reply) {
            if (reply != nullptr && is_error(*reply) && refusal_.empty()) {
              refusal_ = "PUBLISH: " + std::string(text_of(*reply));
            }
          });
}

void RedisConnection::on_publication(std::string_view batch) {
  last_received_ = now_;
  heartbeat_since_.reset();
  if (state_ == State::verifying) come_up();
  owner_.on_batch(batch);
}

bool RedisConnection::change_login(Login login, TimePoint now, OnLogin on_outcome) {
  if (login == endpoint_.login && open_logins_ == 0) return false;
  if (!is_up() || login.password.empty()) {
    endpoint_.login = std::move(login);
    return false;
  }
  // Not on the subscription: with RESP2 it cannot send other commands, and it stays logged in.
  const std::vector<std::string_view> words = login.command();
  ++open_logins_;
  links_.leases.command(words, now, [](const redisReply*) {});
  command(words, now, [this, login, tell = std::move(on_outcome)](const redisReply* reply) {
    --open_logins_;
    if (reply != nullptr && is_error(*reply)) {
      tell(LoginChange::Outcome::refused, describe_refusal("AUTH", text_of(*reply)));
      return;
    }
    endpoint_.login = login;
    tell(reply != nullptr ? LoginChange::Outcome::accepted : LoginChange::Outcome::unknown, {});
  });
  return true;
}

void RedisConnection::change_sentinel_access(Login login, TlsContext tls) {
  tls_ = tls;
  search_.change_sentinel_access(std::move(login), std::move(tls));
}

void RedisConnection::drop(std::string_view why, TimePoint now) {
  if (state_ == State::opening || state_ == State::verifying || state_ == State::up) fail(why, now);
}

void RedisConnection::fail(std::string_view why, TimePoint now) {
  const std::string reason =
      (search_.has_several() ? search_.place() + ": " : std::string()) + std::string(why);
  const bool was_refused = !refusal_.empty();
  const State before = std::exchange(state_, State::waiting);
  links_.close();
  if (before == State::up || endpoint_.is_unix()) {
    wait_for_retry(now);
    owner_.on_down(reason);
    return;
  }
  search_.note_fault(reason);
  // Its other addresses lead to the same server.
  if (was_refused || before == State::verifying || !search_.why_left().empty()) {
    search_.skip_host();
  }
  search(now);
}

void RedisConnection::close() {
  state_ = State::closed;
  links_.close();
  search_.close();
}

std::string RedisConnection::describe_silence() const {
  std::string why = links_.silence();
  if (tls_ != nullptr && !subscribes() && !links_.commands.has_received()) {
    why += " The cluster names this port: its nodes need tls-cluster yes";
  }
  return why;
}

std::string RedisConnection::why_closed() const {
  const Link& closed = *links_.first_closed();
  std::string why = describe_end(closed.fault());
  // A TLS server ends a connection that begins without TLS, perhaps after an alert.
  if (tls_ == nullptr && !endpoint_.is_unix() && !has_been_up_ && closed.has_connected() &&
      (!closed.has_received() || is_tls_alert(closed.fault()))) {
    why += ": does that port expect TLS (rediss://)?";
  }
  return why;
}

}  // namespace crolang::redis_registry
