#include "ice/diagnosis.hpp"

#include "ice/advice.hpp"

namespace crolang::ice {
namespace {

using Kind = Fault::Kind;

std::string port_of(const Target& target) {
  const std::string_view protocol = target.way == Way::udp ? "UDP" : "TCP";
  return std::string(protocol).append(" port ").append(std::to_string(target.port));
}

std::string_view request_of(stun::Phase phase) {
  switch (phase) {
    case stun::Phase::binding:
      return "the Binding request";
    case stun::Phase::challenge:
    case stun::Phase::allocate:
      return "the Allocate request";
    case stun::Phase::permission:
      return "the CreatePermission request";
    case stun::Phase::release:
      return "the Refresh request that releases the relay";
  }
  return {};
}

Diagnosis unresolved(const Target& target, const Fault& fault) {
  return {target.host + " cannot be resolved: " + fault.detail,
          "the name is misspelt, or has no record in the DNS that this machine asks; nodes ask "
          "their own: correct the URL, or add an A or AAAA record"};
}

Diagnosis no_route(const Outcome& outcome, const Fault& fault) {
  return {
      "there is no route to " + outcome.server + ": " + fault.detail,
      "this machine has no network of that kind, or no way out of it: try from where nodes are, "
      "or correct the address"};
}

Diagnosis refused(const Target& target, const Outcome& outcome) {
  std::string cause = "nothing listens on " + port_of(target) +
                      ": the server is not running, listens on another port or address, or has "
                      "this way switched off (";
  switch (target.way) {
    case Way::udp:
      cause += "coturn: no-udp)";
      break;
    case Way::tcp:
      cause += "coturn: no-tcp)";
      break;
    case Way::tls:
      cause += "coturn: no-tls, or no cert and pkey, which it then says in its log)";
      break;
  }
  return {outcome.server + " refuses: nothing listens there", cause};
}

Diagnosis timed_out(const Target& target, const Outcome& outcome, const Fault& fault) {
  if (fault.phase == stun::Phase::permission || fault.phase == stun::Phase::release) {
    return {"no answer to " + std::string(request_of(fault.phase)),
            "earlier requests were answered: the way to the server loses packets, or the server is "
            "overloaded"};
  }
  if (target.way == Way::udp) {
    return {"no answer from " + outcome.server + " to " + std::string(request_of(fault.phase)),
            "a firewall drops " + port_of(target) +
                " somewhere between here and the server, the server is not running, or it does not "
                "answer this kind of request (coturn: no-stun, stun-only)"};
  }
  if (!fault.connected) {
    return {"no answer from " + outcome.server,
            "a firewall drops " + port_of(target) + ", or there is no such machine"};
  }
  if (target.way == Way::tls) {
    return {outcome.server + " accepts the connection, but does not answer TLS",
            "it does not speak TLS on this port (coturn: no-tls, or no cert and pkey; the port is "
            "tls-listening-port, 5349), or hangs"};
  }
  return {outcome.server + " accepts the connection, but does not answer",
          "it speaks another protocol on this port, only TLS (then write turns: or stuns:), or "
          "hangs"};
}

Diagnosis closed(const Target& target, const Outcome& outcome, const Fault& fault) {
  std::string error = outcome.server + " closed the connection";
  if (!fault.detail.empty()) error += " (" + fault.detail + ")";
  if (target.way == Way::tls) {
    return {error,
            "it may not speak TLS on this port, or be a proxy whose server is away: compare "
            "the port with the server's (coturn: tls-listening-port, 5349)"};
  }
  return {error,
          "it may speak only TLS on this port (then write turns: or stuns:), limit "
          "connections, or be a proxy whose server is away"};
}

Diagnosis not_stun(const Target& target, const Outcome& outcome, const Fault& fault) {
  std::string error = outcome.server + " answers, but not by STUN";
  switch (fault.speaks) {
    case Fault::Speaks::tls:
      return {error + ": it speaks TLS", target.service == Service::turn
                                             ? "write turns: in place of turn:"
                                             : "write stuns: in place of stun:"};
    case Fault::Speaks::http:
      return {error + ": it speaks HTTP",
              "a web server or a proxy listens on " + port_of(target) + ": correct the port"};
    case Fault::Speaks::ssh:
      return {error + ": it speaks SSH", "correct the port"};
    case Fault::Speaks::plain:
    case Fault::Speaks::unknown:
      break;
  }
  return {error, "another service listens on " + port_of(target) + ": correct the port"};
}

Diagnosis no_tls(const Target& target, const Outcome& outcome, const Fault& fault) {
  const std::string error = "the TLS handshake with " + outcome.server + " failed: " + fault.detail;
  if (fault.speaks == Fault::Speaks::unknown) {
    return {error,
            "the server allows no version or cipher of TLS that this OpenSSL does, or wants a "
            "certificate of its clients, which no node has"};
  }
  return {error, std::string("it does not speak TLS on this port: write ") +
                     (target.service == Service::turn ? "turn:…?transport=tcp" : "stun:") +
                     ", or the port of TLS (coturn: tls-listening-port, 5349)"};
}

Diagnosis private_relay(const Outcome& outcome) {
  const std::string relayed = outcome.relayed ? stun::text_of(*outcome.relayed) : std::string();
  return {
      "the relayed address " + relayed + " cannot be reached from where " + outcome.server + " can",
      "the server is behind a NAT and does not know its public address: set external-ip "
      "(coturn: external-ip=PUBLIC/PRIVATE), or relay-ip if it has several addresses"};
}

Diagnosis of_stun(const Target& target, const Outcome& outcome, const Circumstances& where) {
  const stun::Failure& failure = *outcome.fault->failure;
  switch (failure.kind) {
    case stun::Failure::Kind::error_response:
      break;
    case stun::Failure::Kind::no_challenge:
      return {"401 without a realm or a nonce",
              "the server's set-up is incomplete, so no node can log in: give it a realm (coturn: "
              "realm=example.org, with use-auth-secret or lt-cred-mech)"};
    case stun::Failure::Kind::integrity:
      return {"the answer to " + std::string(request_of(failure.phase)) +
                  " is not signed with the password",
              "something between here and the server changes packets (a router's ALG), or the "
              "server is defective; WebRTC stacks ignore such answers"};
    case stun::Failure::Kind::no_address:
      return {"the answer to " + std::string(request_of(failure.phase)) + " has no address",
              "the server is defective, or something between here and it removes addresses"};
    case stun::Failure::Kind::no_lifetime:
      return {"the answer to " + std::string(request_of(failure.phase)) + " has no lifetime",
              "the server is defective; WebRTC stacks do not take such a relay"};
  }
  std::string error =
      failure.code == 0 ? "an error without a number" : std::to_string(failure.code);
  if (!failure.reason.empty()) error += " " + printable(failure.reason);
  error.append(" to ").append(request_of(failure.phase));
  return {error, advice_on_error(target, outcome, failure, where)};
}

}  // namespace

Diagnosis diagnose(const Target& target, const Outcome& outcome, const Circumstances& where) {
  const Fault& fault = *outcome.fault;
  switch (fault.kind) {
    case Kind::unresolved:
      return unresolved(target, fault);
    case Kind::no_route:
      return no_route(outcome, fault);
    case Kind::refused:
      return refused(target, outcome);
    case Kind::timed_out:
      return timed_out(target, outcome, fault);
    case Kind::closed:
      return closed(target, outcome, fault);
    case Kind::not_stun:
      return not_stun(target, outcome, fault);
    case Kind::tls:
      return no_tls(target, outcome, fault);
    case Kind::certificate:
      return {"the certificate of " + outcome.server + " is not accepted: " + fault.detail,
              advice_on_certificate(target, fault)};
    case Kind::stun:
      return of_stun(target, outcome, where);
    case Kind::private_relay:
      return private_relay(outcome);
    case Kind::not_tried:
      return {"not tried: the time for the check was over before",
              "other servers or name servers did not answer in time: correct those first"};
    case Kind::system:
      return {fault.detail, "this machine lacks something; the server was not asked"};
  }
  return {};
}

std::vector<std::string> warnings_of(const Target& target, const Outcome& outcome,
                                     const Circumstances& where) {
  std::vector<std::string> all;
  if (outcome.addresses_left_out != 0) {
    all.push_back(target.host + " has " + std::to_string(outcome.addresses_left_out) +
                  " more addresses, which were not tried");
  }
  if (outcome.is_open_relay) {
    all.emplace_back(
        "it relays for everybody, without credentials: set use-auth-secret or lt-cred-mech "
        "(coturn), "
        "or strangers use it up");
  }
  if (const auto expiry = expiry_of(target.credentials.username);
      target.service == Service::turn && expiry && !outcome.fault) {
    constexpr std::chrono::seconds kShort{600};
    const std::chrono::seconds left = *expiry - where.now;
    if (left.count() <= 0) {
      all.push_back(
          "the credentials expired " + text_of(-left) +
          " ago by this machine's clock, and the server accepts them: compare the clocks");
    } else if (left < kShort) {
      all.push_back("the credentials are valid for " + text_of(left) +
                    " only: nodes that stay connected for longer cannot open a new relay");
    }
  }
  return all;
}

std::string printable(std::string_view text) {
  constexpr std::size_t kMost = 100;
  // coturn pads its reasons with zeros.
  text = text.substr(0, text.find_last_not_of('\0') + 1);
  std::string shown;
  for (const char c : text.substr(0, kMost)) shown += c >= ' ' && c < '\x7f' ? c : '?';
  return shown;
}

std::string text_of(std::chrono::seconds duration) {
  const auto count = duration.count();
  constexpr std::int64_t kMinute = 60;
  constexpr std::int64_t kHour = 60 * kMinute;
  constexpr std::int64_t kDay = 24 * kHour;
  const auto with = [](std::int64_t large, std::string_view unit, std::int64_t small,
                       std::string_view small_unit) {
    std::string text = std::to_string(large).append(" ").append(unit);
    if (small != 0) text.append(" ").append(std::to_string(small)).append(" ").append(small_unit);
    return text;
  };
  if (count >= 2 * kDay) return with(count / kDay, "days", 0, "");
  if (count >= kHour) return with(count / kHour, "h", count % kHour / kMinute, "min");
  if (count >= kMinute) return with(count / kMinute, "min", count % kMinute, "s");
  return with(count, "s", 0, "");
}

}  // namespace crolang::ice
