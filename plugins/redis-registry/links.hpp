#pragma once
/// The three links to Redis, or two where another one subscribes, which are opened and closed
/// together. Threads: the holder of the service's lock.

#include <poll.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "redis-registry/link.hpp"

namespace crolang::redis_registry {

class Links {
 public:
  static constexpr std::size_t kCount = 3;

  explicit Links(const TrafficByPurpose& traffic = {})
      : commands(kMaxReply, traffic.messages),
        leases(kMaxReply, traffic.leases),
        subscription(kMaxPublication, traffic.subscription) {}

  enum class Kind : std::uint8_t { with_subscription, without };

  /// `new_transport` is called once for each link.
  void open(const std::function<std::unique_ptr<Transport>()>& new_transport, TimePoint now,
            Kind kind = Kind::with_subscription);
  void close();

  bool are_open() const { return first_closed() == nullptr; }
  /// nullptr: all are open.
  const Link* first_closed() const;
  bool are_idle() const { return commands.is_idle() && leases.is_idle(); }
  /// When any of them last made progress.
  TimePoint last_progress() const;
  /// Since when the oldest unanswered command has been waiting.
  std::optional<TimePoint> waiting_since() const;
  /// The error text for the link that has been silent for longest.
  std::string silence() const;
  void restart_clocks(TimePoint now);

  std::array<pollfd, kCount> poll_entries(TimePoint now) const;
  void on_poll(const std::array<pollfd, kCount>& entries, TimePoint now);
  void flush();

  // One reply; what a script returns for a key that something else has written may be large.
  static constexpr std::size_t kMaxReply = std::size_t{16} << 20;
  // One message. A batch is closed at 256 KiB, behind a body that MAX_PAYLOAD_BYTES (64 MiB at
  // most) allows.
  static constexpr std::size_t kMaxPublication = std::size_t{72} << 20;

  Link commands;  ///< messages and questions
  Link leases;    ///< may have to wait for replicas
  Link subscription;

 private:
  bool is_used(const Link* link) const {
    return kind_ == Kind::with_subscription || link != &subscription;
  }

  Kind kind_ = Kind::with_subscription;
  std::array<Link*, kCount> all() { return {&commands, &leases, &subscription}; }
  std::array<const Link*, kCount> all() const { return {&commands, &leases, &subscription}; }
};

}  // namespace crolang::redis_registry
