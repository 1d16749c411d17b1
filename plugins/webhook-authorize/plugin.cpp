// Asks a web server whether a node may send to another.
#include <chrono>
#include <crolang/plugin.hpp>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "webhook-common/answer_cache.hpp"
#include "webhook-common/json.hpp"
#include "webhook-common/settings.hpp"
#include "webhook-common/webhook_plugin.hpp"

namespace crolang::webhook_authorize {
namespace {

namespace common = webhook_common;
using Clock = std::chrono::steady_clock;

constexpr char kUrl[] = "AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL";
constexpr const char* kCacheTtl = "AUTHORIZE_NODES_COMMUNICATION_CACHE_TTL_MS";
constexpr std::uint64_t kDayMs = 86'400'000;

constexpr crolang_env kOwn[] = {
    {kUrl, CROLANG_URL, CROLANG_REQUIRED, nullptr, "asked whether a node may send to another"},
    {kCacheTtl, CROLANG_UINT, 0, "0",
     "how long an answer is used again for the same pair, up to 86400000; 0: each is asked for"},
};
constexpr auto kEnv = common::with_shared_variables(kOwn);

std::chrono::milliseconds read_cache_ttl(const plugin::Variables& variables) {
  return std::chrono::milliseconds(common::read_number(variables, kCacheTtl, 0, kDayMs));
}

/// The pair as one text. The length distinguishes "ab" + "c" from "a" + "bc".
void write_key(std::string& key, std::string_view from, std::string_view to) {
  key.assign(std::to_string(from.size())).append(1, ' ').append(from).append(to);
}

class WebhookAuthorize final : public common::WebhookPlugin<plugin::Authorization, kUrl> {
 public:
  static void check_variables(const plugin::Variables& variables,
                              const plugin::Findings& findings) {
    WebhookPlugin::check_variables(variables, findings);
    findings.expect_no_throw([&] { read_cache_ttl(variables); });
  }

  explicit WebhookAuthorize(const plugin::Host& host)
      : WebhookPlugin(host, common::Sharing::one_request_for_all, common::Forbidden::is_a_no) {
    const std::chrono::milliseconds ttl = read_cache_ttl(host);
    if (ttl.count() > 0) cache_.emplace(ttl);
  }
  // The webhook's thread uses the cache, so end it first.
  ~WebhookAuthorize() override { end_webhook(); }

  // Hot: per message. A cached answer is given at once, without an allocation.
  void authorize(std::string_view from, std::string_view to, plugin::YesNo answer) override {
    const auto asked = Clock::now();
    if (cache_) {
      thread_local std::string key;
      write_key(key, from, to);
      if (const auto known = cache_->find(key, asked)) {
        return answer.decide(*known, "the webhook answered no (cached)");
      }
    }
    std::string body = "{\"from\":";
    common::append_string(body, from);
    body += ",\"to\":";
    common::append_string(body, to);
    body += '}';
    std::string key;
    if (cache_) write_key(key, from, to);
    const auto limit = answer.deadline();
    webhook().ask(std::move(body), limit,
                  [this, key = std::move(key), asked,
                   answer = std::move(answer)](const common::Reply& reply) mutable {
                    const auto said = common::read_or_fail(reply, "authorized", answer);
                    if (!said) return;
                    if (cache_) remember(key, *said, asked);
                    answer.decide(*said, reply.refused() ? "the webhook answered 401 or 403"
                                                         : "the webhook answered no");
                  });
  }

 private:
  void remember(const std::string& key, bool said, Clock::time_point asked) noexcept {
    try {
      cache_->put(key, said, asked, Clock::now());
    } catch (const std::bad_alloc&) {
      // Without memory the answer is not cached, and the pair is asked about again.
    }
  }

  std::optional<common::AnswerCache> cache_;
};

}  // namespace
}  // namespace crolang::webhook_authorize

CROLANG_PLUGIN(crolang::webhook_authorize::WebhookAuthorize, "io.crolang.webhook-authorize",
               "1.0.0", "asks a web server whether a node may send to another",
               crolang::webhook_authorize::kEnv)
