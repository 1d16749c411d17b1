#include "net/ice_check/check.hpp"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <utility>

#include "ice/scope.hpp"
#include "net/ice_check/attempt.hpp"
#include "net/ice_check/resolve.hpp"
#include "net/ice_check/server_connection.hpp"
#include "stun/binding.hpp"
#include "stun/turn.hpp"

namespace crolang::net {
namespace {

using Clock = ServerConnection::Clock;
using ice::Fault;
using ice::Outcome;
using stun::TransportAddress;

constexpr std::chrono::seconds kTimeLimit{5};
constexpr std::size_t kMostAtOnce = 16;
// Old versions of pion/turn answer the one to wrong credentials, all others the other.
constexpr int kBadRequest = 400;
constexpr int kUnauthenticated = 401;
constexpr int kTryAlternate = 300;

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
                         stun::Exchange& exchange, Outcome& outcome, Clock::time_point until) {
  Watch watch(exchange, outcome);
  ServerConnection connection(target.way, target.host);
  std::optional<Fault> fault;
  if (connection.open(server, until)) {
    fault = converse(connection, exchange, until, [&] { watch.on_step(); });
  } else {
    fault = connection.fault();
  }
  if (fault) fault->connected = connection.is_connected();
  if (auto* const turn = dynamic_cast<stun::Turn*>(&exchange); turn != nullptr && fault) {
    fault->phase = turn->phase();
    if (turn->holds_relay()) {
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
                              Outcome& outcome, Clock::time_point until) {
  stun::Turn turn(target.credentials, new_transaction);
  auto fault = run(target, server, turn, outcome, until);
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
                      const IceCheckOptions& options) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto until = Clock::now() + kTimeLimit;
  outcome.tried_secret = !options.secret.empty();
  for (const auto& each : ice::alternatives(target.credentials, options.secret, now)) {
    ice::Target other = target;
    other.credentials = each.credentials;
    Outcome accepted;
    const auto fault = run_turn(other, server, accepted, until);
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

Outcome check_turn(const ice::Target& target, TransportAddress server,
                   const IceCheckOptions& options) {
  Outcome outcome;
  const auto until = Clock::now() + kTimeLimit;
  auto fault = run_turn(target, server, outcome, until);
  if (is_refusal(fault, kTryAlternate) && fault->failure->alternate) {
    server = *fault->failure->alternate;
    fault = run_turn(target, server, outcome, until);
  }
  outcome.server = stun::text_of(server);
  if (refuses_credentials(fault)) try_alternatives(target, server, outcome, options);
  outcome.fault = std::move(fault);
  return outcome;
}

Outcome check_stun(const ice::Target& target, const TransportAddress& server) {
  Outcome outcome;
  outcome.server = stun::text_of(server);
  stun::Binding binding(new_transaction);
  outcome.fault = run(target, server, binding, outcome, Clock::now() + kTimeLimit);
  return outcome;
}

/// One address of one target.
struct Task {
  std::size_t result;  ///< where it goes
  TransportAddress server;
  bool has_ipv4;  ///< the host has an IPv4 address too
};

Outcome check(const ice::Target& target, const Task& task, const IceCheckOptions& options) {
  Outcome outcome = target.service == ice::Service::turn ? check_turn(target, task.server, options)
                                                         : check_stun(target, task.server);
  if (!outcome.fault) {
    outcome.state = Outcome::State::works;
  } else if (outcome.fault->kind == Fault::Kind::no_route && task.has_ipv4 &&
             !client_address::is_ipv4(task.server.address)) {
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
  std::vector<Resolved> resolved(targets.size());
  in_parallel(targets.size(), [&](std::size_t i) {
    resolved[i] = resolve(targets[i].host, targets[i].port, kTimeLimit);
  });
  std::vector<ice::Result> results;
  std::vector<Task> tasks;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const auto is_ipv4 = [](const TransportAddress& each) {
      return client_address::is_ipv4(each.address);
    };
    const bool has_ipv4 = std::ranges::any_of(resolved[i].addresses, is_ipv4);
    for (const TransportAddress& server : resolved[i].addresses) {
      results.push_back({targets[i], {}});
      tasks.push_back({results.size() - 1, server, has_ipv4});
    }
    // One line is enough for a name that is not found, also if its URL is tried in two ways.
    const bool is_second_way =
        i > 0 && targets[i].service == ice::Service::stun && targets[i].url == targets[i - 1].url;
    if (resolved[i].addresses.empty() && !is_second_way) {
      Outcome outcome;
      outcome.fault = Fault{Fault::Kind::unresolved, resolved[i].fault};
      results.push_back({targets[i], std::move(outcome)});
    }
  }
  in_parallel(tasks.size(), [&](std::size_t i) {
    ice::Result& result = results[tasks[i].result];
    result.outcome = check(result.target, tasks[i], options);
  });
  return results;
}

}  // namespace crolang::net
