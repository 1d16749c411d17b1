#pragma once
/// What became of one target at one address. Threads: values. Errors: none.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "ice/credentials.hpp"
#include "ice/target.hpp"
#include "stun/exchange.hpp"

namespace crolang::ice {

/// Why a target does not work.
struct Fault {
  enum class Kind : std::uint8_t {
    unresolved,     ///< the host name has no address
    no_route,       ///< this machine has no way to the address
    refused,        ///< nothing listens there
    timed_out,      ///< no answer at all, or none to the last request
    closed,         ///< the server ended the connection
    not_stun,       ///< it answered something else
    tls,            ///< the handshake failed
    certificate,    ///< the server's certificate is not accepted
    stun,           ///< see `failure`
    private_relay,  ///< the relayed address is not reachable from where the server is
    system,         ///< this machine lacks something
    not_tried,      ///< the time for the whole check was over
  };
  Kind kind;
  std::string detail{};  ///< the system's or OpenSSL's text
  std::optional<stun::Failure> failure{};
  /// What was asked when an answer was missing.
  stun::Phase phase = stun::Phase::binding;
  /// By TCP and TLS: whether TCP's connection was made.
  bool connected = false;
  /// What a server speaks that was expected to speak STUN, or TLS.
  enum class Speaks : std::uint8_t { unknown, plain, tls, http, ssh } speaks = Speaks::unknown;
};

struct Outcome {
  enum class State : std::uint8_t {
    works,
    failed,
    skipped,  ///< this machine has no IPv6, and the host has an IPv4 address too
  };
  State state = State::failed;
  std::string server{};  ///< address and port; empty: the host has none
  /// Until the server had said what it was asked for.
  std::optional<std::chrono::duration<double, std::milli>> time{};
  std::optional<stun::TransportAddress> mapped{};
  std::optional<stun::TransportAddress> relayed{};
  std::optional<Fault> fault{};
  bool is_open_relay = false;
  bool is_alternate = false;  ///< `server` is where the server of the URL sends its clients
  std::string realm{};
  std::string software{};
  /// The alternative to refused credentials that the server has accepted.
  std::optional<Alternative::Meaning> accepted{};
  /// Whether alternatives made of the secret were tried.
  bool tried_secret = false;
  /// Further addresses of the host, which were not tried; with its last one.
  std::size_t addresses_left_out = 0;
};

struct Result {
  Target target;
  Outcome outcome;
};

}  // namespace crolang::ice
