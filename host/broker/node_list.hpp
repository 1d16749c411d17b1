#pragma once
/// Lists the nodes of this instance, sorted by id, a page at a time. Every worker looks at its own
/// connections, some of them in each iteration of its loop, and keeps the first ids that follow the
/// cursor; no lock is held, and no worker waits.
///
/// Threads: list_nodes and merge_pages on any; NodeScan on one worker.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/node_report.hpp"
#include "broker/ports.hpp"
#include "session/handle.hpp"

namespace crolang::broker {

struct SharedState;

inline constexpr std::size_t kMaxPage = 1000;

struct NodeQuery {
  std::string prefix;       ///< of the ids; in bytes
  std::string after;        ///< the ids that follow this one in the order of bytes; empty: all
  std::size_t limit = 100;  ///< 1 to kMaxPage
};

struct NodePage {
  std::vector<NodeReport> nodes;  ///< sorted by id
  /// Nodes with ids behind this one are not in `nodes`; nullopt: these are all.
  std::optional<std::string> complete_to;
};

/// The first `limit` nodes of several pages for the same query.
NodePage merge_pages(std::vector<NodePage> pages, std::size_t limit);

/// One worker's part of a list.
class NodeScan {
 public:
  using Done = std::function<void(NodePage)>;

  NodeScan(NodeQuery query, Done done);

  enum class Progress : std::uint8_t { more, finished };
  /// Looks at some more connections. Once all were looked at, it calls `done`. Throws
  /// std::bad_alloc.
  Progress advance(LocalSessions& sessions);

 private:
  struct Found {
    std::string id;
    session::SessionHandle session;
  };
  void consider(const Node& node);

  const NodeQuery query_;
  const Done done_;
  std::uint32_t next_ = 0;    // slot
  std::vector<Found> found_;  // a heap, at most query_.limit: the first ids so far
  bool has_more_ = false;     // than are in found_
};

/// `reply` gets the page on any thread, once; not at all if a worker has no memory for it, or
/// stops.
void list_nodes(SharedState& shared, const NodeQuery& query, std::function<void(NodePage)> reply);

}  // namespace crolang::broker
