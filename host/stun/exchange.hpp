#pragma once
/// A conversation with one server as a state machine: requests out, answers in, without socket and
/// clock. Over UDP its owner repeats the request until there is another one.
/// Threads: one. Errors: a Failure. Throws std::bad_alloc.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "stun/message.hpp"

namespace crolang::stun {

/// What was asked when something failed.
enum class Phase : std::uint8_t {
  binding,
  challenge,  ///< the first Allocate, which has no credentials
  allocate,
  permission,  ///< CreatePermission
  release,     ///< Refresh with lifetime 0
};

struct Failure {
  enum class Kind : std::uint8_t {
    error_response,
    /// A 401 without REALM or NONCE.
    no_challenge,
    /// An answer that is not signed with the credentials of the request.
    integrity,
    /// An answer without the address that was asked for, or with one that is none.
    no_address,
    /// A relay without LIFETIME: WebRTC stacks do not take it.
    no_lifetime,
  };
  Kind kind;
  Phase phase;
  int code = 0;                                 ///< of an error response; 0: it has none
  std::string reason{};                         ///< of an error response, as sent
  std::optional<TransportAddress> alternate{};  ///< of a 300
};

/// New for each request; must not be predictable.
using NewTransaction = std::function<TransactionId()>;

class Exchange {
 public:
  virtual ~Exchange() = default;

  /// The request that is to be sent.
  virtual const Bytes& request() const noexcept = 0;

  enum class Step {
    ignored,   ///< not an answer to the request
    proceeds,  ///< there is another request()
    ended,     ///< see failure()
  };
  virtual Step on_message(ByteView bytes) = 0;

  /// The address that the server sees.
  virtual std::optional<TransportAddress> mapped() const noexcept = 0;
  virtual const std::optional<Failure>& failure() const noexcept = 0;
};

}  // namespace crolang::stun
