#pragma once
/// Takes a relayed address from a TURN server, asks for permission to reach a peer through it, and
/// gives it back (RFC 8656 7, 9, 8). The peer is the relayed address itself: two nodes that both
/// need the relay reach each other so. See exchange.hpp.
///
/// Credentials are used as WebRTC stacks use them: long-term, with MD5 and HMAC-SHA1. A server that
/// relays without asking for credentials is noted, not refused.

#include <string>

#include "stun/exchange.hpp"

namespace crolang::stun {

struct Credentials {
  std::string username;
  std::string password;
};

class Turn final : public Exchange {
 public:
  Turn(Credentials credentials, NewTransaction new_transaction);

  const Bytes& request() const noexcept override { return request_; }
  Step on_message(ByteView bytes) override;
  std::optional<TransportAddress> mapped() const noexcept override { return mapped_; }
  const std::optional<TransportAddress>& relayed() const noexcept { return relayed_; }
  const std::optional<Failure>& failure() const noexcept override { return failure_; }

  Phase phase() const noexcept { return phase_; }
  const std::string& realm() const noexcept { return realm_; }
  const std::string& software() const noexcept { return software_; }
  /// Whether the server gave a relayed address to somebody without credentials.
  bool is_open_relay() const noexcept { return is_open_relay_; }
  /// Whether the server holds a relayed address for this client, or may do so, since its answer to
  /// a request with credentials has not come: it should be released.
  bool may_hold_relay() const noexcept { return holds_relay_ || phase_ == Phase::allocate; }
  /// Asks to release it, whatever else was going on.
  void release();

 private:
  void ask(Phase phase);
  Step on_success(const Message& answer);
  Step on_error(const Message& answer);
  /// Takes REALM and NONCE of an answer. False: one is missing, or too long.
  bool take_challenge(const Message& answer);
  Step fail(Failure failure);

  const Credentials credentials_;
  const NewTransaction new_transaction_;
  Phase phase_ = Phase::challenge;
  TransactionId transaction_{};
  Bytes request_;
  Bytes key_;  // empty: requests have no credentials
  std::string realm_;
  std::string nonce_;
  std::string software_;
  int stale_nonces_ = 0;
  bool is_open_relay_ = false;
  bool holds_relay_ = false;
  std::optional<TransportAddress> mapped_;
  std::optional<TransportAddress> relayed_;
  std::optional<Failure> failure_;
};

}  // namespace crolang::stun
