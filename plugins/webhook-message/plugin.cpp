// Tells a web server of each authorized message.
#include <chrono>
#include <crolang/plugin.hpp>
#include <string>
#include <utility>

#include "webhook-common/json.hpp"
#include "webhook-common/settings.hpp"
#include "webhook-common/webhook.hpp"

namespace crolang::webhook_message {
namespace {

namespace common = webhook_common;

constexpr const char* kUrl = "ON_AUTHENTICATED_SOCKET_MSG_WEBHOOK_URL";

constexpr crolang_env kOwn[] = {
    {kUrl, CROLANG_URL, CROLANG_REQUIRED, nullptr, "told of each SOCKET_MSG_EXCHANGE"},
};
constexpr auto kEnv = common::with_shared_variables(kOwn);

class WebhookMessage final : public plugin::Observer {
 public:
  static void check_variables(const plugin::Variables& variables,
                              const plugin::Findings& findings) {
    common::check_settings(variables, kUrl, findings);
  }

  explicit WebhookMessage(const plugin::Host& host)
      : webhook_(host, common::read_settings(host, kUrl), common::Sharing::one_request_each,
                 common::Forbidden::is_a_fault, common::Faults::logged) {}

  void on_message(std::string_view from, std::string_view to, plugin::Receiver receiver) override {
    std::string body = "{\"senderId\":";
    common::append_string(body, from);
    body += ",\"receiverId\":";
    common::append_string(body, to);
    body += receiver == plugin::Receiver::connected ? ",\"isReceiverConnected\":true}"
                                                    : ",\"isReceiverConnected\":false}";
    // What fails is logged and counted by the engine; nobody waits for more.
    webhook_.ask(std::move(body), std::chrono::milliseconds::max(), [](const common::Reply&) {});
  }

  void reload() override { webhook_.reload(); }

  void stop(plugin::Stopped stopped) override {
    webhook_.stop();
    stopped();
  }

 private:
  common::Webhook webhook_;
};

}  // namespace
}  // namespace crolang::webhook_message

CROLANG_PLUGIN(crolang::webhook_message::WebhookMessage, "io.crolang.webhook-message", "1.0.0",
               "tells a web server of each authorized message", crolang::webhook_message::kEnv)
