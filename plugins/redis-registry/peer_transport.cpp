#include "redis-registry/peer_transport.hpp"

#include <array>
#include <cstdint>
#include <new>
#include <string>
#include <utility>
#include <variant>

#include "redis-registry/redis_reply.hpp"
#include "redis-registry/shards.hpp"

namespace crolang::redis_registry {

using plugin::Status;
using std::chrono::milliseconds;

PeerTransport::PeerTransport(ServiceContext& context, Shards& shards, Inbox<Request>& inbox)
    : context_(context), shards_(shards), inbox_(inbox), peers_(context.instance) {}

std::string PeerTransport::why_not(std::string_view instance) const {
  const Shard& shard = shards_.of_key(context_.channel(instance));
  return shard.is_up() ? "not subscribed to this broker's channel" : shard.gate().reason();
}

// ---- To other brokers ---------------------------------------------------------------------------

void PeerTransport::send(Send& send) {
  if (!shards_.reaches(send.instance)) {
    send.answer.fail(Status::unavailable, why_not(send.instance));
    return;
  }
  last_message_ = context_.now;
  peers_.send(std::move(send), context_.now);
  publish(peers_.take_full());
}

void PeerTransport::probe(Probe& probe) {
  if (shards_.reaches(probe.instance)) {
    peers_.probe(std::move(probe), context_.now);
  } else {
    probe.answer.unreachable();
  }
}

void PeerTransport::ask(Ask& question) {
  if (!shards_.reaches(question.instance)) {
    question.answer.fail(Status::unavailable, why_not(question.instance));
    return;
  }
  peers_.ask(std::move(question), context_.now);
  publish(peers_.take_full());
}

void PeerTransport::answer(Answered& answered) {
  if (shards_.is_any_up()) peers_.answer(answered, context_.now);
}

void PeerTransport::publish(std::vector<PeerMessaging::Batch> batches) {
  for (PeerMessaging::Batch& batch : batches) {
    const std::string channel = context_.channel(batch.instance);
    const std::string bytes = std::exchange(batch.bytes, {});
    context_.statistics.publications.add();
    shards_.publish(channel, bytes, [this, sent = std::move(batch)](const redisReply* reply) {
      // Whether it was delivered before the connection was lost is not
      // known: on_disconnected answers all, unless others go on.
      if (reply == nullptr) {
        if (shards_.is_cluster()) peers_.on_lost(sent);
      } else if (is_error(*reply)) {
        context_.warn("Redis refuses to publish: " + std::string(text_of(*reply)));
        peers_.on_refused(sent);
      } else if (reply->integer == 0) {
        on_no_subscriber(sent);
      }
    });
  }
}

void PeerTransport::on_no_subscriber(const PeerMessaging::Batch& batch) {
  peers_.on_questions_without_subscriber(batch);
  for (const std::uint64_t request : batch.requests) {
    const OwnedLease* const receiver = peers_.receiver(request);
    if (receiver == nullptr) continue;
    const std::string key = context_.key(receiver->id);
    shards_.command(key, std::array<std::string_view, 2>{"GET", key},
                    [this, request](const redisReply* reply) { on_lease(request, reply); });
  }
}

void PeerTransport::on_lease(std::uint64_t request, const redisReply* reply) {
  const OwnedLease* const receiver = peers_.receiver(request);
  if (receiver == nullptr) return;
  const bool is_foreign = reply != nullptr && text_of(*reply).starts_with("WRONGTYPE");
  const bool known = !has_failed(reply) || is_foreign;
  const auto holding = known && !is_foreign ? parse_value(text_of(*reply)) : std::nullopt;
  peers_.on_no_subscriber(request, !known || (holding && holding->token == receiver->token));
}

// ---- From other brokers -------------------------------------------------------------------------

void PeerTransport::on_batch(std::string_view batch) {
  BatchReader reader(batch);
  const auto sender = std::make_shared<const std::string>(reader.sender());
  while (const auto record = reader.next()) {
    try {
      std::visit([&](const auto& each) { on_record(sender, each); }, *record);
    } catch (const std::bad_alloc&) {
      // The sender gets no answer, and its requests time out.
      context_.warn("out of memory: dropped what another broker sent");
    }
  }
  if (!reader.has_head() || reader.is_malformed()) {
    context_.warn("ignored malformed message on this broker's channel");
  }
}

void PeerTransport::on_record(const std::shared_ptr<const std::string>& sender,
                              const MessageRecord& message) {
  last_message_ = context_.now;
  context_.events.on_message(message.to, message.body,
                             [this, sender, request = message.request](Status status, bool taken) {
                               const Outcome outcome = status != Status::ok ? Outcome::cannot_accept
                                                       : taken              ? Outcome::taken
                                                                            : Outcome::refused;
                               inbox_.push(Answered{sender, ReplyRecord{request, outcome}});
                             });
}

void PeerTransport::on_record(const std::shared_ptr<const std::string>&, const ReplyRecord& reply) {
  peers_.on_reply(reply);
}

void PeerTransport::on_record(const std::shared_ptr<const std::string>& sender,
                              const ProbeRecord& probe) {
  context_.events.on_probe(
      probe.incumbent, milliseconds(probe.timeout_ms),
      [this, sender, request = probe.request](Status status, std::int32_t result) {
        const auto known =
            static_cast<std::uint8_t>(status == Status::ok ? result : CROLANG_UNREACHABLE);
        inbox_.push(Answered{sender, ProbeResultRecord{request, known}});
      });
}

void PeerTransport::on_record(const std::shared_ptr<const std::string>&,
                              const ProbeResultRecord& result) {
  peers_.on_probed(result);
}

void PeerTransport::on_record(const std::shared_ptr<const std::string>& sender,
                              const QuestionRecord& question) {
  context_.events.on_ask(
      *sender, question.body, milliseconds(question.timeout_ms),
      [this, sender, request = question.request](Status status, std::string_view text,
                                                 std::string_view error) {
        const bool fits = text.size() <= CROLANG_MAX_ASK;
        if (!fits) error = "the answer is too long";
        const Status known = fits ? status : Status::invalid;
        const std::string_view words = known == Status::ok ? text : error;
        inbox_.push(Answered{sender, OwnedAnswer{request, known, std::string(words)}});
      });
}

void PeerTransport::on_record(const std::shared_ptr<const std::string>&,
                              const AnswerRecord& answer) {
  peers_.on_answer(answer);
}

}  // namespace crolang::redis_registry
