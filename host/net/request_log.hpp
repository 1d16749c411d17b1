#pragma once
/// Logs refused requests at LOG_LEVEL 1: the reason, and what to do about it. Since any client can
/// cause these lines, each reason has its own rate limit. Threads: any. Errors: std::bad_alloc.
/// Time is an argument.

#include <chrono>
#include <string>
#include <string_view>

#include "client_address/address.hpp"
#include "client_address/proxy_header.hpp"
#include "net/http/refusal.hpp"
#include "net/tls_failure.hpp"

namespace crolang::net {

/// A sentence.
std::string describe(const RequestRefusal& refusal);

/// `status`: of the answer; 0: there is none.
void log_refusal(const RequestRefusal& refusal, unsigned status,
                 const client_address::Address& client, std::chrono::steady_clock::time_point now);

/// Logs a TLS handshake that has failed; else as log_refusal.
void log_tls_handshake(const TlsFailure& failure, const client_address::Address& client,
                       std::chrono::steady_clock::time_point now);

/// A sentence.
std::string_view describe(client_address::ProxyHeaderFault fault);

/// Logs at every LOG_LEVEL that a trusted proxy's connection was closed, since the proxy is the
/// operator's own, and no client can connect through it.
void log_bad_proxy_header(client_address::ProxyHeaderFault fault,
                          const client_address::Address& proxy,
                          std::chrono::steady_clock::time_point now);

/// Warns that the limits per address may apply to a proxy, and so to all of its clients. At most
/// once a minute.
void warn_of_missing_proxy(const client_address::Address& peer,
                           std::chrono::steady_clock::time_point now);

}  // namespace crolang::net
