#include "redis-registry/service_context.hpp"

#include <utility>

namespace crolang::redis_registry {
namespace {

constexpr std::chrono::milliseconds kBetweenWarnings{5000};

}  // namespace

ServiceContext::ServiceContext(plugin::Host given_host, Options given_options,
                               std::string given_instance, plugin::RegistryEvents given_events)
    : host(std::move(given_host)),
      options(std::move(given_options)),
      instance(std::move(given_instance)),
      events(std::move(given_events)),
      statistics(host, options),
      availability(events, [this](std::string_view reason) { warn(reason); }) {}

std::string ServiceContext::key(std::string_view id) const {
  return (options.key_prefix + "node:{").append(id).append("}");
}

std::string ServiceContext::channel(std::string_view broker) const {
  return (options.key_prefix + "broker:{").append(broker).append("}");
}

void ServiceContext::warn(std::string_view text) {
  if (now - last_warning_ < kBetweenWarnings) {
    ++suppressed_warnings_;
    return;
  }
  last_warning_ = now;
  std::string line(text);
  if (const std::size_t more = std::exchange(suppressed_warnings_, 0); more > 0) {
    line += " (" + std::to_string(more) + " earlier warnings suppressed)";
  }
  host.log(plugin::LogLevel::warn, line);
}

}  // namespace crolang::redis_registry
