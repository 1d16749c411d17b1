#include "admin/admin_site.hpp"

#include <optional>
#include <utility>

#include "admin/assets.hpp"
#include "admin/host_check.hpp"
#include "admin/query.hpp"
#include "telemetry/log.hpp"

namespace crolang::admin {

namespace log = telemetry::log;

namespace {

constexpr std::string_view kAssets = "/assets/";
constexpr std::string_view kMessage = "<!--message-->";  // in login.html
constexpr std::string_view kForm = "application/x-www-form-urlencoded";

// In every response. It is about this broker now, and for whoever asked. With the policy
// "no-referrer" browsers would send forms with the Origin "null" (Fetch, 3.2).
constexpr std::string_view kHeaders =
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: same-origin\r\n"
    "X-Frame-Options: DENY\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n";
constexpr std::string_view kNoPage =
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n";
constexpr std::string_view kPage =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Permissions-Policy: camera=(), microphone=(), geolocation=()\r\n";

http::Response asset_response(unsigned status, const Asset& asset) {
  http::Response response{status, std::string(asset.content_type), std::string(asset.content), {}};
  response.extra_headers = kHeaders;
  response.extra_headers += kPage;
  return response;
}

http::Response redirect(std::string_view cookie_header) {
  http::Response response{303, {}, {}, "Location: /\r\n"};
  response.extra_headers += cookie_header;
  response.extra_headers += kHeaders;
  response.extra_headers += kNoPage;
  return response;
}

http::Response response_of(ApiAnswer answer) {
  http::Response response{answer.status, std::move(answer.content_type), std::move(answer.body),
                          std::move(answer.extra_headers)};
  response.extra_headers += kHeaders;
  response.extra_headers += kNoPage;
  return response;
}

ApiAnswer method_not_allowed(std::string_view allowed) {
  ApiAnswer answer = error_answer(405, "this path allows " + std::string(allowed));
  answer.extra_headers = "Allow: " + std::string(allowed) + "\r\n";
  return answer;
}

/// What pages refer to; the pages themselves, and the description of the API, have other paths.
bool is_public(std::string_view asset) {
  return asset.ends_with(".js") || asset.ends_with(".css") || asset.ends_with(".svg");
}

bool is_read(const http::Request& request) {
  return request.method == "GET" || request.method == "HEAD";
}

bool is_from_page(const http::Request& request) {
  return request.accept.find("text/html") != std::string::npos;
}

/// The field `token` of a form; nullopt: there is not exactly one.
std::optional<std::string> token_in(const http::Request& request) {
  if (!request.content_type.starts_with(kForm)) return std::nullopt;
  auto fields = form_fields(request.body);
  if (!fields || fields->size() != 1 || fields->front().first != "token") return std::nullopt;
  return std::move(fields->front().second);
}

}  // namespace

AdminSite::AdminSite(Guard& guard, const Router& router, std::uint16_t port, Metrics metrics)
    : guard_(guard),
      router_(router),
      cookie_name_("crolang_admin_" + std::to_string(port)),
      metrics_(metrics) {}

http::Response AdminSite::error(unsigned status, std::string_view sentence) const {
  return response_of(error_answer(status, sentence));
}

std::variant<http::Outcome, http::Task> AdminSite::handle(const http::Request& request,
                                                          const client_address::Address& peer,
                                                          TimePoint now) {
  const auto at_once = [](http::Response response) {
    return http::Outcome{std::move(response), {}};
  };
  if (!is_allowed_host(request.host))
    return at_once(error(403, "Host is neither localhost nor an IP address"));
  if (request.origin && !is_same_origin(*request.origin, request.host))
    return at_once(error(403, "Origin is not this host"));
  if (request.path != "/" && !is_same_fetch_site(request.fetch_site))
    return at_once(error(403, "Sec-Fetch-Site says that another page asks"));
  if (request.path == "/" || request.path.starts_with(kAssets))
    return at_once(page(request, peer, now));
  if (request.path == "/login") return at_once(log_in(request, peer, now));
  if (request.path == "/logout") return at_once(log_out(request, now));
  if (metrics_ == Metrics::open && request.path == "/metrics") return route(request, peer, {});
  const auto admitted = admit(request, peer, now);
  if (const auto* denial = std::get_if<Denial>(&admitted)) return at_once(denied(*denial));
  return route(request, peer, std::get<Admitted>(admitted));
}

std::variant<Admitted, Denial> AdminSite::admit(const http::Request& request,
                                                const client_address::Address& peer,
                                                TimePoint now) {
  Credentials credentials{peer, {}, cookie(request.cookie, cookie_name_)};
  if (request.authorization) credentials.authorization = *request.authorization;
  return guard_.admit(credentials, now);
}

std::variant<http::Outcome, http::Task> AdminSite::route(const http::Request& request,
                                                         const client_address::Address& peer,
                                                         const Admitted& admitted) const {
  auto found = router_.find(request.method, request.path, request.query);
  if (auto* answer = std::get_if<ApiAnswer>(&found))
    return http::Outcome{response_of(std::move(*answer)), {}};
  if (!request.body.empty()) return http::Outcome{error(400, "this path takes no body"), {}};
  auto& match = std::get<Router::Match>(found);
  match.request.client = text_of(peer);
  return http::Task([route = match.route, api_request = std::move(match.request),
                     admitted](const std::stop_token& stop) mutable {
    api_request.stop = stop;
    ApiAnswer answer = route->handler(api_request);
    const bool is_stream = answer.kind == ApiAnswer::Kind::event_stream;
    http::Outcome outcome{response_of(std::move(answer)), {}};
    if (is_stream) outcome.stream = admitted;
    return outcome;
  });
}

http::Response AdminSite::denied(const Denial& denial) const {
  ApiAnswer answer = error_answer(denial.status, denial.sentence);
  if (denial.status == 401)
    answer.extra_headers = "WWW-Authenticate: Bearer realm=\"crolang-broker\"\r\n";
  if (denial.retry_after.count() != 0) {
    answer.extra_headers += "Retry-After: " + std::to_string(denial.retry_after.count()) + "\r\n";
  }
  return response_of(std::move(answer));
}

// ---- the dashboard

http::Response AdminSite::page(const http::Request& request, const client_address::Address& peer,
                               TimePoint now) {
  if (!is_read(request)) return response_of(method_not_allowed("GET, HEAD"));
  if (request.path != "/") {
    // Whoever has no session needs the style of the login page; nothing in these files is secret.
    const auto name = std::string_view(request.path).substr(kAssets.size());
    const Asset* const asset = is_public(name) ? find_asset(name) : nullptr;
    return asset != nullptr ? asset_response(200, *asset) : error(404, "there is no such path");
  }
  const bool is_admitted = std::holds_alternative<Admitted>(admit(request, peer, now));
  return asset_response(200, *find_asset(is_admitted ? "index.html" : "login.html"));
}

http::Response AdminSite::log_in(const http::Request& request, const client_address::Address& peer,
                                 TimePoint now) {
  if (request.method != "POST") return response_of(method_not_allowed("POST"));
  const auto token = token_in(request);
  if (!token) return error(400, "the body is not a form with the field token");
  const auto result = guard_.log_in(*token, peer, now);
  if (const auto* denial = std::get_if<Denial>(&result)) return login_failed(request, *denial);
  const std::string client = text_of(peer);
  log::info("admin: logged in", {{"client", client}});
  constexpr auto kAge = std::chrono::seconds(Sessions::kAge);
  return redirect("Set-Cookie: " + cookie_name_ + "=" + std::get<std::string>(result) +
                  "; Path=/; HttpOnly; SameSite=Strict; Max-Age=" + std::to_string(kAge.count()) +
                  "\r\n");
}

http::Response AdminSite::login_failed(const http::Request& request, const Denial& denial) const {
  http::Response response = denied(denial);
  if (!is_from_page(request)) return response;
  const Asset& login = *find_asset("login.html");
  std::string text(login.content);
  if (const std::size_t place = text.find(kMessage); place != std::string::npos) {
    text.replace(place, kMessage.size(),
                 denial.status == 429
                     ? "<p class=\"fault\" role=\"alert\">Too many wrong tokens: try again in " +
                           std::to_string(denial.retry_after.count()) + " seconds.</p>"
                     : "<p class=\"fault\" role=\"alert\">This is not the token.</p>");
  }
  http::Response shown = asset_response(denial.status, login);
  shown.body = std::move(text);
  if (denial.retry_after.count() != 0) {
    shown.extra_headers += "Retry-After: " + std::to_string(denial.retry_after.count()) + "\r\n";
  }
  return shown;
}

http::Response AdminSite::log_out(const http::Request& request, TimePoint now) {
  if (request.method != "POST") return response_of(method_not_allowed("POST"));
  guard_.log_out(cookie(request.cookie, cookie_name_), now);
  return redirect("Set-Cookie: " + cookie_name_ +
                  "=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0\r\n");
}

}  // namespace crolang::admin
