#pragma once
/// Errors of Redis as sentences for the log.
/// Threads: any. Errors: none.

#include <cstdint>
#include <string>
#include <string_view>

#include "redis-registry/endpoint.hpp"
#include "redis-registry/server_facts.hpp"

namespace crolang::redis_registry {

/// `command` of the handshake was answered with the error `text` (RESP without its `-`). Never
/// contains what was given to AUTH: a server that does not know the command repeats its arguments,
/// so of an unknown answer to AUTH only the first word is shown, and of one to SCRIPT what precedes
/// the script.
std::string describe_refusal(std::string_view command, std::string_view text);

/// `fault` is why a connection ended, in the words of a Link, or an error that a server answered
/// any command with. (If it refuses the subscription, it is both.)
std::string describe_end(std::string_view fault);

/// Who leads to a server.
enum class Place : std::uint8_t {
  of_url,     ///< REDIS_URL, or Sentinels
  in_cluster  ///< the cluster, as to the master of some slots
};

/// Why a server that says this of itself cannot be used; empty: it can.
std::string why_unusable(const Hello& hello, const Endpoint& endpoint, Place place);

/// The fault of a Link that was answered by an alert of TLS.
bool is_tls_alert(std::string_view fault);

}  // namespace crolang::redis_registry
