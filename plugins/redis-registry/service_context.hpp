#pragma once
/// State shared by the parts of the service. Threads: the holder of the service's lock; the
/// constants, any.

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "crolang/plugin.hpp"
#include "redis-registry/availability.hpp"
#include "redis-registry/options.hpp"
#include "redis-registry/statistics.hpp"

namespace crolang::redis_registry {

class ServiceContext {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  ServiceContext(plugin::Host given_host, Options given_options, std::string given_instance,
                 plugin::RegistryEvents given_events);

  const plugin::Host host;
  const Options options;
  const std::string instance;  ///< the name of this broker
  const plugin::RegistryEvents events;
  Statistics statistics;
  Availability availability;
  /// The time of the event or reply that is being handled.
  TimePoint now{};

  /// The key of a node's lease.
  std::string key(std::string_view id) const;
  /// The key that names the run of the server that the brokers have written their leases to, and
  /// one that is written to see whether Redis accepts writes.
  std::string run_key() const { return options.key_prefix + "run"; }
  std::string writable_key() const { return options.key_prefix + "writable"; }
  /// What the channels of all brokers begin with.
  std::string channel_prefix() const { return options.key_prefix + "broker:"; }
  /// The channel that a broker subscribes to.
  std::string channel(std::string_view broker) const;
  /// Logs at most one warning every few seconds, and counts the others.
  void warn(std::string_view text);

 private:
  TimePoint last_warning_{};
  std::size_t suppressed_warnings_ = 0;
};

}  // namespace crolang::redis_registry
