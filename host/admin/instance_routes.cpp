#include "admin/instance_routes.hpp"

#include <algorithm>

namespace crolang::admin {
namespace {

ApiAnswer instances(const Backend& backend, const ApiRequest& request) {
  auto listed = list_instances(backend.shared, request.stop);
  if (const auto* why = std::get_if<std::string>(&listed))
    return error_answer(503, "the registry cannot list the instances: " + *why);
  auto& statuses = std::get<std::vector<modules::InstanceStatus>>(listed);
  // So whoever was shown here, and goes, is in the events, however short it has lived.
  note(backend.instances, backend.shared, statuses);
  std::ranges::sort(statuses, {}, &modules::InstanceStatus::instance);
  nlohmann::json entries = nlohmann::json::array();
  const auto now = std::chrono::system_clock::now();
  for (const modules::InstanceStatus& each : statuses) {
    if (auto entry = instance_json(each, backend.shared.instance, now))
      entries.push_back(*std::move(entry));
  }
  return json_answer(200, {{"instances", entries}});
}

}  // namespace

void add_instance_routes(Router& router, const Backend& backend) {
  router.add(
      {.method = Method::get,
       .pattern = "/api/v1/instances",
       .handler = [&backend](const ApiRequest& request) { return instances(backend, request); }});
}

}  // namespace crolang::admin
