#include "program/admin_command.hpp"

#include <charconv>
#include <chrono>
#include <iostream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "admin_client/address.hpp"
#include "admin_client/client.hpp"
#include "admin_client/commands.hpp"
#include "program/console.hpp"

namespace crolang::program {
namespace {

using admin_client::Address;

/// A value of the environment or .env; a fault is added to the faults.
std::string value_of(const config::Environment& environment, const char* name,
                     config::Secrecy secrecy, std::vector<std::string>& faults) {
  const config::Variable variable{.name = name, .secrecy = secrecy};
  config::Found found = config::find(environment, variable);
  if (!found.fault.empty()) faults.push_back(std::string(name) + ": " + found.fault);
  return std::move(found.text);
}

Address address_of(const config::AdminCommand& command, const config::Environment& environment,
                   std::vector<std::string>& faults) {
  if (!command.url.empty()) {
    auto parsed = admin_client::parse_url(command.url);
    if (auto* fault = std::get_if<std::string>(&parsed)) {
      faults.push_back(std::move(*fault));
      return {};
    }
    return std::get<Address>(std::move(parsed));
  }
  const std::string port = value_of(environment, "ADMIN_PORT", config::Secrecy::shown, faults);
  const std::string bind =
      value_of(environment, "ADMIN_BIND_ADDRESS", config::Secrecy::shown, faults);
  if (port.empty()) {
    faults.push_back(
        "ADMIN_PORT is set neither here nor in .env: set it as for the broker, or name its admin "
        "interface with --admin-url http://host:port");
    return {};
  }
  std::uint16_t number = 0;
  const char* const end = port.data() + port.size();
  const auto [stopped, error] = std::from_chars(port.data(), end, number);
  if (error != std::errc() || stopped != end || number == 0) {
    faults.push_back("ADMIN_PORT is '" + port + "', not a number from 1 to 65535");
  }
  return admin_client::local_address(bind, number);
}

}  // namespace

ExitCode ask_admin(const config::AdminCommand& command, const config::Environment& environment) {
  std::vector<std::string> faults = environment.faults;
  Address address = address_of(command, environment, faults);
  std::string token = value_of(environment, "ADMIN_TOKEN", config::Secrecy::secret, faults);
  if (faults.empty() && token.empty()) {
    faults.push_back(
        "ADMIN_TOKEN is set neither here nor in .env: set it, or ADMIN_TOKEN_FILE, as for the "
        "broker");
  }
  if (!faults.empty()) {
    print_all(faults);
    return kBadConfiguration;
  }
  if (address.security == Address::Security::plain && !address.is_loopback()) {
    print_warnings({"ADMIN_TOKEN goes to " + address.text() + " without TLS"});
  }
  admin_client::Client client(std::move(address), std::move(token));
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const admin_client::Outcome outcome = admin_client::run(
      command,
      [&client](admin_client::Method method, std::string_view target) {
        return client.ask(method, target);
      },
      std::cout, now);
  if (!std::cout.flush()) {
    print_all({"standard output cannot be written to"});
    return kCannotRun;
  }
  if (!outcome.warning.empty()) print_warnings({outcome.warning});
  if (!outcome.fault.empty()) {
    print_all({outcome.fault});
    return kCannotRun;
  }
  return kFine;
}

}  // namespace crolang::program
