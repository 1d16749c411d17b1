#pragma once
/// Limits how many connections one address has, and how fast it opens them. An IPv6 address stands
/// for its /64, which is what one subscriber has.
///
/// The addresses are kept in a table of fixed size with a keyed hash, so its memory is bounded
/// whatever addresses come, and nobody can tell which of them share a place. An address has a
/// choice of 16 places. One that has neither connections nor a bucket that is still filling needs
/// none. It is given one in the emptier of its two sets of 8. Where all 16 are taken, an address
/// without connections gives way, the one whose bucket is full first: it gets a new burst early. If
/// all 16 have connections, the new address is not limited. The table has room for twice as many
/// addresses as there can be connections, so that happens rarely, and cannot be aimed at.
///
/// Threads: any; each of 64 parts has its own lock. Time is an argument. Errors: the constructor
/// throws std::bad_alloc, nothing else throws.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <utility>

#include "crolang/keyed_hash.hpp"
#include "net/peer_address.hpp"

namespace crolang::net {

struct AddressLimit {
  std::uint32_t connections = 0;             ///< at once; 0: no limit
  std::uint32_t connections_per_second = 0;  ///< on average; 0: no limit
  /// As time at that rate.
  static constexpr std::chrono::seconds kBurst{10};

  bool is_set() const noexcept { return connections != 0 || connections_per_second != 0; }
};

class AddressLimits {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// `max_connections`: of all addresses together; 0: unknown.
  AddressLimits(AddressLimit limit, std::uint64_t max_connections);

  enum class Result : std::uint8_t {
    counted,      ///< it may stay; `release` must be called when it ends
    not_counted,  ///< it may stay; there is nothing to be released
    no_room,      ///< the same, since the table is full: the address is not limited
    too_many,
    too_fast,
  };
  Result admit(const PeerAddress& address, TimePoint now) noexcept;
  void release(const PeerAddress& address) noexcept;

  /// How many addresses there is room for.
  std::size_t capacity() const noexcept { return kShards * sets_ * kWays; }

 private:
  static constexpr std::size_t kShards = 64;
  static constexpr std::size_t kWays = 8;  // places of a set; an address has two sets of its shard

  struct Entry {
    std::uint64_t key = 0;  // 0: none
    TimePoint full_at{};    // when the whole burst is available again
    std::uint32_t connections = 0;
  };
  using Set = std::array<Entry, kWays>;
  struct alignas(64) Shard {
    std::mutex mutex;  // guards its sets
  };
  /// The two sets of an address, with their shard.
  struct Place {
    std::uint64_t key;
    std::size_t shard;
    std::array<Set*, 2> sets;
  };
  struct Free {
    void operator()(Set* sets) const noexcept { std::free(sets); }
  };

  Place place_of(const PeerAddress& address) noexcept;
  static Entry* find(const Place& place) noexcept;
  /// A place for a new address; nullptr: none.
  static Entry* find_free(const Place& place, TimePoint now) noexcept;

  const AddressLimit limit_;
  const std::chrono::nanoseconds interval_;  // between two connections on average; 0: no limit
  const HashKey hash_key_ = HashKey::random();
  std::size_t sets_;                    // of a shard, a power of two
  std::unique_ptr<Set[], Free> table_;  // shard by shard
  std::array<Shard, kShards> shards_;
};

/// A connection that AddressLimits has counted and that has not ended. Moves between threads.
class CountedConnection {
 public:
  CountedConnection() = default;
  CountedConnection(AddressLimits& limits, const PeerAddress& address) noexcept
      : limits_(&limits), address_(address) {}
  CountedConnection(CountedConnection&& other) noexcept
      : limits_(std::exchange(other.limits_, nullptr)), address_(other.address_) {}
  CountedConnection& operator=(CountedConnection&& other) noexcept {
    std::swap(limits_, other.limits_);
    std::swap(address_, other.address_);
    return *this;
  }
  ~CountedConnection() {
    if (limits_ != nullptr) limits_->release(address_);
  }

  /// Whether it was counted. From now on the caller has to release it.
  bool detach() noexcept { return std::exchange(limits_, nullptr) != nullptr; }

 private:
  AddressLimits* limits_ = nullptr;
  PeerAddress address_{};
};

}  // namespace crolang::net
