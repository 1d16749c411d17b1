#include "net/ice_check/check.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <new>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "ice/scope.hpp"
#include "net/ice_check/attempt.hpp"
#include "net/ice_check/resolve.hpp"
#include "net/ice_check/server_connection.hpp"
#include "net/ice_check/socket_address.hpp"
#include "stun/binding.hpp"
#include "stun/turn.hpp"

namespace crolang::net {
namespace {

using Clock = ServerConnection::Clock;
using ice::Fault;
using ice::Outcome;
using stun::TransportAddress;

constexpr std::chrono::seconds kTimeLimit{5};
constexpr std::size_t kMostAtOnce = 32;
// Old versions of pion/turn answer the one to wrong credentials, all others the other.
constexpr int kBadRequest = 400;
constexpr int kUnauthenticated = 401;
constexpr int kTryAlternate = 300;

/// What all tries of a check have in common.
struct Frame {
  const IceCheckOptions& options;
  Clock::time_point end;

  /// Until when a step may take that begins now.
  Clock::time_point limit() const { return std::min(end, Clock::now() + kTimeLimit); }
  bool is_over() const {
    pollfd stop{options.stop, POLLIN, 0};
    return Clock::now() >= end || ::poll(&stop, 1, 0) > 0;
  }
};

/// Fills the outcome with what the server has said, and with the time it took.
class Watch {
 public:
  Watch(const stun::Exchange& exchange, Outcome& outcome)
      : exchange_(exchange), outcome_(outcome), started_(Clock::now()) {}

  void on_step() {
    if (outcome_.mapped || !exchange_.mapped()) return;
    outcome_.mapped = exchange_.mapped();
    outcome_.time = Clock::now() - started_;
  }

 private:
  const stun::Exchange& exchange_;
  Outcome& outcome_;
  const Clock::time_point started_;
};

/// Why the exchange did not succeed; nullopt: it did.
std::optional<Fault> run(const ice::Target& target, const TransportAddress& server,
                         stun::Exchange& exchange, Outcome& outcome, const Frame& frame,
                         Clock::time_point until) {
  Watch watch(exchange, outcome);
  ServerConnection connection(target.way, target.host, frame.options.stop);
  std::optional<Fault> fault;
  if (connection.open(server, until)) {
    fault = converse(connection, exchange, until, [&] { watch.on_step(); });
  } else {
    fault = connection.fault();
  }
  if (fault) fault->connected = connection.is_connected();
  if (auto* const turn = dynamic_cast<stun::Turn*>(&exchange); turn != nullptr && fault) {
    fault->phase = turn->phase();
    if (turn->may_hold_relay()) {
      // Nobody waits for the answer.
      turn->release();
      connection.send(turn->request(), Clock::now());
    }
  }
  if (!fault && exchange.failure()) {
    fault = Fault{Fault::Kind::stun};
    fault->failure = exchange.failure();
  }
  return fault;
}

std::optional<Fault> run_turn(const ice::Target& target, const TransportAddress& server,
                              Outcome& outcome, const Frame& frame, Clock::time_point until) {
  stun::Turn turn(target.credentials, new_transaction);
  auto fault = run(target, server, turn, outcome, frame, until);
  outcome.relayed = turn.relayed();
  outcome.realm = turn.realm();
  outcome.software = turn.software();
  outcome.is_open_relay = turn.is_open_relay();
  if (fault || !outcome.relayed) return fault;
  if (ice::scope_of(outcome.relayed->address) < ice::scope_of(server.address)) {
    return Fault{Fault::Kind::private_relay};
  }
  return std::nullopt;
}

bool is_refusal(const std::optional<Fault>& fault, int code) {
  return fault && fault->failure && fault->failure->code == code &&
         fault->failure->kind == stun::Failure::Kind::error_response &&
         fault->failure->phase <= stun::Phase::allocate;
}

bool refuses_credentials(const std::optional<Fault>& fault) {
  return is_refusal(fault, kUnauthenticated) || is_refusal(fault, kBadRequest);
}

/// Which other credentials the server accepts in place of those that it has refused.
void try_alternatives(const ice::Target& target, const TransportAddress& server, Outcome& outcome,
                      const Frame& frame) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto until = frame.limit();
  outcome.tried_secret = !frame.options.secret.empty();
  for (const auto& each : ice::alternatives(target.credentials, frame.options.secret, now)) {
    ice::Target other = target;
    other.credentials = each.credentials;
    Outcome accepted;
    const auto fault = run_turn(other, server, accepted, frame, until);
    if (accepted.relayed) {
      outcome.accepted = each.meaning;
      return;
    }
    // Nothing is known of the rest if this one was not refused but failed.
    if (!refuses_credentials(fault)) {
      outcome.tried_secret = false;
      return;
    }
  }
}

/// A server on the internet must not have this machine try its own network.
bool may_follow(const TransportAddress& server, const std::optional<TransportAddress>& alternate) {
  return alternate && stun::is_usable(*alternate) &&
         ice::scope_of(alternate->address) >= ice::scope_of(server.address);
}

Outcome check_turn(const ice::Target& target, TransportAddress server, const Frame& frame) {
  Outcome outcome;
  const auto until = frame.limit();
  auto fault = run_turn(target, server, outcome, frame, until);
  if (is_refusal(fault, kTryAlternate) && may_follow(server, fault->failure->alternate)) {
    server = *fault->failure->alternate;
    outcome.is_alternate = true;
    fault = run_turn(target, server, outcome, frame, until);
  }
  outcome.server = stun::text_of(server);
  if (refuses_credentials(fault)) try_alternatives(target, server, outcome, frame);
  outcome.fault = std::move(fault);
  return outcome;
}

Outcome check_stun(const ice::Target& target, const TransportAddress& server, const Frame& frame) {
  Outcome outcome;
  outcome.server = stun::text_of(server);
  stun::Binding binding(new_transaction);
  outcome.fault = run(target, server, binding, outcome, frame, frame.limit());
  return outcome;
}

/// One address of one target.
struct Task {
  std::size_t result;  ///< where it goes
  TransportAddress server;
  bool has_ipv4;  ///< the host has an IPv4 address too
};

/// Whether this machine has a way to the address. An address that others report as unreachable is
/// the server's fault.
bool has_route(const TransportAddress& server) {
  const SocketAddress address = socket_address(server);
  const Descriptor socket(::socket(address.bytes.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return socket.get() >= 0 && ::connect(socket.get(), address.get(), address.size) == 0;
}

Outcome failed(Fault fault) {
  Outcome outcome;
  outcome.fault = std::move(fault);
  return outcome;
}

Outcome check(const ice::Target& target, const Task& task, const Frame& frame) {
  if (frame.is_over()) {
    Outcome outcome = failed({Fault::Kind::not_tried});
    outcome.server = stun::text_of(task.server);
    return outcome;
  }
  Outcome outcome = target.service == ice::Service::turn ? check_turn(target, task.server, frame)
                                                         : check_stun(target, task.server, frame);
  if (!outcome.fault) {
    outcome.state = Outcome::State::works;
  } else if (outcome.fault->kind == Fault::Kind::no_route && task.has_ipv4 &&
             !client_address::is_ipv4(task.server.address) && !has_route(task.server)) {
    outcome.state = Outcome::State::skipped;
  }
  return outcome;
}

/// Calls `work` with each number below `count`, at most kMostAtOnce at once.
template <class Work>
void in_parallel(std::size_t count, const Work& work) {
  std::atomic<std::size_t> next{0};
  const auto run_all = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::thread> threads;
  threads.reserve(kMostAtOnce);
  try {
    while (threads.size() + 1 < std::min(count, kMostAtOnce)) threads.emplace_back(run_all);
  } catch (const std::system_error&) {
    // There are fewer at once then.
  }
  run_all();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

std::vector<ice::Result> check_ice(const std::vector<ice::Target>& targets,
                                   const IceCheckOptions& options) {
  const Frame frame{options, Clock::now() + options.time_limit};
  // A host of several URLs is looked up once.
  std::map<std::string_view, Resolved> by_host;
  for (const ice::Target& each : targets) by_host.try_emplace(each.host);
  std::vector<std::pair<const std::string_view, Resolved>*> look_ups;
  for (auto& each : by_host) look_ups.push_back(&each);
  in_parallel(look_ups.size(), [&](std::size_t i) noexcept {
    auto& [host, resolved] = *look_ups[i];
    if (frame.is_over()) return;
    try {
      resolved = resolve(std::string(host), frame.limit(), options.stop);
    } catch (const std::bad_alloc&) {
      resolved = {};
    }
  });
  std::vector<ice::Result> results;
  std::vector<Task> tasks;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const Resolved& resolved = by_host[targets[i].host];
    const auto is_ipv4 = [](const TransportAddress& each) {
      return client_address::is_ipv4(each.address);
    };
    const bool has_ipv4 = std::ranges::any_of(resolved.addresses, is_ipv4);
    for (TransportAddress server : resolved.addresses) {
      server.port = targets[i].port;
      results.push_back({targets[i], {}});
      tasks.push_back({results.size() - 1, server, has_ipv4});
    }
    // One line is enough for a name that is not found, also if its URL is tried in two ways.
    const bool is_second_way =
        i > 0 && targets[i].service == ice::Service::stun && targets[i].url == targets[i - 1].url;
    if (resolved.addresses.empty() && !is_second_way) {
      results.push_back({targets[i], failed(resolved.fault.empty()
                                                ? Fault{Fault::Kind::not_tried}
                                                : Fault{Fault::Kind::unresolved, resolved.fault})});
    }
  }
  in_parallel(tasks.size(), [&](std::size_t i) noexcept {
    ice::Result& result = results[tasks[i].result];
    try {
      result.outcome = check(result.target, tasks[i], frame);
    } catch (const std::bad_alloc&) {
      // Short enough to need no memory.
      result.outcome = failed({Fault::Kind::system, "no memory"});
    }
  });
  for (std::size_t i = 0; i < results.size(); ++i) {
    const bool is_last =
        i + 1 == results.size() || results[i + 1].target.url != results[i].target.url;
    if (is_last) {
      results[i].outcome.addresses_left_out = by_host[results[i].target.host].left_out;
    }
  }
  return results;
}

}  // namespace crolang::net
