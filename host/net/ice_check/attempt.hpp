#pragma once
/// One try of one server: a conversation, with repeated requests over UDP (RFC 8489 6.2.1).
/// Threads: one; blocks until it has ended or the time is over. Errors: a fault. See check.hpp.

#include <chrono>
#include <functional>
#include <optional>

#include "ice/outcome.hpp"
#include "net/ice_check/server_connection.hpp"
#include "stun/exchange.hpp"

namespace crolang::net {

/// Not to be guessed by others.
stun::TransactionId new_transaction();

/// Has the exchange with the server. `on_step` is called after each step of the exchange.
/// nullopt: it has ended; see its failure().
std::optional<ice::Fault> converse(ServerConnection& connection, stun::Exchange& exchange,
                                   ServerConnection::Clock::time_point until,
                                   const std::function<void()>& on_step);

}  // namespace crolang::net
