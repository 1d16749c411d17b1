#pragma once
/// The admin interface as a whole: guard, routes, history and listener.
/// Threads: constructor, start and stop on the control thread; set_token on any. Errors:
/// std::system_error from constructor and start.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "admin/admin_site.hpp"
#include "admin/backend.hpp"
#include "admin/guard.hpp"
#include "admin/history.hpp"
#include "admin/http/listener.hpp"
#include "admin/instances.hpp"
#include "admin/lifecycle.hpp"
#include "admin/router.hpp"
#include "admin/sampler.hpp"
#include "net/descriptor.hpp"
#include "net/server.hpp"
#include "process/control.hpp"

namespace crolang::admin {

struct AdminOptions {
  std::uint16_t port = 0;
  std::string token;
  std::size_t max_streams = 32;
  AdminSite::Metrics metrics = AdminSite::Metrics::with_token;
  std::vector<std::pair<std::string, std::uint64_t>> limits{};  ///< for the overview
};

class AdminServer {
 public:
  /// `listening` is ADMIN_PORT's. The references must outlive this object; the server's workers
  /// must have ended before it is destroyed, since they may still answer its questions.
  AdminServer(net::Descriptor listening, const AdminOptions& options, net::Server& server,
              process::Control& control, Lifecycle& lifecycle);

  void start();
  /// Before the server stops. Takes about half a second, whatever clients do; up to two if a
  /// handler waits for the registry.
  void stop();
  void set_token(std::string_view token) { guard_.set_token(token); }

 private:
  static Router make_router(const Backend& backend);

  Guard guard_;
  History history_;
  InstanceWatch instances_;
  const Backend backend_;
  const Router router_;
  AdminSite site_;
  Sampler sampler_;
  http::Listener listener_;
};

}  // namespace crolang::admin
