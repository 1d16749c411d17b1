#pragma once
/// What is open between this broker and the others: batches that are being filled, and messages and
/// probes that have no answer yet. No IO; time is an argument. Thread: the service's.
///
/// Each message and probe is answered exactly once: by the other broker, because nobody listened on
/// its channel, at its deadline, or because the way to Redis was lost.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "redis-registry/interchange.hpp"
#include "redis-registry/leases.hpp"
#include "redis-registry/requests.hpp"

namespace crolang::redis_registry {

/// Bytes sent to one broker that it has not answered. Redis drops a subscriber that is 32 MiB
/// behind (client-output-buffer-limit), and with it what other brokers told it.
inline constexpr std::size_t kMaxOpenBytes = std::size_t{8} << 20;
/// A batch is sent at this size.
inline constexpr std::size_t kFullBatch = std::size_t{256} << 10;

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
  void answer(const Answered& answered);

  /// Batches that are full, or all there are.
  std::vector<Batch> take_full() { return std::exchange(full_, {}); }
  std::vector<Batch> take_all();

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

  Batch& batch_for(std::string_view instance);
  void close_if_full(Batch& batch);
  template <class Settle>
  void settle_message(std::uint64_t request, Settle&& settle);

  const std::string instance_;
  std::uint64_t last_request_ = 0;
  std::unordered_map<std::string, Batch> filling_;
  std::vector<Batch> full_;
  std::unordered_map<std::uint64_t, OpenMessage> messages_;
  std::unordered_map<std::uint64_t, OpenProbe> probes_;
  std::unordered_map<std::string, std::size_t> open_bytes_;  // by instance, of messages_
};

}  // namespace crolang::redis_registry
