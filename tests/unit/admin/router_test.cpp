#include "admin/router.hpp"

#include <gtest/gtest.h>

namespace crolang::admin {
namespace {

Router routed() {
  Router router;
  const Handler nothing = [](const ApiRequest&) { return json_answer(200, {}); };
  router.add({.method = Method::get, .pattern = "/api/v1/nodes", .handler = nothing});
  router.add({.method = Method::get, .pattern = "/api/v1/nodes/{id}", .handler = nothing});
  router.add({.method = Method::del, .pattern = "/api/v1/nodes/{id}", .handler = nothing});
  router.add({.method = Method::post, .pattern = "/api/v1/drain", .handler = nothing});
  return router;
}

unsigned status_of(const Router& router, std::string_view method, std::string_view path,
                   std::string_view query = {}) {
  const auto found = router.find(method, path, query);
  const auto* answer = std::get_if<ApiAnswer>(&found);
  return answer == nullptr ? 200 : answer->status;
}

TEST(Router, FindsARouteAndTheValuesInItsPath) {
  const Router router = routed();
  const auto found = router.find("DELETE", "/api/v1/nodes/a%2Fb%20c", "");
  const auto& match = std::get<Router::Match>(found);
  EXPECT_EQ(match.route->method, Method::del);
  EXPECT_EQ(match.request.path, std::vector<std::string>{"a/b c"});
}

TEST(Router, HeadIsAnsweredAsGet) {
  EXPECT_EQ(status_of(routed(), "HEAD", "/api/v1/nodes"), 200u);
}

TEST(Router, AnotherPathIsNotFound) {
  const Router router = routed();
  for (const char* path : {"/", "/api", "/api/v1/nodes/", "/api/v1/nodes//", "/api/v1/nodes/a/b",
                           "//api/v1/nodes", "/API/v1/nodes", "/api/v1/node", "/api/v1/drain/",
                           "/api/v1/../v1/nodes", "/api/v1/%7Bid%7D/x"}) {
    EXPECT_EQ(status_of(router, "GET", path), 404u) << path;
  }
}

TEST(Router, AnotherMethodIsNotAllowed) {
  const Router router = routed();
  const auto found = router.find("PUT", "/api/v1/nodes/a", "");
  const auto& answer = std::get<ApiAnswer>(found);
  EXPECT_EQ(answer.status, 405u);
  EXPECT_EQ(answer.extra_headers, "Allow: GET, HEAD, DELETE\r\n");
  EXPECT_EQ(status_of(router, "get", "/api/v1/nodes"), 405u);
}

TEST(Router, AMalformedPathOrQueryIsABadRequest) {
  const Router router = routed();
  EXPECT_EQ(status_of(router, "GET", "/api/v1/nodes/%"), 400u);
  EXPECT_EQ(status_of(router, "GET", "/api/v1/nodes/%ff"), 400u);
  EXPECT_EQ(status_of(router, "GET", "/api/v1/nodes", "x=1"), 400u);
}

}  // namespace
}  // namespace crolang::admin
