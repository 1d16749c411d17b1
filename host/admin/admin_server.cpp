#include "admin/admin_server.hpp"

#include <chrono>

#include "admin/event_routes.hpp"
#include "admin/ice_routes.hpp"
#include "admin/instance_routes.hpp"
#include "admin/lifecycle_routes.hpp"
#include "admin/metrics_routes.hpp"
#include "admin/negotiation_routes.hpp"
#include "admin/node_routes.hpp"
#include "admin/overview_routes.hpp"

namespace crolang::admin {

AdminServer::AdminServer(net::Descriptor listening, const AdminOptions& options,
                         net::Server& server, process::Control& control, Lifecycle& lifecycle)
    : guard_(options.token, server.shared().counters),
      history_(traffic_of(server.counters(), 0), std::chrono::steady_clock::now()),
      instances_(server.shared().instance),
      backend_{server,   server.shared(), control,        lifecycle,
               history_, instances_,      options.limits, options.max_streams},
      router_(make_router(backend_)),
      site_(guard_, router_, options.port, options.metrics),
      sampler_(backend_),
      listener_(std::move(listening), {.max_streams = options.max_streams}, site_,
                server.shared().events, server.shared().counters) {}

Router AdminServer::make_router(const Backend& backend) {
  Router router;
  add_overview_routes(router, backend);
  add_instance_routes(router, backend);
  add_lifecycle_routes(router, backend);
  add_metrics_routes(router, backend);
  add_node_routes(router, backend.shared);
  add_event_routes(router, backend);
  add_negotiation_routes(router, backend);
  add_ice_routes(router, backend);
  return router;
}

void AdminServer::start() {
  sampler_.start();
  listener_.start();
}

void AdminServer::stop() {
  listener_.stop();
  sampler_.stop();
}

}  // namespace crolang::admin
