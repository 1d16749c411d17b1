#pragma once
/// Why a request is refused, for the log. Threads: plain values, not synchronised. Errors:
/// std::bad_alloc.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "crolang/enum_count.hpp"

namespace crolang::net {

enum class RequestFault : std::uint8_t {
  not_http,
  tls,
  plain_http,
  http2,
  proxy_protocol,
  proxy_not_trusted,
  malformed,  ///< value: how
  header_too_large,
  path,  ///< value: the path
  client_bundle,
  transport,  ///< value: what was asked for
  session,
  method,  ///< value: the method
  no_upgrade,
  upgrade_protocol,  ///< value: what was asked for
  key,
  version,
  subprotocol,
  engine_version,  ///< value: what was asked for
  body,
  options,
  early_frames,
  pipelined,
  origin,  ///< value: what it is
  address_connections,
  address_rate,
  metrics_off,
  incomplete,  ///< value: how long the broker waited, in ms
};
inline constexpr std::size_t kRequestFaults = enum_count<RequestFault>();

/// Values chosen by the client are truncated. The query is left out, since it holds authentication
/// data.
struct RequestRefusal {
  RequestFault fault;
  std::string value{};
  std::string node{};  ///< the id in the query, not authenticated; empty: none
};

/// The part of a client's text that the log shows.
std::string shown(std::string_view text);

/// A path without anything that may be a query: a proxy or a client may have encoded or replaced
/// its ? and &.
std::string shown_path(std::string_view path);

/// The word at the start of a parameter's value: what follows may be the rest of the query.
std::string shown_word(std::string_view value);

}  // namespace crolang::net
