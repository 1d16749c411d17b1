// Asks a web server which connected nodes may stay.
#include <algorithm>
#include <chrono>
#include <crolang/plugin.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "webhook-common/json.hpp"
#include "webhook-common/page_size.hpp"
#include "webhook-common/settings.hpp"
#include "webhook-common/webhook_plugin.hpp"

namespace crolang::webhook_validity {
namespace {

namespace common = webhook_common;
using Clock = std::chrono::steady_clock;

constexpr char kUrl[] = "NODES_VALIDITY_CHECK_WEBHOOK_URL";
constexpr std::string_view kMember = "invalidNodesIds";
constexpr unsigned kContentTooLarge = 413;
// The maximum of requests for one question. A server that refuses that many refuses the rest as
// well.
constexpr unsigned kMaxFaultsInARow = 8;

constexpr crolang_env kOwn[] = {
    {kUrl, CROLANG_URL, CROLANG_REQUIRED, nullptr, "asked which connected nodes are still valid"},
};
constexpr auto kEnv = common::with_shared_variables(kOwn);

/// One question of the broker: one request, unless the server answers that it is too large.
struct Check {
  Check(const plugin::Ids& asked, plugin::Flags given)
      : ids(asked.begin(), asked.end()),
        valid(ids.size(), true),
        deadline(Clock::now() + given.deadline()),
        answer(std::move(given)) {}

  const std::vector<std::string> ids;
  std::vector<bool> valid;
  const Clock::time_point deadline;
  plugin::Flags answer;
  std::size_t next = 0;           // the next node to ask about
  std::size_t checked = 0;        // nodes with a result
  std::string fault;              // of the last failed request
  plugin::Status fault_status{};  // valid if there is a fault
  unsigned faults_in_a_row = 0;
  bool finished = false;
};

class WebhookValidity final : public common::WebhookPlugin<plugin::Validity, kUrl> {
 public:
  explicit WebhookValidity(const plugin::Host& host)
      : WebhookPlugin(host, common::Sharing::one_request_each) {}
  // The webhook's thread uses the members, so end it first.
  ~WebhookValidity() override { end_webhook(); }

  void check(const plugin::Ids& ids, plugin::Flags answer) override {
    ask(std::make_shared<Check>(ids, std::move(answer)));
  }

 private:
  /// Asks about the next nodes, up to the page size.
  void ask(const std::shared_ptr<Check>& check) {
    const std::size_t left = check->ids.size() - check->next;
    const std::size_t count = std::min(left, page_size_.now(Clock::now()));
    std::string body = "{\"connectedNodesIds\":[";
    for (std::size_t i = 0; i < count; ++i) {
      if (i != 0) body += ',';
      common::append_string(body, check->ids[check->next + i]);
    }
    body += "]}";
    const auto time = std::chrono::ceil<std::chrono::milliseconds>(check->deadline - Clock::now());
    webhook().ask(std::move(body), time, [this, check, count](const common::Reply& reply) {
      // An exception here comes back as a reply.
      if (check->finished) return check->answer.fail(reply.status(), reply.text());
      if (takes_reply(*check, count, reply) && check->next < check->ids.size()) return ask(check);
      finish(*check, reply);
    });
  }

  /// False: further requests are pointless.
  bool takes_reply(Check& check, std::size_t count, const common::Reply& reply) {
    if (reply.ok()) {
      const auto invalid = common::read_strings(reply.text(), kMember);
      if (invalid) {
        for (const std::size_t end = check.next + count; check.next < end; ++check.next) {
          check.valid[check.next] = !invalid->contains(check.ids[check.next]);
        }
        check.checked += count;
        check.faults_in_a_row = 0;
        return true;
      }
      check.fault = reply.unusable(
          "the answer has no \"" + std::string(kMember) +
          "\" that is a list of strings: " + common::why_unreadable(reply.text(), kMember));
      check.fault_status = plugin::Status::invalid;
    } else if (reply.http_status() == kContentTooLarge && count > 1) {
      const std::size_t most = page_size_.halve(count, Clock::now());
      reply.log(
          "answered 413 to " + std::to_string(count) + " ids: asking for " + std::to_string(most) +
          " at a time for 10 minutes; raise its limit, or lower NODES_VALIDITY_CHECK_MAX_IDS");
      return true;
    } else {
      check.fault = reply.text();
      check.fault_status = reply.status();
    }
    check.next += count;
    return reply.http_status() != 0 && ++check.faults_in_a_row < kMaxFaultsInARow;
  }

  /// Nodes without a result stay connected.
  static void finish(Check& check, const common::Reply& reply) {
    check.finished = true;
    if (!check.fault.empty() && check.checked == 0) {
      return check.answer.fail(check.fault_status, check.fault);
    }
    if (!check.fault.empty()) {
      reply.log("validity check failed for " + std::to_string(check.ids.size() - check.checked) +
                " of " + std::to_string(check.ids.size()) + " nodes (" + check.fault + ")");
    }
    check.answer.flags(check.valid);
  }

  common::PageSize page_size_;
};

}  // namespace
}  // namespace crolang::webhook_validity

CROLANG_PLUGIN(crolang::webhook_validity::WebhookValidity, "io.crolang.webhook-validity", "1.0.0",
               "asks a web server which connected nodes may stay", crolang::webhook_validity::kEnv)
