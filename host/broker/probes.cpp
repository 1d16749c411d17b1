#include "broker/probes.hpp"

#include <algorithm>

#include "crolang/plugin.h"

namespace crolang::broker {

namespace {

// Newcomers that share one probe. Without a limit, any client with write access to Redis could add
// an unlimited number.
constexpr std::size_t kMaxWaiting = 4096;

}  // namespace

void Probes::begin(session::SessionHandle handle, std::uint64_t token, TimePoint now,
                   std::chrono::milliseconds timeout, Reply reply) {
  Node* node = sessions_.find(handle);
  if (node == nullptr || node->token() != token || node->state() == session::State::closing) {
    reply(CROLANG_GONE);
    return;
  }
  // A node is not evicted during its admission: it has no transport yet, or has sent a new CONNECT.
  if (node->state() == session::State::admitting || node->state() == session::State::readmitting) {
    reply(CROLANG_UNREACHABLE);
    return;
  }
  const auto [found, is_new] = probes_.try_emplace(handle.slot);
  Probe& probe = found->second;
  if (probe.waiting.size() >= kMaxWaiting) {
    reply(CROLANG_UNREACHABLE);
    return;
  }
  probe.waiting.push_back(std::move(reply));
  if (!is_new) return;
  probe.session = handle;
  probe.deadline = now + timeout;
  probe.acked = sessions_.bytes_acked_while_queued(*node);
  node->start_activity_reports();
  node->ping(context_);
}

void Probes::on_activity(Node& node) {
  finish(node.handle().slot, CROLANG_ALIVE);
}

void Probes::on_end(Node& node) {
  finish(node.handle().slot, CROLANG_GONE);
}

void Probes::tick(TimePoint now) {
  std::vector<std::uint32_t> due;
  for (const auto& [slot, probe] : probes_) {
    if (probe.deadline <= now) due.push_back(slot);
  }
  for (const std::uint32_t slot : due) {
    const Probe& probe = probes_.at(slot);
    Node* node = sessions_.find(probe.session);
    if (node == nullptr) {
      finish(slot, CROLANG_GONE);
      continue;
    }
    if (probe.acked && sessions_.bytes_acked_while_queued(*node) != probe.acked) {
      finish(slot, CROLANG_ALIVE);
      continue;
    }
    // The probe is removed first, so that on_end does not report the session as gone.
    std::vector<Reply> waiting = std::move(probes_.at(slot).waiting);
    probes_.erase(slot);
    node->stop_activity_reports();
    node->disconnect_permanently(context_, session::EndReason::yielded);
    sessions_.deadline_changed(*node);
    for (const Reply& reply : waiting) reply(CROLANG_YIELDED);
  }
}

Probes::TimePoint Probes::deadline() const {
  TimePoint first = TimePoint::max();
  for (const auto& [slot, probe] : probes_) first = std::min(first, probe.deadline);
  return first;
}

void Probes::finish(std::uint32_t slot, std::int32_t result) {
  const auto found = probes_.find(slot);
  if (found == probes_.end()) return;
  const Probe probe = std::move(found->second);
  probes_.erase(found);
  if (Node* node = sessions_.find(probe.session)) node->stop_activity_reports();
  for (const Reply& reply : probe.waiting) reply(result);
}

}  // namespace crolang::broker
