#pragma once
/// The questions about nodes that other instances ask this one (registry.h, `ask`), as JSON:
///
///   nodes {"prefix":"…","after":"…","limit":n}
///       → {"nodes":[{"id":"…",…}],"completeTo":"…"|null}, at most kMaxPageBytes
///   node ID → {"id":"…",…} or null
///   disconnect {"id":"…","reconnect":true|false,"by":"…","reason":"…"} →
///   {"disconnected":true|false}
///
/// Threads: any.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "broker/node_list.hpp"
#include "broker/node_report.hpp"

namespace crolang::broker {

struct SharedState;

/// Pages are cut at this size, so that they fit into an answer.
inline constexpr std::size_t kMaxPageBytes = std::size_t{900} * 1024;

/// Before the registry is bound. Thread: control.
void add_node_questions(SharedState& shared);

// ---- The questions, for those who ask.

std::string nodes_question(const NodeQuery& query);
std::string node_question(std::string_view id);

struct Disconnection {
  enum class Then : std::uint8_t {
    stays_away,  ///< `41` and a close frame: most clients do not come back by themselves
    reconnects,  ///< the end of TCP, as in a drain
  };

  std::string id;
  Then then = Then::stays_away;
  std::string by;      ///< who wants it, for the log
  std::string reason;  ///< for the log; may be empty
};
std::string disconnect_question(const Disconnection& disconnection);

// ---- The same for this instance's nodes. `reply` is called once, on any thread, perhaps before
// these return; not at all if the worker has no memory for it, or stops.

/// nullopt: no such node has joined here.
void report_node(SharedState& shared, std::string_view id,
                 std::function<void(std::optional<NodeReport>)> reply);
/// False: no such node has joined here.
void disconnect_node(SharedState& shared, const Disconnection& disconnection,
                     std::function<void(bool)> reply);

/// `{"nodes":[…],"completeTo":…}`
std::string page_json(const NodePage& page, std::string_view instance);

}  // namespace crolang::broker
