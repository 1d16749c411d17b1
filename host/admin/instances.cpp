#include "admin/instances.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <iterator>

#include "admin/api.hpp"
#include "admin/reply.hpp"
#include "broker/instance_status.hpp"
#include "modules/clients/clients.hpp"
#include "telemetry/event_hub.hpp"

namespace crolang::admin {
namespace {

using Statuses = std::vector<modules::InstanceStatus>;

/// "2026-01-02T03:04:05Z", as brokers write it.
std::optional<std::chrono::system_clock::time_point> time_of(const std::string& text) {
  std::tm parts{};
  const char* const end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  // The clock counts nanoseconds in 64 bits: until 2262.
  constexpr int kLastYear = 2261;
  if (parts.tm_year < 1970 - 1900 || parts.tm_year > kLastYear - 1900) return std::nullopt;
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

broker::AskModule list_instances_request(std::function<void(const modules::Answer&)> reply) {
  return {[](modules::Clients& clients, const modules::Waiter& waiter) {
            return clients.list_instances(waiter);
          },
          std::move(reply)};
}

}  // namespace

std::optional<nlohmann::json> instance_json(const modules::InstanceStatus& status,
                                            std::string_view own_instance,
                                            std::chrono::system_clock::time_point now) {
  using nlohmann::json;
  const json read = json::parse(status.status, nullptr, false);
  if (!read.is_object()) return std::nullopt;
  const auto version = read.find("version");
  const auto nodes = read.find("nodes");
  const auto started = read.find("startedAt");
  const auto draining = read.find("draining");
  if (version == read.end() || !version->is_string() || nodes == read.end() ||
      !nodes->is_number_unsigned() || started == read.end() || !started->is_string() ||
      draining == read.end() || !draining->is_boolean()) {
    return std::nullopt;
  }
  const auto since = time_of(started->get<std::string>());
  if (!since) return std::nullopt;
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(now - *since).count();
  return json{{"id", status.instance},
              {"version", *version},
              {"nodes", *nodes},
              {"startedAt", utc_text(*since)},
              {"uptimeSeconds", std::max<std::int64_t>(uptime, 0)},
              {"state", draining->get<bool>() ? "draining" : "running"},
              {"self", status.instance == own_instance}};
}

InstanceWatch::Changes InstanceWatch::update(std::vector<std::string> names) {
  if (std::ranges::find(names, own_) == names.end()) names.push_back(own_);
  std::ranges::sort(names);
  // A registry plugin may list one twice.
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  const std::lock_guard lock(mutex_);
  Changes changes;
  if (known_) {
    std::ranges::set_difference(names, *known_, std::back_inserter(changes.up));
    std::ranges::set_difference(*known_, names, std::back_inserter(changes.down));
  }
  known_ = std::move(names);
  return changes;
}

std::size_t InstanceWatch::count() const {
  const std::lock_guard lock(mutex_);
  return known_ ? known_->size() : 1;
}

std::variant<Statuses, std::string> list_instances(broker::SharedState& shared,
                                                   const std::stop_token& stop) {
  using Result = std::variant<Statuses, std::string>;
  const Reply<Result> reply;
  shared.workers.post(
      0, list_instances_request([reply](const modules::Answer& answer) {
        if (answer.succeeded()) {
          reply.set(answer.instances);
        } else {
          reply.set(answer.error.empty() ? modules::status_name(answer.status) : answer.error);
        }
      }));
  auto result = reply.wait(stop, kReplyTimeout);
  if (!result) return "no answer in time";
  if (auto* const statuses = std::get_if<Statuses>(&*result)) {
    // What the registry has of this one may be some seconds old.
    std::erase_if(*statuses, [&](const auto& each) { return each.instance == shared.instance; });
    statuses->push_back({shared.instance, broker::status_of(shared)});
  }
  return *std::move(result);
}

void note(InstanceWatch& watch, broker::SharedState& shared, const Statuses& statuses) {
  std::vector<std::string> names;
  for (const modules::InstanceStatus& each : statuses) names.push_back(each.instance);
  const InstanceWatch::Changes changes = watch.update(std::move(names));
  const auto publish = [&](const std::vector<std::string>& instances, std::string_view state) {
    for (const std::string& instance : instances) {
      shared.events.publish(telemetry::EventKind::instance,
                            {{"id", std::string_view(instance)}, {"state", state}});
    }
  };
  publish(changes.up, "up");
  publish(changes.down, "down");
}

void refresh(InstanceWatch& watch, broker::SharedState& shared) {
  shared.workers.post(0, list_instances_request([&watch, &shared](const modules::Answer& answer) {
                        // If the registry cannot be asked, nothing is known about others.
                        if (answer.succeeded()) note(watch, shared, answer.instances);
                      }));
}

}  // namespace crolang::admin
