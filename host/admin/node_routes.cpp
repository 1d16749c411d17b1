#include "admin/node_routes.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <variant>

#include "broker/node_report.hpp"
#include "grid/grid_nodes.hpp"
#include "telemetry/log.hpp"

namespace crolang::admin {

using broker::Disconnection;
using broker::RefusedId;
using grid::Failure;
using grid::GridNodes;

namespace {

// Who asked, for the log of the node's instance.
constexpr std::string_view kBy = "admin";

ApiAnswer answer_of(const Failure& failure) {
  const auto status = [&] {
    switch (failure.why) {
      case Failure::Why::not_found:
        return 404U;
      case Failure::Why::unavailable:
        return 503U;
      case Failure::Why::not_supported:
        return 501U;
      case Failure::Why::full:
        return 507U;
      case Failure::Why::invalid:
        return 400U;
    }
    return 500U;
  };
  return error_answer(status(), failure.sentence);
}

nlohmann::json text_or_null(const std::optional<std::string>& text) {
  return text ? nlohmann::json(*text) : nlohmann::json(nullptr);
}

ApiAnswer list(broker::SharedState& shared, const ApiRequest& request) {
  const auto text = [&](std::string_view name) {
    const std::string* const value = request.query.find(name);
    return value == nullptr ? std::string() : *value;
  };
  const broker::NodeQuery query{text("prefix"), text("cursor"),
                                static_cast<std::size_t>(request.query.number("limit"))};
  const auto scope =
      request.query.text("scope") == "grid" ? GridNodes::Scope::grid : GridNodes::Scope::instance;
  auto outcome = GridNodes(shared).list(query, scope);
  if (const auto* failure = std::get_if<Failure>(&outcome)) return answer_of(*failure);
  auto& listing = std::get<GridNodes::Listing>(outcome);
  return json_answer(200, {{"nodes", std::move(listing.nodes)},
                           {"nextCursor", text_or_null(listing.next_cursor)},
                           {"unreachable", listing.unreachable}});
}

ApiAnswer find(broker::SharedState& shared, const ApiRequest& request) {
  const auto outcome = GridNodes(shared).find(request.path.front());
  if (const auto* failure = std::get_if<Failure>(&outcome)) return answer_of(*failure);
  return json_answer(200, std::get<nlohmann::json>(outcome));
}

std::string_view reason_in(const ApiRequest& request) {
  const std::string* const reason = request.query.find("reason");
  return reason == nullptr ? std::string_view() : *reason;
}

/// What was asked for is logged here, at every LOG_LEVEL; that it has happened, where the node was.
void log_disconnect(const ApiRequest& request) {
  telemetry::log::info("an operator disconnects a node", {{"node", request.path.front()},
                                                          {"by", kBy},
                                                          {"client", request.client},
                                                          {"reason", reason_in(request)}});
}

void log_refusal(const ApiRequest& request, std::chrono::seconds time) {
  telemetry::log::info("an operator refuses an id", {{"node", request.path.front()},
                                                     {"by", kBy},
                                                     {"client", request.client},
                                                     {"seconds", time.count()},
                                                     {"reason", reason_in(request)}});
}

void log_lift(const ApiRequest& request) {
  telemetry::log::info("an operator refuses an id no longer",
                       {{"node", request.path.front()}, {"by", kBy}, {"client", request.client}});
}

ApiAnswer disconnect(broker::SharedState& shared, const ApiRequest& request) {
  const bool reconnects = request.query.is_true("reconnect");
  const bool is_refused = request.query.find("for") != nullptr;
  if (reconnects && is_refused) {
    return error_answer(400,
                        "for and reconnect=true contradict each other: a node that shall "
                        "reconnect must not be refused");
  }
  const Disconnection disconnection{
      request.path.front(),
      reconnects ? Disconnection::Then::reconnects : Disconnection::Then::stays_away,
      std::string(kBy), std::string(reason_in(request))};
  const GridNodes nodes(shared);
  if (!is_refused) {
    log_disconnect(request);
    const auto outcome = nodes.disconnect(disconnection);
    if (const auto* failure = std::get_if<Failure>(&outcome)) return answer_of(*failure);
    const auto& done = std::get<GridNodes::Disconnected>(outcome);
    return json_answer(200, {{"id", disconnection.id},
                             {"instance", text_or_null(done.instance)},
                             {"disconnected", done.disconnected},
                             {"refusedUntil", nullptr}});
  }
  const std::chrono::seconds time(request.query.number("for"));
  log_refusal(request, time);
  const auto outcome = nodes.refuse(disconnection, time);
  if (const auto* failure = std::get_if<Failure>(&outcome)) return answer_of(*failure);
  const auto& done = std::get<GridNodes::Refused>(outcome);
  return json_answer(200, {{"id", disconnection.id},
                           {"instance", text_or_null(done.node.instance)},
                           {"disconnected", done.node.disconnected},
                           {"refusedUntil", broker::rfc3339(done.id.until)}});
}

ApiAnswer refused_ids(broker::SharedState& shared) {
  nlohmann::json entries = nlohmann::json::array();
  for (const RefusedId& each : GridNodes(shared).refused_ids()) {
    entries.push_back(
        {{"id", each.id},
         {"until", broker::rfc3339(each.until)},
         {"reason", each.reason.empty() ? nlohmann::json(nullptr) : nlohmann::json(each.reason)}});
  }
  return json_answer(200, {{"refusedIds", std::move(entries)}});
}

ApiAnswer lift(broker::SharedState& shared, const ApiRequest& request) {
  const std::string& id = request.path.front();
  if (const auto failure = GridNodes(shared).lift(id)) return answer_of(*failure);
  log_lift(request);
  return json_answer(200, {{"id", id}, {"lifted", true}});
}

}  // namespace

void add_node_routes(Router& router, broker::SharedState& shared) {
  using Type = Parameter::Type;
  router.add({.method = Method::get,
              .pattern = "/api/v1/nodes",
              .parameters = {{.name = "prefix"},
                             {.name = "limit",
                              .type = Type::number,
                              .default_value = "100",
                              .least = 1,
                              .most = broker::kMaxPage},
                             // An id, perhaps a long one.
                             {.name = "cursor", .most = 16 * 1024},
                             {.name = "scope",
                              .type = Type::choice,
                              .default_value = "instance",
                              .choices = {"instance", "grid"}}},
              .handler = [&shared](const ApiRequest& request) { return list(shared, request); }});
  router.add({.method = Method::get,
              .pattern = "/api/v1/nodes/{id}",
              .handler = [&shared](const ApiRequest& request) { return find(shared, request); }});
  router.add(
      {.method = Method::del,
       .pattern = "/api/v1/nodes/{id}",
       .parameters = {{.name = "for",
                       .type = Type::number,
                       .least = 1,
                       .most = static_cast<std::uint64_t>(grid::kLongestRefusal.count())},
                      {.name = "reconnect", .type = Type::choice, .choices = kTrueOrFalse},
                      {.name = "reason", .most = broker::kMaxRefusalReason}},
       .handler = [&shared](const ApiRequest& request) { return disconnect(shared, request); }});
  router.add({.method = Method::get,
              .pattern = "/api/v1/refused-ids",
              .handler = [&shared](const ApiRequest&) { return refused_ids(shared); }});
  router.add({.method = Method::del,
              .pattern = "/api/v1/refused-ids/{id}",
              .handler = [&shared](const ApiRequest& request) { return lift(shared, request); }});
}

}  // namespace crolang::admin
