#pragma once
/// The broker while it serves: what signals and the admin interface have it do, and how it ends.
/// Threads: control. Errors: none; they are logged.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "admin/admin_server.hpp"
#include "admin/lifecycle.hpp"
#include "net/server.hpp"
#include "process/control.hpp"
#include "reload/certificate_renewal.hpp"
#include "reload/reloader.hpp"

namespace crolang::program {

class Running final : public admin::Lifecycle {
 public:
  /// The references must outlive this object. `renewal`: nullptr without TLS.
  Running(process::Control& control, net::Server& server, reload::Reloader& reloader,
          reload::CertificateRenewal* renewal, std::chrono::milliseconds drain_duration)
      : control_(control),
        server_(server),
        reloader_(reloader),
        renewal_(renewal),
        drain_duration_(drain_duration) {}

  /// A changed ADMIN_TOKEN is passed to it. nullptr: there is none.
  void set_admin(admin::AdminServer* admin) noexcept { admin_ = admin; }
  /// Handles signals until a drain has ended. Handlers may still be called later, while plugins
  /// stop; they do nothing to the server then.
  void run();

  // admin::Lifecycle
  Drain drain(std::string_view client) override;
  Cancel cancel_drain(std::string_view client) override;
  Reload reload_configuration(std::string_view client) override;

 private:
  enum class Phase : std::uint8_t { serving, draining, ended };

  void on_signal(int signal);
  void end(int signal);
  void begin_drain();
  reload::Outcome apply_reload();

  process::Control& control_;
  net::Server& server_;
  reload::Reloader& reloader_;
  reload::CertificateRenewal* const renewal_;
  const std::chrono::milliseconds drain_duration_;
  admin::AdminServer* admin_ = nullptr;
  Phase phase_ = Phase::serving;
  bool has_signal_ = false;  // that ends the process
};

}  // namespace crolang::program
