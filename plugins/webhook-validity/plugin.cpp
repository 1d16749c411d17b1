// Asks a web server which connected nodes may stay.
#include <crolang/plugin.hpp>
#include <string>
#include <utility>
#include <vector>

#include "webhook-common/json.hpp"
#include "webhook-common/settings.hpp"
#include "webhook-common/webhook.hpp"

namespace crolang::webhook_validity {
namespace {

namespace common = webhook_common;

constexpr const char* kUrl = "NODES_VALIDITY_CHECK_WEBHOOK_URL";
constexpr std::string_view kMember = "invalidNodesIds";

constexpr crolang_env kOwn[] = {
    {kUrl, CROLANG_URL, CROLANG_REQUIRED, nullptr, "asked which connected nodes are still valid"},
};
constexpr auto kEnv = common::with_shared_variables(kOwn);

class WebhookValidity final : public plugin::Validity {
 public:
  static void check_variables(const plugin::Variables& variables,
                              const plugin::Findings& findings) {
    common::check_settings(variables, kUrl, findings);
  }

  explicit WebhookValidity(const plugin::Host& host)
      : webhook_(host, common::read_settings(host, kUrl), common::Sharing::one_request_each) {}

  void check(const plugin::Ids& ids, plugin::Flags answer) override {
    std::string body = "{\"connectedNodesIds\":[";
    for (const std::string_view id : ids) {
      if (body.back() != '[') body += ',';
      common::append_string(body, id);
    }
    body += "]}";
    const auto limit = answer.deadline();
    webhook_.ask(
        std::move(body), limit,
        [names = std::vector<std::string>(ids.begin(), ids.end()), answer = std::move(answer)](
            const common::Reply& reply) mutable { give(reply, names, answer); });
  }

  void reload() override { webhook_.reload(); }

  void stop(plugin::Stopped stopped) override {
    webhook_.stop();
    stopped();
  }

 private:
  static void give(const common::Reply& reply, const std::vector<std::string>& ids,
                   plugin::Flags& answer) {
    if (!reply.ok()) return answer.fail(reply.status(), reply.text());
    const auto invalid = common::read_strings(reply.text(), kMember);
    if (!invalid) {
      return answer.fail(plugin::Status::invalid,
                         reply.senseless("the answer has no \"" + std::string(kMember) +
                                         "\" that is a list of strings"));
    }
    std::vector<bool> valid;
    valid.reserve(ids.size());
    for (const std::string& id : ids) valid.push_back(!invalid->contains(id));
    answer.flags(valid);
  }

  common::Webhook webhook_;
};

}  // namespace
}  // namespace crolang::webhook_validity

CROLANG_PLUGIN(crolang::webhook_validity::WebhookValidity, "io.crolang.webhook-validity", "1.0.0",
               "asks a web server which connected nodes may stay", crolang::webhook_validity::kEnv)
