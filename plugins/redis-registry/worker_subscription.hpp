#pragma once
/// The link of one worker link that subscribes to its sharded channels at one master of a cluster.
/// Time is an argument. Threads: one at a time. Errors: why_ended. std::bad_alloc.

#include <poll.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "redis-registry/endpoint.hpp"
#include "redis-registry/link.hpp"
#include "redis-registry/traffic.hpp"
#include "redis-registry/transport.hpp"

namespace crolang::redis_registry {

class WorkerSubscription {
 public:
  explicit WorkerSubscription(const Traffic& traffic);

  /// Subscribes there. `channels`: of one slot. `on_batch` gets each message.
  void open(std::unique_ptr<Transport> transport, const HostPort& master, const Login& login,
            std::span<const std::string> channels, TimePoint now,
            std::function<void(std::string_view)> on_batch);
  void close() { link_.close(); }
  /// Ends once everything has arrived that was published there before the master knows.
  void leave() { link_.unsubscribe_sharded(); }

  const HostPort& master() const { return master_; }
  /// The master may have been asked already, so messages may come.
  bool may_deliver() const { return link_.has_connected(); }
  /// Subscribed to all channels.
  bool is_ready() const { return link_.is_open() && unconfirmed_ == 0 && refusal_.empty(); }
  bool has_ended() const { return !link_.is_open() || !refusal_.empty(); }
  /// The user may not do what was asked of the master last.
  bool is_forbidden() const { return !link_.is_open() && link_.fault().starts_with("NOPERM"); }
  /// The master has closed it without an error.
  bool is_cut() const { return !link_.is_open() && refusal_.empty() && !has_slot_moved(); }
  /// It ended since another master serves the slot of the channels.
  bool has_slot_moved() const { return link_.has_slot_moved(); }
  /// Why it has ended or failed; nullopt: neither.
  std::optional<std::string> why_ended(TimePoint now) const;

  pollfd poll_entry(TimePoint now) const { return link_.poll_entry(now); }
  void on_poll(short events, TimePoint now) { link_.on_poll(events, now); }
  void flush() { link_.flush(); }
  /// After the process was suspended.
  void restart_clocks(TimePoint now) { link_.restart_clocks(now); }

 private:
  Link link_;
  HostPort master_;
  std::size_t unconfirmed_ = 0;  // the command that logs in, and channels
  std::string refusal_;
};

}  // namespace crolang::redis_registry
