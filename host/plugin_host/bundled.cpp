#include "plugin_host/bundled.hpp"

#include <array>

namespace crolang::plugin_host {
namespace {

using kinds::Kind;
using Secrecy = BundledRead::Secrecy;

// As the plugins declare it; tests/e2e/config.test.mjs compares.
constexpr std::array kRedis{BundledRead{"REDIS_LOCK_TTL_MS"},
                            BundledRead{"REDIS_KEY_PREFIX"},
                            BundledRead{"REDIS_WAIT_REPLICAS"},
                            BundledRead{"REDIS_SENTINEL_USER"},
                            BundledRead{"REDIS_SENTINEL_PASSWORD", Secrecy::secret},
                            BundledRead{"REDIS_CA_FILE"},
                            BundledRead{"REDIS_CERT_FILE"},
                            BundledRead{"REDIS_KEY_FILE"}};
constexpr std::array kWebhook{
    BundledRead{"WEBHOOK_TIMEOUT_MS"}, BundledRead{"WEBHOOK_MAX_CONCURRENCY"},
    BundledRead{"WEBHOOK_MAX_REPLY_BYTES"}, BundledRead{"WEBHOOK_CA_FILE"},
    BundledRead{"WEBHOOK_SIGNING_SECRET", Secrecy::secret}};

template <std::size_t count>
constexpr auto with_webhooks(const std::array<BundledRead, count>& own) {
  std::array<BundledRead, count + kWebhook.size()> all{};
  for (std::size_t i = 0; i < count; ++i) all[i] = own[i];
  for (std::size_t i = 0; i < kWebhook.size(); ++i) all[count + i] = kWebhook[i];
  return all;
}

constexpr auto kWebhookAuth =
    with_webhooks(std::array{BundledRead{"NODES_AUTHENTICATION_WEBHOOK_DATA"},
                             BundledRead{"NODES_AUTHENTICATION_WEBHOOK_HEADERS"}});
constexpr auto kWebhookAuthorize =
    with_webhooks(std::array{BundledRead{"AUTHORIZE_NODES_COMMUNICATION_CACHE_TTL_MS"}});
constexpr std::array kTurn{
    BundledRead{"TURN_URLS"},
    BundledRead{"STUN_URLS"},
    BundledRead{"TURN_SHARED_SECRET", Secrecy::secret},
    BundledRead{"TURN_CREDENTIAL_TTL_S"},
    BundledRead{"TURN_USERNAME"},
    BundledRead{"ICE_TRANSPORT_POLICY"},
};
constexpr std::array kJwt{
    BundledRead{"JWT_SECRET", Secrecy::secret},
    BundledRead{"JWT_PUBLIC_KEY_FILE"},
    BundledRead{"JWT_JWKS_FILE"},
    BundledRead{"JWT_ISSUER"},
    BundledRead{"JWT_AUDIENCE"},
    BundledRead{"JWT_NODE_ID_CLAIM"},
    BundledRead{"JWT_LEEWAY_S"},
    BundledRead{"JWT_REQUIRE_EXP"},
    BundledRead{"JWT_EXPIRY_ENDS_SESSION"},
};

constexpr std::array kBundled{
    Bundled{"redis-registry", Kind::registry, kRedis},
    Bundled{"webhook-rtc", Kind::rtc_config, kWebhook},
    Bundled{"webhook-auth", Kind::authentication, kWebhookAuth},
    Bundled{"webhook-authorize", Kind::authorization, kWebhookAuthorize},
    Bundled{"webhook-validity", Kind::validity, kWebhook},
    Bundled{"webhook-message", Kind::observer, kWebhook},
    Bundled{"turn-credentials", Kind::rtc_config, kTurn},
    Bundled{"jwt-auth", Kind::authentication, kJwt},
};

}  // namespace

std::span<const Bundled> bundled_plugins() {
  return kBundled;
}

std::string loaded_by(const Bundled& plugin) {
  const kinds::Description& kind = kinds::describe(plugin.kind);
  if (kind.setting.bundled == plugin.name) return std::string(kind.setting.name);
  return std::string(kind.plugin_variable).append("=").append(plugin.name);
}

}  // namespace crolang::plugin_host
