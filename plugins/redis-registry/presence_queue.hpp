#pragma once
/// Questions of nodes who is connected, which wait until nothing else does: they go to Redis in
/// batches of so many ids, and so few batches are on their way that a message passes them at once.
/// Questions take turns, so that a short one does not wait for the end of a long one. No IO; time
/// is an argument. Threads: whoever has the service's turn.
///
/// Each question is answered exactly once: when all its ids are known, when one of its batches
/// fails, if its deadline has passed when it is its turn, or by fail_all.

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

/// Ids in one MGET: Redis is busy with it for some fifty microseconds.
inline constexpr std::size_t kIdsPerBatch = 128;
/// The same while no messages pass, so that nobody is held up.
inline constexpr std::size_t kIdsPerBatchInPeace = 1024;
inline constexpr std::size_t kBatchesUnderWay = 2;

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
    /// In the order in which `settle` wants the holders.
    std::vector<std::string_view> ids() const;

   private:
    friend class PresenceQueue;
    std::vector<Part> parts_;
  };

  void add(Lookup question, TimePoint now);
  /// What may be asked now, which is then under way. Empty: nothing waits, or enough is under way.
  Batch take(TimePoint now, std::size_t most_ids = kIdsPerBatch);
  /// One holder for each id of the batch; views end with the call.
  void settle(const Batch& batch, std::span<const plugin::Holder> holders);
  void fail(const Batch& batch, plugin::Status status, std::string_view why);
  /// All that waits. What is under way is settled or failed by itself.
  void fail_all(plugin::Status status, std::string_view why);

  std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Holder {
    std::string instance;
    std::uint64_t token = 0;
  };
  struct Question {
    std::vector<std::string> ids;
    std::vector<Holder> holders;            // as many
    std::optional<plugin::Located> answer;  // empty: it has been given
    TimePoint deadline;
    std::size_t asked = 0;  // so many of ids, from the first
    std::size_t known = 0;
  };

  static void fail(Question& question, plugin::Status status, std::string_view why);

  std::deque<std::shared_ptr<Question>> waiting_;  // whose ids have not all been asked
  std::size_t under_way_ = 0;                      // batches
};

}  // namespace crolang::redis_registry
