#pragma once
/// The state of the communication between this broker and the others: batches that are being
/// filled, and messages, probes and questions that have no answer yet. No IO; time is an argument.
/// Threads: the holder of the service's lock.
///
/// Replies are delayed briefly for batching: where messages to the same broker are frequent, a
/// reply is sent with the next one, which saves Redis a command and two brokers a wake-up. Where
/// they are not, it is sent at once, as everything else is.
///
/// Each message, probe and question is answered exactly once: by the other broker, because the
/// channel has no subscriber, at its deadline, or because the connection to Redis was lost.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "crolang/keyed_hash.hpp"
#include "redis-registry/leases.hpp"
#include "redis-registry/peer_format.hpp"
#include "redis-registry/reply_delay.hpp"
#include "redis-registry/requests.hpp"

namespace crolang::redis_registry {

/// The maximum of unanswered bytes sent to one broker. Redis disconnects a subscriber that is 32
/// MiB behind (client-output-buffer-limit), and drops the data that other brokers sent to it.
inline constexpr std::size_t kMaxOpenBytes = std::size_t{8} << 20;
/// A batch is sent at this size.
inline constexpr std::size_t kFullBatch = std::size_t{256} << 10;
/// The maximum of entries in the table of peers. Other brokers get no answer.
inline constexpr std::size_t kMaxPeers = 4096;
/// A broker answers within milliseconds. One whose subscription broke while the message was in
/// flight never will, and later messages to the same receiver wait for this one.
inline constexpr std::chrono::milliseconds kMessageTimeout{3000};

class PeerMessaging {
 public:
  struct Batch {
    std::string instance;
    std::string bytes;
    std::vector<std::uint64_t> requests;  ///< the messages, probes and questions in it
  };

  explicit PeerMessaging(std::string instance) : instance_(std::move(instance)) {}

  void send(Send message, TimePoint now);
  void probe(Probe probe, TimePoint now);
  void ask(Ask question, TimePoint now);
  void answer(const Answered& answered, TimePoint now);

  /// Returns the batches that are full, that are not delayed, or all.
  std::vector<Batch> take_full() { return std::exchange(full_, {}); }
  std::vector<Batch> take_due(TimePoint now);
  std::vector<Batch> take_all();
  /// When take_due will return more; TimePoint::max(): only after another event.
  TimePoint due() const { return due_; }
  /// Entries in the table of peers.
  std::size_t peers() const { return peers_.size(); }

  // Outcomes of open messages, probes and questions.
  void on_reply(const ReplyRecord& reply);
  void on_probed(const ProbeResultRecord& result);
  void on_answer(const AnswerRecord& answer);
  /// Redis refused to publish it.
  void on_refused(const Batch& batch);
  /// The connection that it was sent by was lost, and others were not.
  void on_lost(const Batch& batch);
  /// No broker subscribes to the channel. The receiver counts as gone only if its lease is.
  void on_no_subscriber(std::uint64_t request, bool is_lease_held);
  /// Likewise for the questions in it, for which no lease has to be looked up.
  void on_questions_without_subscriber(const Batch& batch);
  /// The receiver of an open message or probe; nullptr: it is no longer open.
  const OwnedLease* receiver(std::uint64_t request) const;
  void tick(TimePoint now);
  /// The connection was lost: data that was sent may or may not have arrived. Does not allocate.
  void on_connection_lost();
  void cancel();

 private:
  struct OpenMessage {
    plugin::YesNo answer;
    OwnedLease to;
    std::string instance;
    std::size_t bytes;
    TimePoint deadline;
  };
  struct OpenProbe {
    plugin::Probed answer;
    OwnedLease incumbent;
    TimePoint deadline;
  };

  struct OpenQuestion {
    plugin::Text answer;
    std::string instance;
    std::size_t bytes;
    TimePoint deadline;
  };

  /// Another broker with open requests or recent messages.
  struct Peer {
    Batch filling;
    bool is_delayed = false;  // the batch has replies only
    TimePoint delayed_since{};
    ReplyDelay delay;
    std::size_t open_bytes = 0;  // of messages_ and questions_
  };

  Batch& batch_for(Peer& peer, std::string_view instance);
  void close_if_full(Peer& peer);
  template <class Settle>
  void settle_message(std::uint64_t request, Settle&& settle);
  template <class Settle>
  void settle_question(std::uint64_t request, Settle&& settle);

  const std::string instance_;
  std::uint64_t last_request_ = 0;
  TextMap<Peer> peers_;         // by instance
  std::vector<Peer*> filling_;  // peers whose batch is not empty
  std::vector<Batch> full_;
  TimePoint due_ = TimePoint::max();
  std::unordered_map<std::uint64_t, OpenMessage> messages_;
  std::unordered_map<std::uint64_t, OpenProbe> probes_;
  std::unordered_map<std::uint64_t, OpenQuestion> questions_;
};

}  // namespace crolang::redis_registry
