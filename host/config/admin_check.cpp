#include "config/admin_check.hpp"

#include <algorithm>

#include "client_address/address.hpp"

namespace crolang::config {
namespace {

bool is_loopback(const client_address::Address& address) {
  if (is_ipv4(address)) return address.bytes[12] == 127;
  client_address::Address loopback;
  loopback.bytes.back() = 1;
  return address == loopback;
}

/// Empty: the token can be used.
std::string fault_of_token(const std::string& token) {
  constexpr const char* kRemedy = ": set it to a random one, such as `openssl rand -hex 24` prints";
  if (token.empty())
    return std::string("ADMIN_TOKEN is not set, but ADMIN_PORT needs it") + kRemedy;
  if (token.size() < kShortestAdminToken) {
    return "ADMIN_TOKEN: its value (secret, not shown) has fewer than " +
           std::to_string(kShortestAdminToken) + " characters" + kRemedy;
  }
  const auto is_plain = [](char c) { return c > ' ' && c < '\x7f'; };
  if (!std::ranges::all_of(token, is_plain)) {
    return std::string(
               "ADMIN_TOKEN: its value (secret, not shown) has blanks or characters that are not "
               "ASCII, which HTTP headers cannot carry") +
           kRemedy;
  }
  return {};
}

}  // namespace

bool is_usable_admin_token(const std::string& token) {
  return fault_of_token(token).empty();
}

AdminFindings check(const AdminFacts& facts) {
  AdminFindings findings;
  if (facts.port == 0) {
    for (const std::string& name : facts.set)
      findings.warnings.push_back(name + " has no effect without ADMIN_PORT");
    return findings;
  }
  if (facts.port == facts.nodes_port || facts.port == facts.plain_port) {
    findings.faults.push_back("ADMIN_PORT: " + std::to_string(facts.port) + " is " +
                              (facts.port == facts.nodes_port ? "PORT" : "PLAIN_PORT") +
                              " too: choose another port, or 0 for none");
  }
  if (facts.is_token_known) {
    if (std::string fault = fault_of_token(facts.token); !fault.empty())
      findings.faults.push_back(std::move(fault));
  }
  const auto address = client_address::parse_address(facts.bind_address);
  if (address && !is_loopback(*address)) {
    findings.warnings.push_back(
        "ADMIN_BIND_ADDRESS: " + facts.bind_address +
        " is not loopback, and the admin interface has no TLS: whoever can read the network there "
        "can read ADMIN_TOKEN. Bind it to 127.0.0.1 and put a proxy with TLS in front, or use a "
        "private network");
  }
  return findings;
}

}  // namespace crolang::config
