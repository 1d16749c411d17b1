#include "webhook-auth/passed_headers.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <stdexcept>

namespace crolang::webhook_auth {
namespace {

constexpr std::string_view kUserAgent = "User-Agent";
constexpr std::string_view kAuthorization = "Authorization";

/// Those that the request to the webhook has anyway, those that say who the node is, and those that
/// concern one connection only (RFC 9110 7.6.1).
constexpr std::array kOfTheBroker = std::to_array<std::string_view>(
    {"Host", "Content-Length", "Content-Type", "Content-Encoding", "Accept", "Accept-Encoding",
     "Expect", "X-Forwarded-For", "Forwarded", "webhook-id", "webhook-timestamp",
     "webhook-signature", "Connection", "Proxy-Connection", "Keep-Alive", "Upgrade", "TE",
     "Trailer", "Transfer-Encoding"});

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

/// RFC 9110 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

/// Empty: it can be passed on.
std::string fault_of(std::string_view name, UrlUser user) {
  if (!is_token(name)) {
    return "\"" + std::string(name) +
           "\" is not the name of a header: write names separated by commas, such as "
           "Origin,Cookie,User-Agent";
  }
  if (std::ranges::any_of(kOfTheBroker,
                          [&](std::string_view own) { return is_same_name(own, name); })) {
    return std::string(name) +
           " cannot be passed on, since the broker's request to the webhook "
           "has its own: remove it";
  }
  if (user == UrlUser::some && is_same_name(name, kAuthorization)) {
    return std::string(name) +
           " cannot be passed on, since the webhook's URL has a user: remove "
           "one of them";
  }
  return {};
}

void add_line(std::string& lines, std::string_view name, std::string_view value) {
  lines += name;
  lines += ": ";
  lines += value;
  lines += "\r\n";
}

}  // namespace

PassedHeaders::PassedHeaders(std::string_view variable, std::string_view names, UrlUser user) {
  const auto refuse = [&](const std::string& why) {
    throw std::invalid_argument(std::string(variable) + ": " + why);
  };
  while (!names.empty()) {
    const std::size_t comma = std::min(names.find(','), names.size());
    const std::string_view name = trim(names.substr(0, comma));
    names.remove_prefix(std::min(comma + 1, names.size()));
    if (name.empty()) continue;
    if (const std::string fault = fault_of(name, user); !fault.empty()) refuse(fault);
    if (std::ranges::any_of(names_,
                            [&](const std::string& other) { return is_same_name(other, name); })) {
      refuse(std::string(name) + " is named twice");
    }
    // As webhook-common spells it, so that it replaces the broker's own.
    names_.emplace_back(is_same_name(name, kUserAgent) ? kUserAgent : name);
    joined_ += (joined_.empty() ? "" : ",") + names_.back();
  }
}

std::string PassedHeaders::header_lines(const plugin::ConnectingNode& node) const {
  std::string lines;
  if (!node.client_address.empty()) add_line(lines, "X-Forwarded-For", node.client_address);
  for (const std::string& name : names_) {
    for (std::size_t i = 0; const auto header = node.header_at(i); ++i) {
      if (is_same_name(header->name, name)) add_line(lines, name, header->value);
    }
  }
  return lines;
}

}  // namespace crolang::webhook_auth
