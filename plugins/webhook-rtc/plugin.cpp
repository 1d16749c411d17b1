// Asks a web server for the RTC configuration of a node.
#include <crolang/plugin.hpp>
#include <string>
#include <utility>

#include "webhook-common/json.hpp"
#include "webhook-common/settings.hpp"
#include "webhook-common/webhook_plugin.hpp"

namespace crolang::webhook_rtc {
namespace {

namespace common = webhook_common;

constexpr char kUrl[] = "RTC_CONFIGURATION_RESOLVER_WEBHOOK_URL";

constexpr crolang_env kOwn[] = {
    {kUrl, CROLANG_URL, CROLANG_REQUIRED, nullptr, "asked for a node's RTC configuration"},
};
constexpr auto kEnv = common::with_shared_variables(kOwn);

class WebhookRtc final : public common::WebhookPlugin<plugin::RtcConfig, kUrl> {
 public:
  explicit WebhookRtc(const plugin::Host& host)
      : WebhookPlugin(host, common::Sharing::one_request_for_all) {}

  void resolve(std::string_view node, plugin::Text answer) override {
    std::string body = "{\"nodeId\":";
    common::append_string(body, node);
    body += '}';
    const auto limit = answer.deadline();
    webhook().ask(std::move(body), limit,
                  [answer = std::move(answer)](const common::Reply& reply) mutable {
                    if (!reply.ok()) {
                      answer.fail(reply.status(), reply.text());
                    } else {
                      // The broker validates it, like that of every plugin.
                      answer.text(reply.text());
                    }
                  });
  }
};

}  // namespace
}  // namespace crolang::webhook_rtc

CROLANG_PLUGIN(crolang::webhook_rtc::WebhookRtc, "io.crolang.webhook-rtc", "1.0.0",
               "asks a web server for the RTC configuration of a node", crolang::webhook_rtc::kEnv)
