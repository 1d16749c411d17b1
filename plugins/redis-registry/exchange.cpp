#include "redis-registry/exchange.hpp"

#include <algorithm>
#include <utility>

namespace crolang::redis_registry {

using plugin::Status;

namespace {

// A broker that lives answers in milliseconds. One whose subscription broke while the message was
// on its way never will, and what follows to the same receiver waits for this one.
constexpr std::chrono::milliseconds kLongestWay{3000};
// The other broker needs its time for the session; the way there and back needs little.
constexpr std::chrono::milliseconds kWayOfAProbe{500};
// Messages with longer pauses between them are no traffic.
constexpr std::chrono::milliseconds kRare{1000};

}  // namespace

Exchange::Batch& Exchange::batch_for(Peer& peer, std::string_view instance) {
  Batch& batch = peer.filling;
  if (batch.bytes.empty()) {
    batch.instance = instance;
    append_head(batch.bytes, instance_);
    filling_.push_back(&peer);
  }
  return batch;
}

void Exchange::close_if_full(Peer& peer) {
  if (peer.filling.bytes.size() < kFullBatch) return;
  full_.push_back(std::exchange(peer.filling, {}));
  peer.waits = false;
  std::erase(filling_, &peer);
}

void Exchange::send(Send message, TimePoint now) {
  Peer& to = peers_[message.instance];
  if (to.open_bytes > kMaxOpenBytes) {
    message.answer.fail(Status::unavailable, "the broker of the receiver is too far behind");
    return;
  }
  to.between = (to.between * 7 + std::min<Duration>(now - to.last_message, kRare)) / 8;
  to.last_message = now;
  const std::uint64_t request = ++last_request_;
  Batch& batch = batch_for(to, message.instance);
  to.waits = false;
  const std::size_t before = batch.bytes.size();
  append(batch.bytes, MessageRecord{request, message.to.token, message.to.id, message.body});
  batch.requests.push_back(request);
  const std::size_t bytes = batch.bytes.size() - before;
  to.open_bytes += bytes;
  const TimePoint deadline = now + std::min(message.answer.deadline(), kLongestWay);
  messages_.emplace(request, OpenMessage{std::move(message.answer), std::move(message.to),
                                         std::move(message.instance), bytes, deadline});
  close_if_full(to);
}

void Exchange::probe(Probe probe, TimePoint now) {
  const std::uint64_t request = ++last_request_;
  Peer& to = peers_[probe.instance];
  Batch& batch = batch_for(to, probe.instance);
  to.waits = false;
  append(batch.bytes,
         ProbeRecord{request, probe.incumbent.token,
                     static_cast<std::uint32_t>(probe.timeout.count()), probe.incumbent.id});
  batch.requests.push_back(request);
  const TimePoint deadline = now + std::min(probe.timeout + kWayOfAProbe, probe.answer.deadline());
  probes_.emplace(request,
                  OpenProbe{std::move(probe.answer), std::move(probe.incumbent), deadline});
  close_if_full(to);
}

void Exchange::answer(const Answered& answered, TimePoint now) {
  // Who asks names itself, and is answered there: not under any number of names.
  if (peers_.size() >= kMaxPeers && !peers_.contains(*answered.instance)) return;
  Peer& to = peers_[*answered.instance];
  const bool is_first = to.filling.bytes.empty();
  Batch& batch = batch_for(to, *answered.instance);
  std::visit([&](const auto& record) { append(batch.bytes, record); }, answered.record);
  const bool is_reply = std::holds_alternative<ReplyRecord>(answered.record);
  if (is_first && is_reply && may_wait(to, now)) {
    to.waits = true;
    to.since = now;
  } else if (!is_reply) {
    to.waits = false;
  }
  close_if_full(to);
}

bool Exchange::may_wait(const Peer& peer, TimePoint now) {
  return peer.between < kCompany && now - peer.last_message < kCompany && now >= peer.alone_until;
}

std::vector<Exchange::Batch> Exchange::take_due(TimePoint now) {
  std::vector<Batch> batches = take_full();
  due_ = TimePoint::max();
  std::erase_if(filling_, [&](Peer* to) {
    if (to->waits && now < to->since + kCompany) {
      due_ = std::min(due_, to->since + kCompany);
      return false;
    }
    if (std::exchange(to->waits, false)) to->alone_until = now + kAloneAfterAll;
    batches.push_back(std::exchange(to->filling, {}));
    return true;
  });
  return batches;
}

std::vector<Exchange::Batch> Exchange::take_all() {
  std::vector<Batch> batches = take_full();
  for (Peer* to : std::exchange(filling_, {})) {
    to->waits = false;
    batches.push_back(std::exchange(to->filling, {}));
  }
  due_ = TimePoint::max();
  return batches;
}

template <class Settle>
void Exchange::settle_message(std::uint64_t request, Settle&& settle) {
  const auto found = messages_.find(request);
  if (found == messages_.end()) return;
  OpenMessage message = std::move(found->second);
  messages_.erase(found);
  peers_[message.instance].open_bytes -= message.bytes;
  settle(message.answer);
}

void Exchange::on_reply(const ReplyRecord& reply) {
  settle_message(reply.request, [&](plugin::YesNo& answer) {
    if (reply.outcome == Outcome::could_not) {
      answer.fail(Status::unavailable, "the broker of the receiver could not take the message");
    } else {
      answer.decide(reply.outcome == Outcome::taken);
    }
  });
}

void Exchange::on_verdict(const VerdictRecord& verdict) {
  const auto found = probes_.find(verdict.request);
  if (found == probes_.end()) return;
  plugin::Verdict answer = std::move(found->second.answer);
  probes_.erase(found);
  answer.verdict(verdict.verdict);
}

void Exchange::on_refused(const Batch& batch) {
  for (const std::uint64_t request : batch.requests) {
    settle_message(request, [](plugin::YesNo& answer) {
      answer.fail(Status::unavailable, "Redis refused the message");
    });
    on_verdict({request, CROLANG_UNREACHABLE});
  }
}

void Exchange::on_unheard(std::uint64_t request, bool lease_stands) {
  settle_message(request, [&](plugin::YesNo& answer) {
    if (lease_stands) {
      answer.fail(Status::unavailable, "the broker of the receiver does not listen");
    } else {
      answer.no();
    }
  });
  on_verdict(
      {request, lease_stands ? std::uint8_t{CROLANG_UNREACHABLE} : std::uint8_t{CROLANG_GONE}});
}

const OwnedClaim* Exchange::receiver(std::uint64_t request) const {
  if (const auto found = messages_.find(request); found != messages_.end())
    return &found->second.to;
  if (const auto found = probes_.find(request); found != probes_.end())
    return &found->second.incumbent;
  return nullptr;
}

void Exchange::tick(TimePoint now) {
  std::vector<std::uint64_t> late;
  for (const auto& [request, message] : messages_) {
    if (now >= message.deadline) late.push_back(request);
  }
  for (const std::uint64_t request : late) {
    settle_message(request, [](plugin::YesNo& answer) {
      answer.fail(Status::timeout, "the broker of the receiver did not answer in time");
    });
  }
  late.clear();
  for (const auto& [request, probe] : probes_) {
    if (now >= probe.deadline) late.push_back(request);
  }
  for (const std::uint64_t request : late) on_verdict({request, CROLANG_UNREACHABLE});
  std::erase_if(peers_, [now](const auto& each) {
    const Peer& known = each.second;
    return known.open_bytes == 0 && known.filling.bytes.empty() && now >= known.alone_until &&
           now - known.last_message >= kRare;
  });
}

void Exchange::on_lost() {
  // Without a list of its own, since there may be no memory for one.
  for (const Batch& batch : full_) on_refused(batch);
  full_.clear();
  for (const Peer* to : filling_) on_refused(to->filling);
  filling_.clear();
  due_ = TimePoint::max();
  for (auto& [request, message] : std::exchange(messages_, {})) {
    message.answer.fail(Status::timeout, "Redis was lost before the receiver's broker answered");
  }
  peers_.clear();
  for (auto& [request, probe] : std::exchange(probes_, {})) probe.answer.unreachable();
}

void Exchange::cancel() {
  take_all();
  for (auto& [request, message] : std::exchange(messages_, {})) {
    message.answer.fail(Status::cancelled);
  }
  peers_.clear();
  for (auto& [request, probe] : std::exchange(probes_, {})) probe.answer.fail(Status::cancelled);
}

}  // namespace crolang::redis_registry
