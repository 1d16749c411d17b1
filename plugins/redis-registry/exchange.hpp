#pragma once
/// What is open between this broker and the others: batches that are being filled, and messages and
/// probes that have no answer yet. No IO; time is an argument. Threads: whoever has the service's
/// turn.
///
/// A reply waits a moment for company: where messages to its broker are frequent, it goes with the
/// next one, which spares Redis a command and two brokers a wake-up. Where they are not it goes at
/// once, as everything else does.
///
/// Each message and probe is answered exactly once: by the other broker, because nobody listened on
/// its channel, at its deadline, or because the way to Redis was lost.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "crolang/keyed_hash.hpp"
#include "redis-registry/interchange.hpp"
#include "redis-registry/leases.hpp"
#include "redis-registry/requests.hpp"

namespace crolang::redis_registry {

/// Bytes sent to one broker that it has not answered. Redis drops a subscriber that is 32 MiB
/// behind (client-output-buffer-limit), and with it what other brokers told it.
inline constexpr std::size_t kMaxOpenBytes = std::size_t{8} << 20;
/// A batch is sent at this size.
inline constexpr std::size_t kFullBatch = std::size_t{256} << 10;
/// Other brokers that something is remembered of. Those beyond it get no answer.
inline constexpr std::size_t kMaxPeers = 4096;
/// As long as a reply waits for a message that goes its way, if one is likely to come by then.
inline constexpr std::chrono::milliseconds kCompany{2};
/// After one has waited in vain none does for so long: a node that says nothing before it has its
/// reply must not be waited for again and again.
inline constexpr std::chrono::milliseconds kAloneAfterAll{100};

class Exchange {
 public:
  struct Batch {
    std::string instance;
    std::string bytes;
    std::vector<std::uint64_t> requests;  ///< the messages and probes in it
  };

  explicit Exchange(std::string instance) : instance_(std::move(instance)) {}

  void send(Send message, TimePoint now);
  void probe(Probe probe, TimePoint now);
  void answer(const Answered& answered, TimePoint now);

  /// Batches that are full, that need not wait, or all there are.
  std::vector<Batch> take_full() { return std::exchange(full_, {}); }
  std::vector<Batch> take_due(TimePoint now);
  std::vector<Batch> take_all();
  /// When take_due will have more; TimePoint::max(): not by itself.
  TimePoint due() const { return due_; }
  /// Other brokers that something is remembered of.
  std::size_t peers() const { return peers_.size(); }

  // What becomes of what is open.
  void on_reply(const ReplyRecord& reply);
  void on_verdict(const VerdictRecord& verdict);
  /// Redis did not take it.
  void on_refused(const Batch& batch);
  /// Nobody heard it. Whom it was for counts as gone only if its lease does not stand any more.
  void on_unheard(std::uint64_t request, bool lease_stands);
  /// Whom an open message or probe is for; nullptr: it is not open any more.
  const OwnedClaim* receiver(std::uint64_t request) const;
  void tick(TimePoint now);
  /// What is on its way may have arrived or not; what was never sent has not.
  void on_lost();
  void cancel();

 private:
  struct OpenMessage {
    plugin::YesNo answer;
    OwnedClaim to;
    std::string instance;
    std::size_t bytes;
    TimePoint deadline;
  };
  struct OpenProbe {
    plugin::Verdict answer;
    OwnedClaim incumbent;
    TimePoint deadline;
  };

  using Duration = TimePoint::duration;
  /// Another broker, as long as there is something to remember of it.
  struct Peer {
    Batch filling;
    bool waits = false;                          // filling, which has replies only
    TimePoint since{};                           // when it began to
    TimePoint last_message{};                    // that was sent to it
    Duration between = std::chrono::seconds(1);  // two of them, smoothed
    TimePoint alone_until{};                     // its replies do not wait
    std::size_t open_bytes = 0;                  // of messages_
  };

  Batch& batch_for(Peer& peer, std::string_view instance);
  void close_if_full(Peer& peer);
  static bool may_wait(const Peer& peer, TimePoint now);
  template <class Settle>
  void settle_message(std::uint64_t request, Settle&& settle);

  const std::string instance_;
  std::uint64_t last_request_ = 0;
  TextMap<Peer> peers_;         // by instance
  std::vector<Peer*> filling_;  // those whose batch is not empty
  std::vector<Batch> full_;
  TimePoint due_ = TimePoint::max();
  std::unordered_map<std::uint64_t, OpenMessage> messages_;
  std::unordered_map<std::uint64_t, OpenProbe> probes_;
};

}  // namespace crolang::redis_registry
