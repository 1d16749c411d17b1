// Asks a web server whether a node may connect.
#include <crolang/plugin.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "webhook-common/json.hpp"
#include "webhook-common/settings.hpp"
#include "webhook-common/webhook.hpp"

namespace crolang::webhook_auth {
namespace {

namespace common = webhook_common;

constexpr const char* kUrl = "NODES_AUTHENTICATION_WEBHOOK_URL";
constexpr const char* kData = "NODES_AUTHENTICATION_WEBHOOK_DATA";

constexpr crolang_env kOwn[] = {
    {kUrl, CROLANG_URL, CROLANG_REQUIRED, nullptr, "asked whether a node may connect"},
    {kData, CROLANG_STRING, 0, "json",
     "how the node's data are sent: json (objects and arrays as they are) or raw (as a string)"},
};
constexpr auto kEnv = common::with_shared_variables(kOwn);

enum class Data { json, raw };

Data read_data(const plugin::Variables& variables) {
  const std::string_view value = variables.env(kData);
  if (value == "json") return Data::json;
  if (value == "raw") return Data::raw;
  throw std::invalid_argument(std::string(kData) + "=" + std::string(value) +
                              ": must be json or raw");
}

class WebhookAuth final : public plugin::Authentication {
 public:
  static void check_variables(const plugin::Variables& variables,
                              const plugin::Findings& findings) {
    common::check_settings(variables, kUrl, findings);
    findings.expect_no_throw([&] { read_data(variables); });
  }

  explicit WebhookAuth(const plugin::Host& host)
      : data_(read_data(host)),
        webhook_(host, common::read_settings(host, kUrl), common::Sharing::one_request_for_all,
                 common::Forbidden::is_a_no) {}

  void authenticate(const plugin::Newcomer& newcomer, plugin::YesNo answer) override {
    const auto limit = answer.deadline();
    webhook_.ask(body_for(newcomer), limit,
                 [answer = std::move(answer)](const common::Reply& reply) mutable {
                   const auto said = common::read_or_fail(reply, "authenticated", answer);
                   if (!said) return;
                   answer.decide(*said, reply.refused() ? "the webhook answered 401 or 403"
                                                        : "the webhook said no");
                 });
  }

  void reload() override { webhook_.reload(); }

  void stop(plugin::Stopped stopped) override {
    webhook_.stop();
    stopped();
  }

 private:
  std::string body_for(const plugin::Newcomer& newcomer) const {
    std::string body = "{\"nodeId\":";
    common::append_string(body, newcomer.node);
    // The same once more, for servers that were written for the TypeScript broker.
    body += ",\"id\":";
    common::append_string(body, newcomer.node);
    if (newcomer.data) {
      body += ",\"data\":";
      const auto value =
          data_ == Data::json ? common::compact_container(*newcomer.data) : std::nullopt;
      if (value) {
        body += *value;
      } else {
        common::append_string(body, *newcomer.data);
      }
    }
    return body += '}';
  }

  const Data data_;
  common::Webhook webhook_;
};

}  // namespace
}  // namespace crolang::webhook_auth

CROLANG_PLUGIN(crolang::webhook_auth::WebhookAuth, "io.crolang.webhook-auth", "1.0.0",
               "asks a web server whether a node may connect", crolang::webhook_auth::kEnv)
