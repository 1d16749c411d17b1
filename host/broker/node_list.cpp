#include "broker/node_list.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include "broker/command.hpp"
#include "broker/shared_state.hpp"

namespace crolang::broker {
namespace {

// About 0.2 ms if all are nodes.
constexpr std::uint32_t kSlotsPerIteration = 1024;

/// The pages of the workers, for one list.
class Gathering {
 public:
  Gathering(std::size_t workers, std::size_t limit, std::function<void(NodePage)> reply)
      : open_(workers), limit_(limit), reply_(std::move(reply)) {}

  void add(NodePage page) {
    {
      const std::lock_guard lock(mutex_);
      pages_.push_back(std::move(page));
      if (--open_ != 0) return;
    }
    reply_(merge_pages(std::move(pages_), limit_));
  }

 private:
  std::mutex mutex_;  // guards what follows, until open_ is 0
  std::size_t open_;
  std::vector<NodePage> pages_;
  const std::size_t limit_;
  const std::function<void(NodePage)> reply_;
};

}  // namespace

NodePage merge_pages(std::vector<NodePage> pages, std::size_t limit) {
  NodePage merged;
  for (NodePage& page : pages) {
    if (page.complete_to && (!merged.complete_to || *page.complete_to < *merged.complete_to)) {
      merged.complete_to = std::move(page.complete_to);
    }
    std::ranges::move(page.nodes, std::back_inserter(merged.nodes));
  }
  std::ranges::sort(merged.nodes, {}, &NodeReport::id);
  if (merged.complete_to) {
    const auto behind =
        std::ranges::upper_bound(merged.nodes, *merged.complete_to, {}, &NodeReport::id);
    merged.nodes.erase(behind, merged.nodes.end());
  }
  if (merged.nodes.size() > limit) {
    merged.nodes.resize(limit);
    merged.complete_to = merged.nodes.back().id;
  }
  return merged;
}

NodeScan::NodeScan(NodeQuery query, Done done) : query_(std::move(query)), done_(std::move(done)) {}

void NodeScan::consider(const Node& node) {
  const std::string_view id = node.id();
  if (!id.starts_with(query_.prefix) || id <= query_.after) return;
  if (found_.size() == query_.limit) {
    has_more_ = true;
    if (id >= found_.front().id) return;
    std::ranges::pop_heap(found_, {}, &Found::id);
    found_.pop_back();
  }
  found_.push_back({std::string(id), node.handle()});
  std::ranges::push_heap(found_, {}, &Found::id);
}

NodeScan::Progress NodeScan::advance(LocalSessions& sessions) {
  const auto next = sessions.visit_joined(next_, kSlotsPerIteration,
                                          [this](const Node& node) { consider(node); });
  if (next) {
    next_ = *next;
    return Progress::more;
  }
  NodePage page;
  std::ranges::sort_heap(found_, {}, &Found::id);
  if (has_more_) page.complete_to = found_.back().id;
  page.nodes.reserve(found_.size());
  for (const Found& each : found_) {
    const Node* const node = sessions.find(each.session);
    // It may have left since it was found.
    if (node == nullptr || node->state() != session::State::joined) continue;
    page.nodes.push_back(report_of(*node, sessions.client_of(*node)));
  }
  done_(std::move(page));
  return Progress::finished;
}

void list_nodes(SharedState& shared, const NodeQuery& query, std::function<void(NodePage)> reply) {
  const std::uint16_t workers = shared.workers.count();
  const auto gathering = std::make_shared<Gathering>(workers, query.limit, std::move(reply));
  for (std::uint16_t worker = 0; worker < workers; ++worker) {
    auto scan = std::make_shared<NodeScan>(
        query, [gathering](NodePage page) { gathering->add(std::move(page)); });
    shared.workers.post(worker, ScanNodes{worker, std::move(scan)});
  }
}

}  // namespace crolang::broker
