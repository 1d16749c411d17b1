#include "redis-registry/sentinel_answers.hpp"

#include <charconv>
#include <optional>

#include "redis-registry/redis_reply.hpp"

namespace crolang::redis_registry {
namespace {

constexpr std::size_t kLongestName = 255;
constexpr std::size_t kMostNames = 8;  // in a line of the log
constexpr std::size_t kMostSentinels = 64;

std::optional<HostPort> read_place(std::string_view host, std::string_view digits) {
  HostPort place{std::string(host), 0};
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, place.port);
  if (error != std::errc{} || stop != end || place.port == 0 || host.empty() ||
      host.size() > kLongestName) {
    return std::nullopt;
  }
  return place;
}

/// The value of a field in a list of names and values; empty: there is none.
std::string_view field_of(const redisReply& fields, std::string_view name) {
  if (fields.type != REDIS_REPLY_ARRAY) return {};
  for (std::size_t i = 0; i + 1 < fields.elements; i += 2) {
    if (text_of(*fields.element[i]) == name) return text_of(*fields.element[i + 1]);
  }
  return {};
}

}  // namespace

std::variant<std::string, SentinelFault> read_only_master(const redisReply& reply) {
  if (is_error(reply)) {
    if (text_of(reply).starts_with("NOPERM")) {
      return SentinelFault{
          "may not tell which masters there are (NOPERM): name yours, as in "
          "REDIS_URL=redis://host:26379?master=name"};
    }
    return SentinelFault{describe_sentinel_refusal(text_of(reply))};
  }
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements == 0) {
    return SentinelFault{"knows no master: configure one with SENTINEL MONITOR"};
  }
  if (reply.elements == 1) {
    const std::string_view name = field_of(*reply.element[0], "name");
    if (!name.empty() && name.size() <= kLongestName) return std::string(name);
    return SentinelFault{"gives its master no name: is it a Sentinel?"};
  }
  std::string names;
  for (std::size_t i = 0; i < reply.elements && i < kMostNames; ++i) {
    names.append(i == 0 ? "" : ", ")
        .append(field_of(*reply.element[i], "name").substr(0, kLongestName));
  }
  return SentinelFault{"knows " + std::to_string(reply.elements) + " masters (" + names +
                       (reply.elements > kMostNames ? ", …" : "") +
                       "): name yours, as in REDIS_URL=redis://host:26379?master=name"};
}

std::variant<HostPort, SentinelFault> read_master_address(const redisReply& reply,
                                                          std::string_view name) {
  if (is_error(reply)) return SentinelFault{describe_sentinel_refusal(text_of(reply))};
  if (reply.type == REDIS_REPLY_NIL) {
    return SentinelFault{"knows no master named " + std::string(name) +
                         ": correct ?master= in REDIS_URL"};
  }
  if (reply.type == REDIS_REPLY_ARRAY && reply.elements == 2) {
    if (auto place = read_place(text_of(*reply.element[0]), text_of(*reply.element[1]))) {
      return std::move(*place);
    }
  }
  return SentinelFault{"does not say where its master is"};
}

std::vector<HostPort> read_sentinels(const redisReply& reply) {
  std::vector<HostPort> sentinels;
  if (reply.type != REDIS_REPLY_ARRAY) return sentinels;
  for (std::size_t i = 0; i < reply.elements && i < kMostSentinels; ++i) {
    const redisReply& each = *reply.element[i];
    if (auto place = read_place(field_of(each, "ip"), field_of(each, "port"))) {
      sentinels.push_back(std::move(*place));
    }
  }
  return sentinels;
}

std::string describe_sentinel_refusal(std::string_view error) {
  if (error.starts_with("NOAUTH")) {
    return "requires a password: set REDIS_SENTINEL_PASSWORD (and "
           "REDIS_SENTINEL_USER)";
  }
  if (error.starts_with("WRONGPASS")) {
    return "refuses the login (WRONGPASS): correct REDIS_SENTINEL_USER and "
           "REDIS_SENTINEL_PASSWORD";
  }
  if (error.starts_with("ERR AUTH <password> called without any password")) {
    return "has no password: remove REDIS_SENTINEL_PASSWORD, or set "
           "requirepass there";
  }
  if (error.starts_with("NOPERM")) {
    return "denies a right (NOPERM): give the user of REDIS_SENTINEL_USER "
           "+sentinel|get-master-addr-by-name";
  }
  if (error.starts_with("ERR unknown command")) {
    return "is not a Sentinel: correct REDIS_URL";
  }
  return "answers " + std::string(error.substr(0, 120));
}

}  // namespace crolang::redis_registry
