#include "admin/metrics_routes.hpp"

#include "telemetry/metrics.hpp"

namespace crolang::admin {

void add_metrics_routes(Router& router, const Backend& backend) {
  router.add(
      {.method = Method::get, .pattern = "/metrics", .handler = [&backend](const ApiRequest&) {
         ApiAnswer answer;
         answer.content_type = telemetry::kMetricsContentType;
         answer.body = backend.server.metrics_page();
         return answer;
       }});
}

}  // namespace crolang::admin
