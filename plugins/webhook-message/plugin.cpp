// Notifies a web server of each authorized message.
#include <chrono>
#include <crolang/plugin.hpp>
#include <string>
#include <utility>

#include "webhook-common/json.hpp"
#include "webhook-common/settings.hpp"
#include "webhook-common/webhook_plugin.hpp"

namespace crolang::webhook_message {
namespace {

namespace common = webhook_common;

constexpr char kUrl[] = "ON_AUTHENTICATED_SOCKET_MSG_WEBHOOK_URL";

constexpr crolang_env kOwn[] = {
    {kUrl, CROLANG_URL, CROLANG_REQUIRED, nullptr, "notified of each SOCKET_MSG_EXCHANGE"},
};
constexpr auto kEnv = common::with_shared_variables(kOwn);

class WebhookMessage final : public common::WebhookPlugin<plugin::Observer, kUrl> {
 public:
  explicit WebhookMessage(const plugin::Host& host)
      : WebhookPlugin(host, common::Sharing::one_request_each, common::Forbidden::is_a_fault,
                      common::Faults::logged) {}

  void on_message(std::string_view from, std::string_view to, plugin::Receiver receiver) override {
    std::string body = "{\"senderId\":";
    common::append_string(body, from);
    body += ",\"receiverId\":";
    common::append_string(body, to);
    body += receiver == plugin::Receiver::connected ? ",\"isReceiverConnected\":true}"
                                                    : ",\"isReceiverConnected\":false}";
    // Failures are logged and counted by the Webhook; there is no caller to notify.
    webhook().ask(std::move(body), std::chrono::milliseconds::max(), [](const common::Reply&) {});
  }
};

}  // namespace
}  // namespace crolang::webhook_message

CROLANG_PLUGIN(crolang::webhook_message::WebhookMessage, "io.crolang.webhook-message", "1.0.0",
               "notifies a web server of each authorized message", crolang::webhook_message::kEnv)
