#include "redis-registry/peer_messaging.hpp"

#include <algorithm>
#include <utility>

namespace crolang::redis_registry {

using plugin::Status;

namespace {

constexpr std::string_view kMessageLost =
    "the connection to Redis was lost before the receiver's broker answered";
constexpr std::string_view kQuestionLost = "Redis was lost before that instance answered";

// Added to a probe's timeout for the round trip between the brokers.
constexpr std::chrono::milliseconds kProbeTransit{500};
// A question is given up this long before the broker's own timeout, so that the broker gets a
// reason instead of a late answer. Longer than the interval between two calls of tick.
constexpr std::chrono::milliseconds kQuestionMargin{200};

const ReplyRecord& view_of(const ReplyRecord& record) {
  return record;
}
const ProbeResultRecord& view_of(const ProbeResultRecord& record) {
  return record;
}
AnswerRecord view_of(const OwnedAnswer& answer) {
  return {answer.request, answer.status, answer.text};
}

}  // namespace

PeerMessaging::Batch& PeerMessaging::batch_for(Peer& peer, std::string_view instance) {
  Batch& batch = peer.filling;
  if (batch.bytes.empty()) {
    batch.instance = instance;
    append_head(batch.bytes, instance_);
    filling_.push_back(&peer);
  }
  return batch;
}

void PeerMessaging::close_if_full(Peer& peer) {
  if (peer.filling.bytes.size() < kFullBatch) return;
  full_.push_back(std::exchange(peer.filling, {}));
  peer.is_delayed = false;
  std::erase(filling_, &peer);
}

void PeerMessaging::send(Send message, TimePoint now) {
  Peer& to = peers_[message.instance];
  if (to.open_bytes > kMaxOpenBytes) {
    message.answer.fail(Status::unavailable, "the receiver's broker is too far behind");
    return;
  }
  to.delay.on_message(now);
  const std::uint64_t request = ++last_request_;
  Batch& batch = batch_for(to, message.instance);
  if (std::exchange(to.is_delayed, false)) to.delay.on_success();
  const std::size_t before = batch.bytes.size();
  append(batch.bytes, MessageRecord{request, message.to.lent(), message.body});
  batch.requests.push_back(request);
  const std::size_t bytes = batch.bytes.size() - before;
  to.open_bytes += bytes;
  const TimePoint deadline = now + std::min(message.answer.deadline(), kMessageTimeout);
  messages_.emplace(request, OpenMessage{std::move(message.answer), std::move(message.to),
                                         std::move(message.instance), bytes, deadline});
  close_if_full(to);
}

void PeerMessaging::probe(Probe probe, TimePoint now) {
  const std::uint64_t request = ++last_request_;
  Peer& to = peers_[probe.instance];
  Batch& batch = batch_for(to, probe.instance);
  to.is_delayed = false;
  append(batch.bytes, ProbeRecord{request, static_cast<std::uint32_t>(probe.timeout.count()),
                                  probe.incumbent.lent()});
  batch.requests.push_back(request);
  const TimePoint deadline = now + std::min(probe.timeout + kProbeTransit, probe.answer.deadline());
  probes_.emplace(request,
                  OpenProbe{std::move(probe.answer), std::move(probe.incumbent), deadline});
  close_if_full(to);
}

void PeerMessaging::ask(Ask question, TimePoint now) {
  if (question.body.size() > CROLANG_MAX_ASK) {
    question.answer.fail(Status::invalid, "the question is too long");
    return;
  }
  Peer& to = peers_[question.instance];
  if (to.open_bytes > kMaxOpenBytes) {
    question.answer.fail(Status::unavailable, "that broker is too far behind");
    return;
  }
  const std::uint64_t request = ++last_request_;
  Batch& batch = batch_for(to, question.instance);
  to.is_delayed = false;
  const auto timeout = question.answer.deadline();
  const std::size_t before = batch.bytes.size();
  append(batch.bytes,
         QuestionRecord{request, static_cast<std::uint32_t>(timeout.count()), question.body});
  batch.requests.push_back(request);
  const std::size_t bytes = batch.bytes.size() - before;
  to.open_bytes += bytes;
  const TimePoint deadline = now + timeout - std::min(timeout / 2, kQuestionMargin);
  questions_.emplace(request, OpenQuestion{std::move(question.answer), std::move(question.instance),
                                           bytes, deadline});
  close_if_full(to);
}

void PeerMessaging::answer(const Answered& answered, TimePoint now) {
  // A reply is sent to the name that the sender states, which anyone may choose: limits the number
  // of peers.
  if (peers_.size() >= kMaxPeers && !peers_.contains(*answered.instance)) return;
  Peer& to = peers_[*answered.instance];
  const bool is_first = to.filling.bytes.empty();
  Batch& batch = batch_for(to, *answered.instance);
  std::visit([&](const auto& record) { append(batch.bytes, view_of(record)); }, answered.record);
  const bool is_reply = std::holds_alternative<ReplyRecord>(answered.record);
  if (is_first && is_reply && to.delay.may_delay(now)) {
    to.is_delayed = true;
    to.delayed_since = now;
  } else if (!is_reply) {
    to.is_delayed = false;
  }
  close_if_full(to);
}

std::vector<PeerMessaging::Batch> PeerMessaging::take_due(TimePoint now) {
  std::vector<Batch> batches = take_full();
  due_ = TimePoint::max();
  std::erase_if(filling_, [&](Peer* to) {
    if (to->is_delayed && now < to->delayed_since + kReplyDelay) {
      due_ = std::min(due_, to->delayed_since + kReplyDelay);
      return false;
    }
    if (std::exchange(to->is_delayed, false)) to->delay.on_vain(now);
    batches.push_back(std::exchange(to->filling, {}));
    return true;
  });
  return batches;
}

std::vector<PeerMessaging::Batch> PeerMessaging::take_all() {
  std::vector<Batch> batches = take_full();
  for (Peer* to : std::exchange(filling_, {})) {
    to->is_delayed = false;
    batches.push_back(std::exchange(to->filling, {}));
  }
  due_ = TimePoint::max();
  return batches;
}

template <class Settle>
void PeerMessaging::settle_message(std::uint64_t request, Settle&& settle) {
  const auto found = messages_.find(request);
  if (found == messages_.end()) return;
  OpenMessage message = std::move(found->second);
  messages_.erase(found);
  peers_[message.instance].open_bytes -= message.bytes;
  settle(message.answer);
}

template <class Settle>
void PeerMessaging::settle_question(std::uint64_t request, Settle&& settle) {
  const auto found = questions_.find(request);
  if (found == questions_.end()) return;
  OpenQuestion question = std::move(found->second);
  questions_.erase(found);
  peers_[question.instance].open_bytes -= question.bytes;
  settle(question.answer);
}

void PeerMessaging::on_answer(const AnswerRecord& answer) {
  settle_question(answer.request, [&](plugin::Text& asked) {
    asked.pass_on(answer.status, answer.text, answer.text);
  });
}

void PeerMessaging::on_questions_without_subscriber(const Batch& batch) {
  for (const std::uint64_t request : batch.requests) {
    settle_question(request, [](plugin::Text& answer) {
      answer.fail(Status::unavailable, "no such instance, or it is not subscribed");
    });
  }
}

void PeerMessaging::on_reply(const ReplyRecord& reply) {
  settle_message(reply.request, [&](plugin::YesNo& answer) {
    if (reply.outcome == Outcome::cannot_accept) {
      answer.fail(Status::unavailable, "the receiver's broker could not take the message");
    } else {
      answer.decide(reply.outcome == Outcome::taken);
    }
  });
}

void PeerMessaging::on_probed(const ProbeResultRecord& result) {
  const auto found = probes_.find(result.request);
  if (found == probes_.end()) return;
  plugin::Probed answer = std::move(found->second.answer);
  probes_.erase(found);
  answer.result(result.result);
}

void PeerMessaging::on_refused(const Batch& batch) {
  for (const std::uint64_t request : batch.requests) {
    settle_message(request, [](plugin::YesNo& answer) {
      answer.fail(Status::unavailable, "Redis refused the message");
    });
    on_probed({request, CROLANG_UNREACHABLE});
    settle_question(request, [](plugin::Text& answer) {
      answer.fail(Status::unavailable, "Redis refused the question");
    });
  }
}

void PeerMessaging::on_lost(const Batch& batch) {
  for (const std::uint64_t request : batch.requests) {
    settle_message(request,
                   [](plugin::YesNo& answer) { answer.fail(Status::timeout, kMessageLost); });
    on_probed({request, CROLANG_UNREACHABLE});
    settle_question(request,
                    [](plugin::Text& answer) { answer.fail(Status::timeout, kQuestionLost); });
  }
}

void PeerMessaging::on_no_subscriber(std::uint64_t request, bool is_lease_held) {
  settle_message(request, [&](plugin::YesNo& answer) {
    if (is_lease_held) {
      answer.fail(Status::unavailable, "the receiver's broker is not subscribed to its channel");
    } else {
      answer.no();
    }
  });
  on_probed(
      {request, is_lease_held ? std::uint8_t{CROLANG_UNREACHABLE} : std::uint8_t{CROLANG_GONE}});
}

const OwnedLease* PeerMessaging::receiver(std::uint64_t request) const {
  if (const auto found = messages_.find(request); found != messages_.end())
    return &found->second.to;
  if (const auto found = probes_.find(request); found != probes_.end())
    return &found->second.incumbent;
  return nullptr;
}

void PeerMessaging::tick(TimePoint now) {
  std::vector<std::uint64_t> late;
  for (const auto& [request, message] : messages_) {
    if (now >= message.deadline) late.push_back(request);
  }
  for (const std::uint64_t request : late) {
    settle_message(request, [](plugin::YesNo& answer) {
      answer.fail(Status::timeout, "the receiver's broker did not answer in time");
    });
  }
  late.clear();
  for (const auto& [request, probe] : probes_) {
    if (now >= probe.deadline) late.push_back(request);
  }
  for (const std::uint64_t request : late) on_probed({request, CROLANG_UNREACHABLE});
  late.clear();
  for (const auto& [request, question] : questions_) {
    if (now >= question.deadline) late.push_back(request);
  }
  for (const std::uint64_t request : late) {
    settle_question(request, [](plugin::Text& answer) {
      answer.fail(Status::timeout, "that instance did not answer in time");
    });
  }
  std::erase_if(peers_, [now](const auto& each) {
    const Peer& known = each.second;
    return known.open_bytes == 0 && known.filling.bytes.empty() && known.delay.is_idle(now);
  });
}

void PeerMessaging::on_connection_lost() {
  // Does not collect them first, since there may be no memory for a list.
  for (const Batch& batch : full_) on_refused(batch);
  full_.clear();
  for (const Peer* to : filling_) on_refused(to->filling);
  filling_.clear();
  due_ = TimePoint::max();
  for (auto& [request, message] : std::exchange(messages_, {})) {
    message.answer.fail(Status::timeout, kMessageLost);
  }
  peers_.clear();
  for (auto& [request, probe] : std::exchange(probes_, {})) probe.answer.unreachable();
  for (auto& [request, question] : std::exchange(questions_, {})) {
    question.answer.fail(Status::timeout, kQuestionLost);
  }
}

void PeerMessaging::cancel() {
  take_all();
  for (auto& [request, message] : std::exchange(messages_, {})) {
    message.answer.fail(Status::cancelled);
  }
  peers_.clear();
  for (auto& [request, probe] : std::exchange(probes_, {})) probe.answer.fail(Status::cancelled);
  for (auto& [request, question] : std::exchange(questions_, {})) {
    question.answer.fail(Status::cancelled);
  }
}

}  // namespace crolang::redis_registry
