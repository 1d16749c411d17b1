// Asks a web server whether a node may connect.
#include <chrono>
#include <crolang/sdk/authentication.hpp>
#include <crolang/sdk/entry.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "webhook-auth/passed_headers.hpp"
#include "webhook-common/json.hpp"
#include "webhook-common/settings.hpp"
#include "webhook-common/url.hpp"
#include "webhook-common/webhook_plugin.hpp"

namespace crolang::webhook_auth {
namespace {

namespace common = webhook_common;

constexpr char kUrl[] = "NODES_AUTHENTICATION_WEBHOOK_URL";
constexpr const char* kData = "NODES_AUTHENTICATION_WEBHOOK_DATA";
constexpr const char* kHeaders = "NODES_AUTHENTICATION_WEBHOOK_HEADERS";

constexpr crolang_env kOwn[] = {
    {kUrl, CROLANG_URL, CROLANG_REQUIRED, nullptr, "asked whether a node may connect"},
    {kData, CROLANG_STRING, 0, "json",
     "how the node's data are sent: json (objects and arrays as they are) or raw (as a string)"},
    {kHeaders, CROLANG_STRING, 0, nullptr,
     "headers of the node's request that are passed on, such as Origin,Cookie,User-Agent"},
};
constexpr auto kEnv = common::with_shared_variables(kOwn);

constexpr std::string_view kExpiry = "expiresInSeconds";
constexpr double kMostSeconds = 315'360'000;  // ten years of 365 days

enum class Data { json, raw };

Data read_data(const plugin::Variables& variables) {
  const std::string_view value = variables.env(kData);
  if (value == "json") return Data::json;
  if (value == "raw") return Data::raw;
  throw std::invalid_argument(std::string(kData) + "=" + std::string(value) +
                              ": must be json or raw");
}

PassedHeaders read_headers(const plugin::Variables& variables) {
  const bool has_user = !common::read_url(kUrl, variables.env(kUrl)).authorization.empty();
  return {kHeaders, variables.env(kHeaders), has_user ? UrlUser::some : UrlUser::none};
}

class WebhookAuth final : public common::WebhookPlugin<plugin::Authentication, kUrl> {
 public:
  static void check_variables(const plugin::Variables& variables,
                              const plugin::Findings& findings) {
    WebhookPlugin::check_variables(variables, findings);
    findings.expect_no_throw([&] { read_data(variables); });
    findings.expect_no_throw([&] { read_headers(variables); });
  }

  static constexpr bool kReadsRequest = true;

  explicit WebhookAuth(const plugin::Host& host)
      : WebhookPlugin(host, common::Sharing::one_request_for_all, common::Forbidden::is_a_no),
        data_(read_data(host)),
        headers_(read_headers(host)) {}

  std::optional<std::string_view> headers() const override { return headers_.names(); }

  void authenticate(const plugin::ConnectingNode& node, plugin::Authenticated answer) override {
    const auto limit = answer.deadline();
    webhook().ask({headers_.header_lines(node), body_for(node)}, limit,
                  [answer = std::move(answer)](const common::Reply& reply) mutable {
                    const auto said = common::read_or_fail(reply, "authenticated", answer);
                    if (!said) return;
                    if (*said) {
                      accept(reply, answer);
                    } else {
                      answer.no(reply.refused() ? "the webhook answered 401 or 403"
                                                : "the webhook answered no");
                    }
                  });
  }

 private:
  /// Says yes for the time that the answer states.
  static void accept(const common::Reply& reply, plugin::Authenticated& answer) {
    if (!common::has_member(reply.text(), kExpiry)) return answer.yes();
    const auto seconds = common::read_number(reply.text(), kExpiry);
    if (seconds && *seconds > 0 && *seconds <= kMostSeconds) {
      return answer.yes_for(
          std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(*seconds)));
    }
    const std::string why =
        seconds ? "it is out of range" : common::why_unreadable(reply.text(), kExpiry);
    answer.fail(
        plugin::Status::invalid,
        reply.unusable("the answer's \"" + std::string(kExpiry) +
                       "\" is not a number above 0 and at most 315360000, ten years: " + why));
  }

  std::string body_for(const plugin::ConnectingNode& node) const {
    std::string body = "{\"nodeId\":";
    common::append_string(body, node.id);
    // The id twice, for servers that were written for the TypeScript broker.
    body += ",\"id\":";
    common::append_string(body, node.id);
    if (node.data) {
      body += ",\"data\":";
      const auto value = data_ == Data::json ? common::compact_container(*node.data) : std::nullopt;
      if (value) {
        body += *value;
      } else {
        common::append_string(body, *node.data);
      }
    }
    return body += '}';
  }

  const Data data_;
  const PassedHeaders headers_;
};

}  // namespace
}  // namespace crolang::webhook_auth

CROLANG_PLUGIN(crolang::webhook_auth::WebhookAuth, "io.crolang.webhook-auth", "1.0.0",
               "asks a web server whether a node may connect", crolang::webhook_auth::kEnv)
