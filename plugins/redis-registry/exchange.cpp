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

}  // namespace

Exchange::Batch& Exchange::batch_for(std::string_view instance) {
  Batch& batch = filling_[std::string(instance)];
  if (batch.bytes.empty()) {
    batch.instance = instance;
    append_head(batch.bytes, instance_);
  }
  return batch;
}

void Exchange::close_if_full(Batch& batch) {
  if (batch.bytes.size() < kFullBatch) return;
  full_.push_back(std::exchange(batch, {}));
}

void Exchange::send(Send message, TimePoint now) {
  std::size_t& open = open_bytes_[message.instance];
  if (open > kMaxOpenBytes) {
    message.answer.fail(Status::unavailable, "the broker of the receiver is too far behind");
    return;
  }
  const std::uint64_t request = ++last_request_;
  Batch& batch = batch_for(message.instance);
  const std::size_t before = batch.bytes.size();
  append(batch.bytes, MessageRecord{request, message.to.token, message.to.id, message.body});
  batch.requests.push_back(request);
  const std::size_t bytes = batch.bytes.size() - before;
  open += bytes;
  const TimePoint deadline = now + std::min(message.answer.deadline(), kLongestWay);
  messages_.emplace(request, OpenMessage{std::move(message.answer), std::move(message.to),
                                         std::move(message.instance), bytes, deadline});
  close_if_full(batch);
}

void Exchange::probe(Probe probe, TimePoint now) {
  const std::uint64_t request = ++last_request_;
  Batch& batch = batch_for(probe.instance);
  append(batch.bytes,
         ProbeRecord{request, probe.incumbent.token,
                     static_cast<std::uint32_t>(probe.timeout.count()), probe.incumbent.id});
  batch.requests.push_back(request);
  const TimePoint deadline = now + std::min(probe.timeout + kWayOfAProbe, probe.answer.deadline());
  probes_.emplace(request,
                  OpenProbe{std::move(probe.answer), std::move(probe.incumbent), deadline});
  close_if_full(batch);
}

void Exchange::answer(const Answered& answered) {
  Batch& batch = batch_for(*answered.instance);
  std::visit([&](const auto& record) { append(batch.bytes, record); }, answered.record);
  close_if_full(batch);
}

std::vector<Exchange::Batch> Exchange::take_all() {
  std::vector<Batch> batches = take_full();
  for (auto& [instance, batch] : filling_) {
    if (!batch.bytes.empty()) batches.push_back(std::move(batch));
  }
  filling_.clear();
  return batches;
}

template <class Settle>
void Exchange::settle_message(std::uint64_t request, Settle&& settle) {
  const auto found = messages_.find(request);
  if (found == messages_.end()) return;
  OpenMessage message = std::move(found->second);
  messages_.erase(found);
  const auto open = open_bytes_.find(message.instance);
  open->second -= message.bytes;
  if (open->second == 0) open_bytes_.erase(open);
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
}

void Exchange::on_lost() {
  for (const Batch& batch : take_all()) on_refused(batch);
  for (auto& [request, message] : std::exchange(messages_, {})) {
    message.answer.fail(Status::timeout, "Redis was lost before the receiver's broker answered");
  }
  open_bytes_.clear();
  for (auto& [request, probe] : std::exchange(probes_, {})) probe.answer.unreachable();
}

void Exchange::cancel() {
  filling_.clear();
  full_.clear();
  for (auto& [request, message] : std::exchange(messages_, {})) {
    message.answer.fail(Status::cancelled);
  }
  open_bytes_.clear();
  for (auto& [request, probe] : std::exchange(probes_, {})) probe.answer.fail(Status::cancelled);
}

}  // namespace crolang::redis_registry
