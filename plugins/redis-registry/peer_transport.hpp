#pragma once
/// Carries PeerMessaging over Redis: publishes its batches on other brokers' channels, and passes
/// what arrives on this broker's channel to the broker. Threads: the holder of the service's lock;
/// the broker's answers, any.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "redis-registry/inbox.hpp"
#include "redis-registry/peer_messaging.hpp"
#include "redis-registry/requests.hpp"
#include "redis-registry/service_context.hpp"

struct redisReply;

namespace crolang::redis_registry {

class Shards;

class PeerTransport {
 public:
  /// The broker's answers are put into `inbox`.
  PeerTransport(ServiceContext& context, Shards& shards, Inbox<Request>& inbox);

  void send(Send& send);
  void probe(Probe& probe);
  void ask(Ask& question);
  void answer(Answered& answered);

  void publish_due() { publish(peers_.take_due(context_.now)); }
  void publish_all() { publish(peers_.take_all()); }
  /// When publish_due will have more; TimePoint::max(): only after another event.
  TimePoint due() const { return peers_.due(); }
  /// When a message was last sent or received.
  TimePoint last_message() const { return last_message_; }

  /// A publication on this broker's channel.
  void on_batch(std::string_view batch);
  void tick() { peers_.tick(context_.now); }
  void on_disconnected() { peers_.on_connection_lost(); }
  void cancel() { peers_.cancel(); }

 private:
  void publish(std::vector<PeerMessaging::Batch> batches);
  /// Why the broker cannot be reached.
  std::string why_not(std::string_view instance) const;
  void on_no_subscriber(const PeerMessaging::Batch& batch);
  void on_lease(std::uint64_t request, const redisReply* reply);

  void on_record(const std::shared_ptr<const std::string>& sender, const MessageRecord& message);
  void on_record(const std::shared_ptr<const std::string>& sender, const ReplyRecord& reply);
  void on_record(const std::shared_ptr<const std::string>& sender, const ProbeRecord& probe);
  void on_record(const std::shared_ptr<const std::string>& sender, const ProbeResultRecord& result);
  void on_record(const std::shared_ptr<const std::string>& sender, const QuestionRecord& question);
  void on_record(const std::shared_ptr<const std::string>& sender, const AnswerRecord& answer);

  ServiceContext& context_;
  Shards& shards_;
  Inbox<Request>& inbox_;
  PeerMessaging peers_;
  TimePoint last_message_{};
};

}  // namespace crolang::redis_registry
