#pragma once
/// Converts the operator's settings into the options of the server, of its TLS and of the
/// healthcheck. Pure. Threads: any. Errors: none.

#include <optional>
#include <string>

#include "admin/admin_server.hpp"
#include "config/settings.hpp"
#include "net/healthcheck.hpp"
#include "net/server.hpp"
#include "process/file_limit.hpp"
#include "tls/server_files.hpp"

namespace crolang::program {

/// `limit`: what the limit of open files leaves; used where the settings give no limit. Without
/// ServerOptions::tls, which the caller sets.
net::ServerOptions server_options(const config::Settings& settings,
                                  const process::FileLimit& limit);

/// `options`: of the server, for the limits in use.
admin::AdminOptions admin_options(const config::Settings& settings,
                                  const net::ServerOptions& options, std::string token);

tls::ServerFiles server_files(const config::TlsSettings& settings);

/// The listener that answers on this machine without a certificate; nullopt: there is none.
std::optional<net::HealthTarget> health_target(const config::Settings& settings);

}  // namespace crolang::program
