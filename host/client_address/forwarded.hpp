#pragma once
/// Finds the client of a request that came through proxies.
///
/// Each proxy appends the address that it saw to X-Forwarded-For or to Forwarded (RFC 7239). Only
/// what trusted proxies appended is believed, so the list is read from its end: behind the first
/// address that is not trusted stands what that client chose to send.
///
/// Threads: pure functions. Errors: none; what cannot be read names nobody.

#include <optional>
#include <string_view>

#include "client_address/address.hpp"
#include "client_address/policy.hpp"

namespace crolang::client_address {

/// The client of a request from `peer`.
///
/// The peer itself, if it is not trusted. Otherwise the last address of the policy's header that is
/// not trusted, whose lines are one list (RFC 9110 5.3); the first one, if all of them are. Where a
/// proxy named nobody ("unknown", an obfuscated identifier, or anything else that is no address),
/// the client is the nearest proxy behind which nothing is known.
///
/// `header_lines`: between the request line and the empty line.
Address client_of_request(const Policy& policy, const Address& peer, std::string_view header_lines);

/// Whether a request has one of the two headers.
bool names_client(std::string_view header_lines) noexcept;

/// The address of one element of X-Forwarded-For, or of a node of RFC 7239 6, without its quotes:
/// "192.0.2.7", "192.0.2.7:4711", "2001:db8::1", "[2001:db8::1]:4711". nullopt: it names nobody.
std::optional<Address> parse_node(std::string_view text) noexcept;

}  // namespace crolang::client_address
