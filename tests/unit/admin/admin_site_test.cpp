#include "admin/admin_site.hpp"

#include <gtest/gtest.h>

namespace crolang::admin {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kSiteToken = "a-token-of-some-length";
const http::Site::TimePoint kTime{24h};
const client_address::Address kClient = client_address::ipv4_address({127, 0, 0, 1});

class AdminSiteTest : public ::testing::Test {
 protected:
  AdminSiteTest() {
    router_.add({.method = Method::get,
                 .pattern = "/api/v1/thing/{id}",
                 .handler = [](const ApiRequest& request) {
                   return json_answer(200, {{"id", request.path.front()}});
                 }});
    router_.add(
        {.method = Method::get, .pattern = "/api/v1/events", .handler = [](const ApiRequest&) {
           ApiAnswer answer;
           answer.kind = ApiAnswer::Kind::event_stream;
           return answer;
         }});
    router_.add({.method = Method::get, .pattern = "/metrics", .handler = [](const ApiRequest&) {
                   return json_answer(200, 1);
                 }});
  }

  static http::Request request(std::string method, std::string path) {
    http::Request made;
    made.method = std::move(method);
    made.path = std::move(path);
    made.host = "localhost:9000";
    return made;
  }
  static http::Request with_token(http::Request made) {
    made.authorization = "Bearer " + std::string(kSiteToken);
    return made;
  }
  http::Outcome outcome_of(const http::Request& made) {
    auto handled = site_.handle(made, kClient, kTime);
    if (auto* task = std::get_if<http::Task>(&handled)) return (*task)(std::stop_token());
    return std::get<http::Outcome>(handled);
  }
  http::Response answer_to(const http::Request& made) { return outcome_of(made).response; }
  unsigned status_of(const http::Request& made) { return answer_to(made).status; }
  http::Response log_in(std::string body) {
    http::Request made = request("POST", "/login");
    made.content_type = "application/x-www-form-urlencoded";
    made.body = std::move(body);
    return answer_to(made);
  }

  telemetry::SharedCounters counters_;
  Guard guard_{kSiteToken, counters_};
  Router router_;
  AdminSite site_{guard_, router_, 9000, AdminSite::Metrics::with_token};
};

TEST_F(AdminSiteTest, WithoutTheTokenAllPathsOfTheApiLookAlike) {
  const http::Response first = answer_to(request("GET", "/api/v1/thing/a"));
  EXPECT_EQ(first.status, 401u);
  EXPECT_NE(first.extra_headers.find("WWW-Authenticate: Bearer"), std::string::npos);
  for (const char* path : {"/api/v1/thing/b", "/api/v1/none", "/api/v1/%", "/metrics", "/x"}) {
    const http::Response other = answer_to(request("DELETE", path));
    EXPECT_EQ(other.status, 401u) << path;
    EXPECT_EQ(other.body, first.body) << path;
    EXPECT_EQ(other.extra_headers, first.extra_headers) << path;
  }
}

TEST_F(AdminSiteTest, WithTheTokenRoutesAnswer) {
  EXPECT_EQ(answer_to(with_token(request("GET", "/api/v1/thing/a%2Fb"))).body,
            "{\"id\":\"a/b\"}\n");
  EXPECT_EQ(status_of(with_token(request("GET", "/api/v1/none"))), 404u);
  EXPECT_EQ(status_of(with_token(request("POST", "/api/v1/thing/a"))), 405u);
  http::Request with_body = with_token(request("GET", "/api/v1/thing/a"));
  with_body.body = "x";
  EXPECT_EQ(status_of(with_body), 400u);
}

TEST_F(AdminSiteTest, ChecksHostAndOriginFirst) {
  http::Request rebound = with_token(request("GET", "/api/v1/thing/a"));
  rebound.host = "evil.example.org:9000";
  EXPECT_EQ(status_of(rebound), 403u);
  http::Request foreign = with_token(request("GET", "/api/v1/thing/a"));
  foreign.origin = "http://localhost:8000";
  EXPECT_EQ(status_of(foreign), 403u);
  foreign.origin = "http://localhost:9000";
  EXPECT_EQ(status_of(foreign), 200u);
  http::Request login = request("POST", "/login");
  login.origin = "null";
  EXPECT_EQ(status_of(login), 403u);
  // A page of another port: the cookie is sent, and of a GET no Origin.
  for (const char* path : {"/api/v1/thing/a", "/login", "/assets/style.css", "/metrics"}) {
    http::Request embedded = with_token(request("GET", path));
    embedded.fetch_site = "same-site";
    EXPECT_EQ(status_of(embedded), 403u) << path;
  }
  // Whoever follows a link to the dashboard gets it.
  http::Request link = request("GET", "/");
  link.fetch_site = "cross-site";
  EXPECT_EQ(status_of(link), 200u);
}

TEST_F(AdminSiteTest, TheDashboardNeedsASession) {
  const http::Response login = answer_to(request("GET", "/"));
  EXPECT_EQ(login.content_type, "text/html; charset=utf-8");
  EXPECT_NE(login.body.find("action=\"/login\""), std::string::npos);
  EXPECT_NE(login.extra_headers.find("Content-Security-Policy: default-src 'none'"),
            std::string::npos);
  // With "no-referrer" the Origin of the form would be "null".
  EXPECT_NE(login.extra_headers.find("Referrer-Policy: same-origin"), std::string::npos);
  const http::Response done = log_in("token=" + std::string(kSiteToken));
  ASSERT_EQ(done.status, 303u);
  const std::size_t cookie_at = done.extra_headers.find("crolang_admin_9000=");
  ASSERT_NE(cookie_at, std::string::npos) << done.extra_headers;
  EXPECT_NE(done.extra_headers.find("HttpOnly; SameSite=Strict"), std::string::npos);
  EXPECT_EQ(done.extra_headers.find(kSiteToken), std::string::npos);
  http::Request page = request("GET", "/");
  page.cookie = done.extra_headers.substr(cookie_at, done.extra_headers.find(';') - cookie_at);
  EXPECT_NE(answer_to(page).body, login.body);
  http::Request api = request("GET", "/api/v1/thing/a");
  api.cookie = page.cookie;
  EXPECT_EQ(status_of(api), 200u);
  http::Request logout = request("POST", "/logout");
  logout.cookie = page.cookie;
  EXPECT_EQ(status_of(logout), 303u);
  EXPECT_EQ(status_of(api), 401u);
}

TEST_F(AdminSiteTest, AWrongTokenIsToldOnThePageOrAsJson) {
  EXPECT_EQ(log_in("token=wrong").content_type, "application/json");
  http::Request form = request("POST", "/login");
  form.content_type = "application/x-www-form-urlencoded";
  form.accept = "text/html,*/*";
  form.body = "token=wrong";
  const http::Response page = answer_to(form);
  EXPECT_EQ(page.status, 401u);
  EXPECT_NE(page.body.find("role=\"alert\""), std::string::npos);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(answer_to(form).status, 401u);
  const http::Response limited = answer_to(form);
  EXPECT_EQ(limited.status, 429u);
  EXPECT_NE(limited.extra_headers.find("Retry-After: 60"), std::string::npos);
}

TEST_F(AdminSiteTest, ABodyThatIsNoLoginIsABadRequest) {
  for (const char* body : {"", "token", "tokens=a", "token=a&token=b", "token=%", "token=a&x=1"})
    EXPECT_EQ(log_in(body).status, std::string_view(body) == "token" ? 401u : 400u) << body;
  http::Request json = request("POST", "/login");
  json.content_type = "application/json";
  json.body = "{\"token\":\"x\"}";
  EXPECT_EQ(status_of(json), 400u);
  EXPECT_EQ(status_of(request("GET", "/login")), 405u);
  EXPECT_EQ(status_of(request("GET", "/logout")), 405u);
  EXPECT_EQ(status_of(request("POST", "/")), 405u);
}

TEST_F(AdminSiteTest, AssetsNeedNoSessionButOnlyWhatPagesReferTo) {
  EXPECT_EQ(status_of(request("GET", "/assets/style.css")), 200u);
  EXPECT_EQ(answer_to(request("GET", "/assets/app.js")).content_type,
            "text/javascript; charset=utf-8");
  for (const char* path : {"/assets/", "/assets/index.html", "/assets/openapi.json",
                           "/assets/../style.css", "/assets/%2e%2e/style.css"}) {
    EXPECT_EQ(status_of(request("GET", path)), 404u) << path;
  }
}

TEST_F(AdminSiteTest, MetricsMayBeOpen) {
  AdminSite open(guard_, router_, 9000, AdminSite::Metrics::open);
  auto handled = open.handle(request("GET", "/metrics"), kClient, kTime);
  EXPECT_TRUE(std::holds_alternative<http::Task>(handled));
  auto other = open.handle(request("GET", "/api/v1/thing/a"), kClient, kTime);
  EXPECT_EQ(std::get<http::Outcome>(other).response.status, 401u);
}

TEST_F(AdminSiteTest, AStreamRemembersWhoWasAdmitted) {
  const http::Outcome outcome = outcome_of(with_token(request("GET", "/api/v1/events")));
  ASSERT_TRUE(outcome.stream);
  EXPECT_TRUE(site_.is_current(*outcome.stream, kTime));
  guard_.set_token("another-token-of-some-length");
  EXPECT_FALSE(site_.is_current(*outcome.stream, kTime));
}

}  // namespace
}  // namespace crolang::admin
