#pragma once
/// Presence queries of nodes, which have the lowest priority: they are sent to Redis in batches
/// of limited size, with few batches in flight, so that messages are not delayed. Questions are
/// served round-robin, so that a short one does not wait for the end of a long one. No IO; time is
/// an argument. Threads: the holder of the service's lock.
///
/// Each question is answered exactly once: when all its ids are known, when one of its batches
/// fails, if its deadline has passed before it can be sent, or by fail_all.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crolang/plugin.hpp"
#include "redis-registry/leases.hpp"
#include "redis-registry/requests.hpp"

namespace crolang::redis_registry {

/// Ids that are read at once, which takes Redis about 50 microseconds.
inline constexpr std::size_t kIdsPerBatch = 128;
/// The same while there are no messages that could be delayed.
inline constexpr std::size_t kIdsPerBatchWhenQuiet = 1024;
inline constexpr std::size_t kBatchesInFlight = 2;

class PresenceQueue {
 private:
  struct Question;
  struct Part {
    std::shared_ptr<Question> question;
    std::size_t first;  // of its ids
    std::size_t count;
  };

 public:
  class Batch {
   public:
    bool empty() const { return parts_.empty(); }
    std::size_t size() const;
    /// In the order that `settle` expects.
    std::vector<std::string_view> ids() const;

   private:
    friend class PresenceQueue;
    std::vector<Part> parts_;
  };

  void add(Lookup question, TimePoint now);
  /// The next batch, which is then in flight. Empty: nothing waits, or enough is in flight.
  Batch take(TimePoint now, std::size_t most_ids = kIdsPerBatch);
  /// One holder for each id of the batch; views need to be valid during the call only.
  void settle(const Batch& batch, std::span<const plugin::Holder> holders) {
    settle(batch, holders, {}, {});
  }
  /// Some could not be found out, for the reason `why`: the questions about them fail. `failed`:
  /// one for each id, or none.
  void settle(const Batch& batch, std::span<const plugin::Holder> holders,
              const std::vector<bool>& failed, std::string_view why);
  void fail(const Batch& batch, plugin::Status status, std::string_view why);
  /// Fails all questions that wait. Batches in flight are settled or failed separately. Does not
  /// allocate.
  void fail_all(plugin::Status status, std::string_view why);

  std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Holder {
    std::string instance;
    std::uint64_t token = 0;
    SessionAddress address;
  };
  struct Question {
    std::vector<std::string> ids;
    std::vector<Holder> holders;            // as many
    std::optional<plugin::Located> answer;  // empty: it has been given
    TimePoint deadline;
    std::size_t asked = 0;  // the number of ids asked so far, from the first
    std::size_t known = 0;
  };

  static void fail(Question& question, plugin::Status status, std::string_view why);

  std::deque<std::shared_ptr<Question>> waiting_;  // whose ids have not all been asked
  std::size_t in_flight_ = 0;                      // batches
};

}  // namespace crolang::redis_registry
