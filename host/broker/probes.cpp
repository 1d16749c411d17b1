#include "broker/probes.hpp"

#include <algorithm>

#include "crolang/plugin.h"

namespace crolang::broker {

using session::Session;

namespace {

// Who waits for one verdict. Anybody who can write to Redis may ask, as often as they like.
constexpr std::size_t kMaxWaiting = 4096;

}  // namespace

void Probes::begin(session::SessionHandle handle, std::uint64_t token, TimePoint now,
                   std::chrono::milliseconds timeout, Reply reply) {
  Session* session = sessions_.find(handle);
  if (session == nullptr || session->token() != token ||
      session->state() == session::State::closing) {
    reply(CROLANG_GONE);
    return;
  }
  // It has no transport yet, or is being let in anew: who is at the door is never evicted.
  if (session->state() == session::State::admitting ||
      session->state() == session::State::readmitting) {
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
  probe.backlog = sessions_.backlog_progress(*session);
  session->watch(true);
  session->ping(bench_);
}

void Probes::on_sign_of_life(Session& session) {
  settle(session.handle().slot, CROLANG_ALIVE);
}

void Probes::on_end(Session& session) {
  settle(session.handle().slot, CROLANG_GONE);
}

void Probes::tick(TimePoint now) {
  std::vector<std::uint32_t> due;
  for (const auto& [slot, probe] : probes_) {
    if (probe.deadline <= now) due.push_back(slot);
  }
  for (const std::uint32_t slot : due) {
    const Probe& probe = probes_.at(slot);
    Session* session = sessions_.find(probe.session);
    if (session == nullptr) {
      settle(slot, CROLANG_GONE);
      continue;
    }
    if (probe.backlog && sessions_.backlog_progress(*session) != probe.backlog) {
      settle(slot, CROLANG_ALIVE);
      continue;
    }
    // Its waiters leave first, so that its end is not told to them as "gone" by on_end.
    std::vector<Reply> waiting = std::move(probes_.at(slot).waiting);
    probes_.erase(slot);
    session->watch(false);
    session->expel(bench_, session::EndReason::yielded);
    sessions_.touched(*session);
    for (const Reply& reply : waiting) reply(CROLANG_YIELDED);
  }
}

Probes::TimePoint Probes::deadline() const {
  TimePoint first = TimePoint::max();
  for (const auto& [slot, probe] : probes_) first = std::min(first, probe.deadline);
  return first;
}

void Probes::settle(std::uint32_t slot, std::int32_t verdict) {
  const auto found = probes_.find(slot);
  if (found == probes_.end()) return;
  const Probe probe = std::move(found->second);
  probes_.erase(found);
  if (Session* session = sessions_.find(probe.session)) session->watch(false);
  for (const Reply& reply : probe.waiting) reply(verdict);
}

}  // namespace crolang::broker
