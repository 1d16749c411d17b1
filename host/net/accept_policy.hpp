#pragma once
/// Decides whether an accepted socket may stay, before anything is read from it: by the limits of
/// its address, and by the room that there is. Also selects the connections that are closed to make
/// room, and decides how long accepting pauses after accept(2) has failed.
///
/// Threads: one policy per worker, owning worker only. Time is an argument. Errors: std::bad_alloc
/// from `list`.

#include <chrono>
#include <cstdint>
#include <optional>

#include "client_address/address_set.hpp"
#include "net/address_limits.hpp"
#include "net/eviction_queue.hpp"
#include "net/http/refusal.hpp"
#include "net/peer_address.hpp"
#include "session/handle.hpp"
#include "telemetry/metrics.hpp"

namespace crolang::net {

class AcceptPolicy {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Rules {
    std::uint64_t max_sockets = 0;  ///< connections of any kind and of all workers; 0: no limit
    /// Connections of this worker that have not sent a whole request; 0: no limit.
    std::uint32_t max_handshakes = 0;
    AddressLimits* addresses = nullptr;  ///< of all workers; nullptr: addresses are not limited
    /// Whose own addresses are not limited.
    const client_address::AddressSet* trusted_proxies = nullptr;
  };
  explicit AcceptPolicy(const Rules& rules) noexcept : rules_(rules) {}

  enum class Decision : std::uint8_t {
    accept,
    make_room,  ///< accept, but first close another connection
  };
  /// `open`: how many connections all workers have.
  Decision decide(std::uint64_t open) const noexcept;

  /// Whether addresses are limited.
  bool limits_addresses() const noexcept { return rules_.addresses != nullptr; }
  /// Whether this one is: not that of a trusted proxy.
  bool limits(const PeerAddress& address) const noexcept {
    return limits_addresses() &&
           !(rules_.trusted_proxies != nullptr && rules_.trusted_proxies->contains(address));
  }
  /// Whether this address may have one more connection, which is then counted as its own.
  AddressLimits::Result admit(const PeerAddress& address, TimePoint now,
                              CountedConnection& counted) const noexcept;
  /// A connection of this address that was counted has ended.
  void release(const PeerAddress& address) const noexcept { rules_.addresses->release(address); }

  /// Lists a connection that has not sent a whole request yet. Returns the one to close if there
  /// are too many of them, which is the oldest. `open`: how many there are, this one included.
  template <class Classify>
  std::optional<session::SessionHandle> list_handshake(session::SessionHandle handle,
                                                       std::uint32_t open, Classify&& classify) {
    if (rules_.max_handshakes == 0) return std::nullopt;
    handshakes_.add(handle, classify);
    if (open <= rules_.max_handshakes) return std::nullopt;
    return handshakes_.take_idle(static_cast<Classify&&>(classify));
  }

  /// Lists a connection that is not a node, or not yet: it may be closed to make room.
  template <class Classify>
  void list(session::SessionHandle handle, Classify&& classify) {
    evictable_.add(handle, static_cast<Classify&&>(classify));
  }
  /// The connection to close: the one that has been without a node for longest and is not being
  /// admitted. nullopt: there is none.
  template <class Classify>
  std::optional<session::SessionHandle> take_evictable(Classify&& classify) {
    return evictable_.take_idle(static_cast<Classify&&>(classify));
  }

  /// accept(2) has failed. Since the connection in the kernel's queue would keep waking the worker,
  /// nothing is accepted for kPause.
  void pause(TimePoint now) noexcept { resume_at_ = now + kPause; }
  /// nullopt: accepting is not paused.
  std::optional<TimePoint> resume_at() const noexcept { return resume_at_; }
  /// Ends the pause if it is due, and returns whether it was.
  bool may_resume(TimePoint now) noexcept;

 private:
  static constexpr std::chrono::milliseconds kPause{100};

  const Rules rules_;
  EvictionQueue evictable_;
  EvictionQueue handshakes_;
  std::optional<TimePoint> resume_at_;
};

/// Why the connection is refused; nullopt: it may stay. Counts what limits addresses.
std::optional<RequestFault> fault_of(AddressLimits::Result result,
                                     telemetry::WorkerCounters& counters);

}  // namespace crolang::net
