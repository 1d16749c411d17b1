#include "config/foreign.hpp"

#include <algorithm>
#include <array>

namespace crolang::config {
namespace {

constexpr std::array<std::string_view, 3> kProtocols{"TCP", "UDP", "SCTP"};
constexpr std::array<std::string_view, 3> kSchemes{"tcp://", "udp://", "sctp://"};

// POSIX.1-2017, Base Definitions, 8.1 and 8.3; and what shells, sshd, sudo and systemd add.
constexpr std::array<std::string_view, 28> kOfTheSystem{
    "COLUMNS",  "DISPLAY", "EDITOR",  "HOME",      "HOSTNAME", "INVOCATION_ID", "LANG",
    "LANGUAGE", "LINES",   "LOGNAME", "LS_COLORS", "MAIL",     "MANPATH",       "NOTIFY_SOCKET",
    "OLDPWD",   "PAGER",   "PATH",    "PWD",       "SHELL",    "SHLVL",         "SUDO_USER",
    "TEMP",     "TERM",    "TMP",     "TMPDIR",    "TZ",       "USER",          "VISUAL"};

/// `6379_TCP`, `6379_TCP_ADDR`, …: what follows `…_PORT_`.
bool is_port_and_protocol(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || digits == text.size() || text[digits] != '_') return false;
  text.remove_prefix(digits + 1);
  return std::any_of(kProtocols.begin(), kProtocols.end(), [&](std::string_view protocol) {
    if (!text.starts_with(protocol)) return false;
    const std::string_view rest = text.substr(protocol.size());
    return rest.empty() || rest == "_PROTO" || rest == "_PORT" || rest == "_ADDR" ||
           rest == "_START" || rest == "_END" || rest == "_PORT_START" || rest == "_PORT_END";
  });
}

bool is_service_url(std::string_view value) {
  return std::any_of(kSchemes.begin(), kSchemes.end(),
                     [&](std::string_view scheme) { return value.starts_with(scheme); });
}

}  // namespace

bool is_service_variable(std::string_view name, std::string_view value) {
  if (name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT") ||
      name.find("_SERVICE_PORT_") != std::string_view::npos)
    return true;
  if (name.ends_with("_PORT") && is_service_url(value)) return true;
  // The linked container's own variables are passed as ALIAS_ENV_NAME, its name as
  // ALIAS_NAME=/web/redis.
  if (name.find("_ENV_") != std::string_view::npos) return true;
  if (name.ends_with("_NAME") && value.starts_with('/')) return true;
  constexpr std::string_view kPort = "_PORT_";
  for (std::size_t at = name.find(kPort); at != std::string_view::npos;
       at = name.find(kPort, at + 1)) {
    if (is_port_and_protocol(name.substr(at + kPort.size()))) return true;
  }
  return false;
}

bool is_system_variable(std::string_view name) {
  return name.starts_with("LC_") || name.starts_with("XDG_") || name.starts_with("SSH_") ||
         std::find(kOfTheSystem.begin(), kOfTheSystem.end(), name) != kOfTheSystem.end();
}

}  // namespace crolang::config
