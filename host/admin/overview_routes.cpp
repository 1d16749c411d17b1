#include "admin/overview_routes.hpp"

#include "admin/assets.hpp"
#include "admin/latencies.hpp"

namespace crolang::admin {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;

/// The plugins that serve a kind; one empty text: it is built in.
template <class Served>
std::vector<std::string> plugins_of(const Served& served) {
  if constexpr (requires { served.plugin_id; }) {
    return {served.plugin_id};
  } else {
    std::vector<std::string> plugins;
    for (const auto& each : served) plugins.push_back(each.plugin_id);
    return plugins;
  }
}

template <std::size_t... indices>
std::vector<std::vector<std::string>> all_plugins(const modules::ModuleTable& modules,
                                                  std::index_sequence<indices...>) {
  return {plugins_of(modules.of<static_cast<kinds::Kind>(indices)>())...};
}

json modules_json(const Backend& backend, steady_clock::time_point now) {
  const auto counters = backend.server.counters();
  const auto plugins =
      all_plugins(backend.shared.modules, std::make_index_sequence<kinds::kKinds>());
  json modules = json::array();
  for (const kinds::Description& kind : kinds::kAll) {
    const auto fault = backend.shared.module_faults.last(kind.kind);
    const auto latency = backend.server.latency_window().of(telemetry::call_latency(kind.kind));
    const bool is_failing = backend.shared.module_faults.is_failing(kind.kind, now);
    for (const std::string& plugin : plugins[kinds::index(kind.kind)]) {
      modules.push_back({{"kind", kind.label()},
                         {"plugin", plugin.empty() ? json() : json(plugin)},
                         {"state", is_failing ? "failing" : "ok"},
                         {"calls", calls_of(counters, kind.kind)},
                         {"latencyMs", quantiles_json(latency)},
                         {"faults", faults_of(counters, kind.kind)},
                         {"lastFault", fault ? json(fault->text) : json()}});
    }
  }
  return modules;
}

json overview(const Backend& backend) {
  const auto now = steady_clock::now();
  const std::uint64_t nodes = backend.shared.directory.size();
  const Traffic traffic = traffic_of(backend.server.counters(), nodes);
  json limits = json::object();
  for (const auto& [name, value] : backend.limits) limits[name] = value;
  const auto uptime =
      std::chrono::duration_cast<std::chrono::seconds>(now - backend.server.up_since());
  return {{"instance", backend.shared.instance},
          {"version", backend.shared.about.version},
          {"startedAt", utc_text(backend.shared.about.started)},
          {"uptimeSeconds", uptime.count()},
          {"state", backend.shared.draining.load() ? "draining" : "running"},
          {"workers", backend.shared.workers.count()},
          {"nodes", nodes},
          {"connections", backend.server.open_connections()},
          {"rates",
           {{"last10s", backend.history.rates(traffic, std::chrono::seconds(10), now)},
            {"last60s", backend.history.rates(traffic, std::chrono::seconds(60), now)}}},
          {"modules", modules_json(backend, now)},
          {"limits", limits}};
}

}  // namespace

void add_overview_routes(Router& router, const Backend& backend) {
  router.add(
      {.method = Method::get,
       .pattern = "/api/v1/overview",
       .handler = [&backend](const ApiRequest&) { return json_answer(200, overview(backend)); }});
  router.add({.method = Method::get,
              .pattern = "/api/v1/history",
              .handler = [&backend](const ApiRequest&) {
                return json_answer(200, backend.history.json());
              }});
  router.add(
      {.method = Method::get, .pattern = "/api/v1/openapi.json", .handler = [](const ApiRequest&) {
         ApiAnswer answer;
         answer.body = find_asset("openapi.json")->content;
         return answer;
       }});
}

}  // namespace crolang::admin
