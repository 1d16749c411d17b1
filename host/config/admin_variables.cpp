#include "config/admin_variables.hpp"

namespace crolang::config {
namespace {

const char* const kAdmin = "Admin interface";

}  // namespace

std::vector<Variable> admin_variables() {
  return {
      {.name = "ADMIN_PORT",
       .type = Type::uint,
       .default_value = "0",
       .help = "TCP port of the admin interface (API, dashboard and metrics); 0: none; needs "
               "ADMIN_TOKEN",
       .max = 65535,
       .group = kAdmin},
      {.name = "ADMIN_BIND_ADDRESS",
       .type = Type::address,
       .default_value = "127.0.0.1",
       .help = "numeric address that the admin interface listens on; it has no TLS, so another one "
               "needs a proxy with TLS or a private network",
       .group = kAdmin},
      {.name = "ADMIN_TOKEN",
       .default_note = "none",
       .help = "what the admin interface is used with: a bearer token, and what the dashboard asks "
               "for; at least 16 characters, without blanks",
       .secrecy = Secrecy::secret,
       .group = kAdmin},
      {.name = "ADMIN_MAX_STREAMS",
       .type = Type::uint,
       .default_value = "32",
       .help = "streams of events open at once, one for each dashboard; beyond, 503",
       .min = 1,
       .max = 1000,
       .group = kAdmin},
      {.name = "ADMIN_METRICS_OPEN",
       .type = Type::boolean,
       .default_value = "false",
       .help = "serve GET /metrics on ADMIN_PORT without the token",
       .group = kAdmin},
  };
}

}  // namespace crolang::config
