#include "admin/lifecycle_routes.hpp"

namespace crolang::admin {
namespace {

constexpr std::string_view kBusy = "the broker is busy or ending: no answer in time";

ApiAnswer drain(const Backend& backend, const ApiRequest& request) {
  const auto result = backend.on_control_thread(
      [&lifecycle = backend.lifecycle, client = request.client] { return lifecycle.drain(client); },
      request.stop);
  if (!result) return error_answer(503, kBusy);
  // Who asks twice gets what it wants.
  return json_answer(202, {{"state", "draining"}});
}

ApiAnswer cancel_drain(const Backend& backend, const ApiRequest& request) {
  const auto result = backend.on_control_thread(
      [&lifecycle = backend.lifecycle, client = request.client] {
        return lifecycle.cancel_drain(client);
      },
      request.stop);
  if (!result) return error_answer(503, kBusy);
  switch (*result) {
    case Lifecycle::Cancel::cancelled:
      return json_answer(200, {{"state", "running"}});
    case Lifecycle::Cancel::not_draining:
      return error_answer(409, "there is no drain to cancel, or it has just ended");
    case Lifecycle::Cancel::ended_by_signal:
      return error_answer(409, "a signal ends this broker: its drain cannot be cancelled");
  }
  return {};
}

ApiAnswer reload(const Backend& backend, const ApiRequest& request) {
  const auto result = backend.on_control_thread(
      [&lifecycle = backend.lifecycle, client = request.client] {
        return lifecycle.reload_configuration(client);
      },
      request.stop);
  if (!result) return error_answer(503, kBusy);
  if (result->faults.empty()) {
    return json_answer(200, {{"changed", result->changed}, {"needRestart", result->need_restart}});
  }
  std::string sentence;
  for (const std::string& fault : result->faults)
    sentence += (sentence.empty() ? "" : "; ") + fault;
  return error_answer(422, sentence);
}

}  // namespace

void add_lifecycle_routes(Router& router, const Backend& backend) {
  router.add(
      {.method = Method::post,
       .pattern = "/api/v1/drain",
       .handler = [&backend](const ApiRequest& request) { return drain(backend, request); }});
  router.add({.method = Method::del,
              .pattern = "/api/v1/drain",
              .handler = [&backend](const ApiRequest& request) {
                return cancel_drain(backend, request);
              }});
  router.add(
      {.method = Method::post,
       .pattern = "/api/v1/reload",
       .handler = [&backend](const ApiRequest& request) { return reload(backend, request); }});
}

}  // namespace crolang::admin
