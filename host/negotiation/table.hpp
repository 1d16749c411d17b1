#pragma once
/// The newest negotiations of this instance. The messages of one come from several workers and,
/// from other instances, from plugins' threads, so records are in shards by the hash of their key,
/// each with a lock that is held for one access.
///
/// Messages without an attempt before them are not recorded. The key is initiator, responder and
/// session; the broker has verified the sender of each message, so nobody else can add to a record.
///
/// Threads: any. Time is an argument. Errors: std::bad_alloc from the const functions and sweep;
/// what there is no memory for is not recorded.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "negotiation/record.hpp"

namespace crolang::negotiation {

/// A message of a negotiation, as it passes.
struct Message {
  MessageKind kind{};
  Side from{};
  std::string_view initiator;
  std::string_view responder;
  std::string_view session;
  Candidates candidates;
  IceServers servers;            ///< of the sender
  bool sender_is_local = false;  ///< connected to this instance
  bool is_copy = false;          ///< the sender's instance keeps it, with its candidates
  TimePoint at;
};

struct Acknowledged {
  Ack ack{};
  std::string_view why{};  ///< of an error; static storage duration
};

/// Finds the message again, once its acknowledgement is known. A value of eight bytes.
struct Ticket {
  std::uint32_t number = 0;  ///< 0: the message was not recorded
  std::uint16_t slot = 0;
  std::uint8_t shard = 0;
  std::uint8_t event = 0;

  bool is_valid() const { return number != 0; }
};

/// A negotiation has come to another state.
struct Change {
  std::uint64_t number = 0;
  std::uint16_t slot = 0;  ///< for Table::find
  State state{};
  bool initiator_is_local = false;
  /// Whether to count it: each negotiation is counted once, by the instance of its initiator.
  bool is_outcome = false;
  std::optional<std::chrono::milliseconds> answered_after{};
};

class Table {
 public:
  /// The newest are shown, and about a fifth more kept, since shards fill unevenly.
  static constexpr std::size_t kMaxRecords = 10'000;

  Table();

  struct Noted {
    Ticket ticket{};
    std::optional<Change> change{};
    bool is_recorded = false;
  };
  // Hot: per message of a negotiation. No allocation but for the names of a new one.
  /// `known`: how it is acknowledged, if that is known; then there is no ticket. An attempt must be
  /// noted before it is relayed: else its answer could arrive first, and would not be recorded.
  Noted note(const Message& message, std::optional<Acknowledged> known = std::nullopt) noexcept;
  std::optional<Change> acknowledge(Ticket ticket, const Acknowledged& known) noexcept;

  /// When sweep has something to do; TimePoint::max(): never, so far.
  TimePoint sweep_due() const noexcept {
    return TimePoint(TimePoint::duration(sweep_due_.load(std::memory_order_relaxed)));
  }
  /// Classifies the attempts that were not answered, and forgets what is older than kRetention. Any
  /// number of threads may call it when it is due.
  std::vector<Change> sweep(TimePoint now);

  struct Filter {
    std::string node{};  ///< empty: any
    std::optional<State> state{};
  };
  /// At most `limit`, the newest first.
  std::vector<Record> newest(const Filter& filter, std::size_t limit, TimePoint now) const;
  std::optional<Record> find(std::uint64_t number, TimePoint now) const;
  struct Names {
    std::string_view initiator;
    std::string_view responder;
    std::string_view session;
  };
  struct Closest {
    Record record;
    /// How far the next closest is from this one; nullopt: there is no other with these names.
    std::optional<TimePoint::duration> to_next{};
  };
  /// The record with these names that began closest to `began`, if within `most`.
  std::optional<Closest> find(const Names& names, TimePoint began, TimePoint::duration most,
                              TimePoint now) const;
  /// The record of a change; nullopt: it has been replaced since. Does not look through others.
  std::optional<Record> find(const Change& change) const;
  std::size_t size() const;

 private:
  static constexpr std::size_t kShards = 16;
  // For an even distribution five standard deviations more than the share of kMaxRecords.
  static constexpr std::size_t kPerShard = 768;
  static constexpr std::size_t kBuckets = 1024;
  static constexpr std::uint16_t kNone = 0xFFFF;

  struct alignas(64) Shard {
    mutable std::mutex mutex;    // guards what follows
    std::deque<Record> records;  // grows to kPerShard; a slot is an index
    std::size_t oldest = 0;      // the one that is used next, once there are kPerShard
    std::size_t used = 0;
    // Kept apart from the records, so that a lookup touches only the cache lines of hashes.
    std::array<std::uint16_t, kBuckets> buckets;  // the newest record of each
    std::array<std::uint16_t, kPerShard> next;    // of its bucket
    std::array<std::uint32_t, kPerShard> short_hashes;

    Shard() { buckets.fill(kNone); }
    Record* find(std::uint64_t hash, std::uint16_t& slot);
    /// Evicts the oldest record if the shard is full.
    Record& allocate(std::uint16_t& slot);
    void link(std::uint16_t slot);
    void unlink(std::uint16_t slot);
    void release(std::uint16_t slot);
  };
  static std::size_t shard_of(std::uint64_t number) { return number % kShards; }

  Noted note_in(Shard& shard, std::uint8_t index, std::uint64_t hash, const Message& message,
                std::optional<Acknowledged> known);
  void schedule_sweep(TimePoint due) noexcept;
  TimePoint sweep_shard(Shard& shard, TimePoint now, std::vector<Change>& changes);

  std::array<Shard, kShards> shards_;
  std::atomic<std::uint64_t> last_number_{0};
  std::atomic<TimePoint::rep> sweep_due_;
};

}  // namespace crolang::negotiation
