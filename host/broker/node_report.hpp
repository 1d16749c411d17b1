#pragma once
/// What operators are told about a node: never its `data`, nor anything that it sends.
/// Threads: report_of on the node's worker; the rest any.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/node.hpp"
#include "client_address/address.hpp"
#include "session/session.hpp"

namespace crolang::broker {

struct NodeReport {
  std::string id;
  std::chrono::system_clock::time_point since{};  ///< it joined
  std::string version;                            ///< as it has stated, perhaps not UTF-8
  std::string runtime;                            ///< likewise
  client_address::Address address;
  std::optional<std::chrono::microseconds> round_trip;  ///< of the last heartbeat
  std::uint64_t messages_in = 0;                        ///< that it has sent to others
  std::uint64_t messages_out = 0;                       ///< of others to it
  std::uint64_t bytes_in = 0;                           ///< of its WebSocket, since the 101
  std::uint64_t bytes_out = 0;                          ///< that its socket has taken
  std::size_t outbox_bytes = 0;                         ///< that wait to be sent
};

/// Of a node that has joined. Version and runtime are cut at kMaxReportedText bytes.
NodeReport report_of(const Node& node, const client_address::Address& client);
inline constexpr std::size_t kMaxReportedText = 128;

/// Appends `{"id":…,"instance":…,"since":…,…}`.
void append_json(std::string& out, const NodeReport& node, std::string_view instance);

/// RFC 3339, in UTC, with milliseconds: `2026-01-02T03:04:05.678Z`.
std::string rfc3339(std::chrono::system_clock::time_point time);

}  // namespace crolang::broker
