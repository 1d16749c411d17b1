#include "net/address_limits.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <string_view>

namespace crolang::net {
namespace {

// A listener on all addresses may know no limit of connections.
constexpr std::uint64_t kLeastConnections = 4096;
constexpr std::uint64_t kMostConnections = 10'000'000;

/// An IPv4 address, or the first half of an IPv6 one. Never 0.
std::uint64_t key_of(const PeerAddress& address) noexcept {
  constexpr std::uint64_t kIpv4 = std::uint64_t{1} << 32;
  if (client_address::is_ipv4(address)) {
    std::uint32_t v4 = 0;
    std::memcpy(&v4, address.bytes.data() + 12, sizeof v4);
    return kIpv4 | v4;
  }
  std::uint64_t prefix = 0;
  std::memcpy(&prefix, address.bytes.data(), sizeof prefix);
  return prefix == 0 ? 1 : prefix;
}

}  // namespace

AddressLimits::AddressLimits(AddressLimit limit, std::uint64_t max_connections)
    : limit_(limit),
      interval_(limit.connections_per_second == 0
                    ? std::chrono::nanoseconds(0)
                    : std::chrono::nanoseconds(std::chrono::seconds(1)) /
                          limit.connections_per_second),
      sets_(std::bit_ceil(2 * std::clamp(max_connections, kLeastConnections, kMostConnections) /
                          (kShards * kWays))),
      // Memory of zeros that is not touched until it is used.
      table_(static_cast<Set*>(std::calloc(kShards * sets_, sizeof(Set)))) {
  if (!table_) throw std::bad_alloc();
}

AddressLimits::Place AddressLimits::place_of(const PeerAddress& address) noexcept {
  Place place{};
  place.key = key_of(address);
  std::array<char, sizeof place.key> bytes{};
  std::memcpy(bytes.data(), &place.key, bytes.size());
  const std::uint64_t hash = siphash<1, 3>(hash_key_, {bytes.data(), bytes.size()});
  place.shard = hash % kShards;
  Set* const sets = table_.get() + place.shard * sets_;
  place.sets = {sets + (hash >> 8 & (sets_ - 1)), sets + (hash >> 36 & (sets_ - 1))};
  return place;
}

AddressLimits::Entry* AddressLimits::find(const Place& place) noexcept {
  for (Set* const set : place.sets) {
    for (Entry& entry : *set) {
      if (entry.key == place.key) return &entry;
    }
  }
  return nullptr;
}

AddressLimits::Entry* AddressLimits::find_free(const Place& place, TimePoint now) noexcept {
  Entry* free = nullptr;  // in the set with more of them, so that sets fill evenly
  std::size_t most_free = 0;
  Entry* best = nullptr;  // of those that can give way
  for (Set* const set : place.sets) {
    Entry* first_free = nullptr;
    std::size_t count = 0;
    for (Entry& entry : *set) {
      if (entry.connections != 0) continue;
      if (entry.key == 0 || entry.full_at <= now) {
        if (first_free == nullptr) first_free = &entry;
        ++count;
      } else if (best == nullptr || entry.full_at < best->full_at) {
        best = &entry;
      }
    }
    if (count > most_free) {
      most_free = count;
      free = first_free;
    }
  }
  return free != nullptr ? free : best;
}

AddressLimits::Result AddressLimits::admit(const PeerAddress& address, TimePoint now) noexcept {
  if (!client_address::is_known(address)) return Result::not_counted;
  const Place place = place_of(address);
  const std::lock_guard lock(shards_[place.shard].mutex);
  Entry* entry = find(place);
  if (entry == nullptr) {
    entry = find_free(place, now);
    if (entry == nullptr) return Result::no_room;
    *entry = {place.key, now, 0};
  }
  if (limit_.connections != 0 && entry->connections >= limit_.connections) return Result::too_many;
  if (interval_.count() != 0) {
    const TimePoint full_at = std::max(entry->full_at, now) + interval_;
    if (full_at - now > AddressLimit::kBurst) return Result::too_fast;
    entry->full_at = full_at;
  }
  if (limit_.connections == 0) return Result::not_counted;
  ++entry->connections;
  return Result::counted;
}

void AddressLimits::release(const PeerAddress& address) noexcept {
  const Place place = place_of(address);
  const std::lock_guard lock(shards_[place.shard].mutex);
  Entry* const entry = find(place);
  if (entry != nullptr && entry->connections != 0) --entry->connections;
}

}  // namespace crolang::net
