#include "redis-registry/endpoint.hpp"

#include <algorithm>
#include <charconv>
#include <crolang/url.hpp>
#include <optional>
#include <stdexcept>

namespace crolang::redis_registry {
namespace {

[[noreturn]] void refuse(std::string_view why) {
  throw std::invalid_argument("REDIS_URL: " + std::string(why));
}

std::string decoded(std::string_view text, std::string_view where) {
  std::string out;
  if (!url::append_decoded(out, text, url::Plus::is_itself)) {
    refuse("a percent sign in " + std::string(where) +
           " is not followed by two hex digits: write a percent sign as %25");
  }
  return out;
}

unsigned database_of(std::string_view text) {
  unsigned database = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, database);
  if (error != std::errc{} || stop != end) {
    refuse("the database must be a number, as in redis://host:6379/2");
  }
  return database;
}

void take_credentials(Endpoint& endpoint, std::string_view text) {
  constexpr std::string_view kWhere = "user or password";
  const std::size_t colon = text.find(':');
  endpoint.login.user = decoded(text.substr(0, colon), kWhere);
  if (colon != std::string_view::npos)
    endpoint.login.password = decoded(text.substr(colon + 1), kWhere);
  if (!endpoint.login.user.empty() && endpoint.login.password.empty()) {
    refuse(
        "a user needs a password, as in redis://user:password@host; one "
        "without a user has a "
        "colon before it, as in redis://:password@host");
  }
}

HostPort read_host(std::string_view text) {
  const auto authority = url::split_authority(text);
  if (authority.brackets == url::Brackets::unclosed) {
    refuse("the bracket of the address is not closed");
  }
  HostPort host{std::string(authority.host)};
  if (authority.behind.empty()) return host;
  if (!authority.behind.starts_with(':')) refuse("no port follows the address");
  const auto port = url::read_port(authority.behind);
  if (!port) refuse("the port is not a number from 1 to 65535");
  host.port = *port;
  return host;
}

void take_hosts(Endpoint& endpoint, std::string_view list) {
  if (list.empty() || list.starts_with(':')) {
    endpoint.hosts.push_back(read_host("localhost" + std::string(list)));
    return;
  }
  while (true) {
    const std::size_t comma = list.find(',');
    const HostPort host = read_host(list.substr(0, comma));
    if (host.host.empty()) {
      refuse("a host in the list is empty: write redis://host:port,host:port");
    }
    if (std::find(endpoint.hosts.begin(), endpoint.hosts.end(), host) == endpoint.hosts.end()) {
      endpoint.hosts.push_back(host);
    }
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  if (endpoint.hosts.size() > Endpoint::kMaxHosts) {
    refuse("has more than " + std::to_string(Endpoint::kMaxHosts) + " hosts: name a few of them");
  }
}

void take_parameters(Endpoint& endpoint, std::string_view query) {
  constexpr std::string_view kMaster = "master=";
  if (!query.starts_with(kMaster) || query.find_first_of("&#") != std::string_view::npos) {
    refuse(
        "the only parameter of redis:// is master, the name of the primary "
        "that Sentinels know, as "
        "in redis://host:26379?master=name; the database is the path, as in "
        "redis://host:6379/2");
  }
  endpoint.master = decoded(query.substr(kMaster.size()), "the name of the master");
  if (endpoint.master.empty()) refuse("the name of the master is empty: write ?master=name");
}

Endpoint parse_unix(std::string_view rest) {
  Endpoint endpoint;
  if (const std::size_t at = rest.substr(0, rest.find('/')).rfind('@');
      at != std::string_view::npos) {
    take_credentials(endpoint, rest.substr(0, at));
    rest.remove_prefix(at + 1);
  }
  const std::size_t query = rest.find('?');
  endpoint.path = rest.substr(0, query);
  if (!endpoint.path.starts_with('/'))
    refuse("a unix socket is named by its path, as in unix:///run/redis.sock");
  if (query == std::string_view::npos) return endpoint;
  rest.remove_prefix(query + 1);
  if (!rest.starts_with("db="))
    refuse(
        "the only parameter of unix:// is db, as in "
        "unix:///run/redis.sock?db=2");
  endpoint.database = database_of(rest.substr(3));
  return endpoint;
}

}  // namespace

std::vector<std::string_view> Login::command() const {
  std::vector<std::string_view> words{"AUTH"};
  if (!user.empty()) words.push_back(user);
  words.push_back(password);
  return words;
}

std::string HostPort::name() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Endpoint::name() const {
  if (is_unix()) return path;
  std::string all;
  for (const HostPort& each : hosts) all.append(all.empty() ? "" : ",").append(each.name());
  return all;
}

bool Endpoint::is_same_place(const Endpoint& other) const {
  return hosts == other.hosts && path == other.path && database == other.database &&
         tls == other.tls && master == other.master;
}

Endpoint parse_url(std::string_view text) {
  const auto scheme = url::split_scheme(text);
  if (!scheme) refuse("is not a URL such as redis://host:6379");
  if (scheme->name == "unix") return parse_unix(scheme->rest);
  if (scheme->name != "redis" && scheme->name != "rediss") {
    refuse(
        "the scheme is redis://, rediss:// (TLS) or unix://, with Sentinel and "
        "in a cluster too, not " +
        std::string(scheme->name.substr(0, 16)) + "://");
  }

  Endpoint endpoint;
  endpoint.tls = scheme->name == "rediss";
  std::string_view rest = scheme->rest;
  // A password may contain any character, including those that would end the
  // authority.
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    take_credentials(endpoint, rest.substr(0, at));
    rest.remove_prefix(at + 1);
  }
  const std::size_t end = url::authority_size(rest);
  take_hosts(endpoint, rest.substr(0, end));
  std::string_view path = rest.substr(end);
  if (const std::size_t query = path.find_first_of("?#"); query != std::string_view::npos) {
    take_parameters(endpoint, path.substr(query + 1));
    path = path.substr(0, query);
  }
  if (path.size() > 1) endpoint.database = database_of(path.substr(1));
  return endpoint;
}

}  // namespace crolang::redis_registry
