#include "crolang/plugin.hpp"

#include <chrono>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "redis-registry/options.hpp"
#include "redis-registry/requests.hpp"
#include "redis-registry/service.hpp"

namespace crolang::redis_registry {
namespace {

// The broker starts without Redis, but waits this long for it, so that the first nodes need not
// come twice.
constexpr std::chrono::milliseconds kPatienceAtStart{2000};

constexpr crolang_env kEnv[] = {
    {"REDIS_URL", CROLANG_URL, CROLANG_REQUIRED | CROLANG_SECRET | CROLANG_RELOADABLE, nullptr,
     "Redis that lets several brokers act as one, redis://user:password@host:port/db or "
     "unix:///path?db=n"},
    {"REDIS_LOCK_TTL_MS", CROLANG_UINT, 0, "60000",
     "how long a node's id stays taken after its broker has vanished, in ms (1000 to 86400000)"},
    {"REDIS_KEY_PREFIX", CROLANG_STRING, 0, "crolang:",
     "what all keys and channels in Redis begin with; brokers of one grid have the same"},
};

/// If it throws, `function` must have changed nothing.
template <class F>
void until_there_is_memory(F&& function) {
  for (;;) {
    try {
      return function();
    } catch (const std::bad_alloc&) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
}

class RedisRegistry final : public plugin::Registry {
 public:
  static void check_variables(const plugin::Variables& variables,
                              const plugin::Findings& findings) {
    check_options(variables.env("REDIS_URL"), variables.env("REDIS_KEY_PREFIX"),
                  variables.env("REDIS_LOCK_TTL_MS"), findings);
  }

  explicit RedisRegistry(plugin::Host host)
      : host_(std::move(host)),
        options_(parse_options(host_.env("REDIS_URL"), host_.env("REDIS_KEY_PREFIX"),
                               host_.env("REDIS_LOCK_TTL_MS"))) {}

  void reload() override {
    Endpoint next = parse_url(host_.env("REDIS_URL"));
    if (!next.is_same_place(options_.endpoint)) {
      host_.log(plugin::LogLevel::warn,
                "REDIS_URL: another server, port or database needs a restart; the one before stays "
                "in use, with its user and password");
    } else if (service_) {
      service_->change_credentials(std::move(next.user), std::move(next.password));
    }
  }

  void bind(std::string_view instance, plugin::RegistryEvents events) override {
    service_ = std::make_unique<Service>(host_, options_, std::string(instance), std::move(events));
    service_->start(kPatienceAtStart);
  }

  void claim(plugin::Claim claim, plugin::Claimed answer) override {
    service_->ask(Take{OwnedClaim(claim), 0, std::move(answer)});
  }
  void replace(plugin::Claim claim, plugin::Holder expected, plugin::Claimed answer) override {
    service_->ask(Take{OwnedClaim(claim), expected.token, std::move(answer)});
  }
  void announce(plugin::Claim claim, plugin::Done answer) override {
    service_->ask(Announce{OwnedClaim(claim), std::move(answer)});
  }
  void release(plugin::Claim claim, plugin::Done answer) override {
    // What is not given back would be extended for ever, so it waits for memory.
    std::optional<OwnedClaim> owned;
    until_there_is_memory([&] { owned.emplace(claim); });
    Request request(Release{std::move(*owned), std::move(answer)});
    until_there_is_memory([&] { service_->ask(std::move(request)); });
  }
  void probe(std::string_view id, plugin::Holder incumbent, std::chrono::milliseconds timeout,
             plugin::Verdict answer) override {
    service_->ask(Probe{OwnedClaim({id, incumbent.token}), std::string(incumbent.instance), timeout,
                        std::move(answer)});
  }
  void lookup(const plugin::Ids& ids, plugin::Located answer) override {
    service_->ask(Lookup{{ids.begin(), ids.end()}, std::move(answer)});
  }
  void send(std::string_view instance, plugin::Claim to, std::string_view body,
            plugin::YesNo answer) override {
    service_->ask(
        Send{std::string(instance), OwnedClaim(to), std::string(body), std::move(answer)});
  }

  void presence(const plugin::Ids& ids, plugin::Located answer) override {
    service_->ask(PresenceLookup{{{ids.begin(), ids.end()}, std::move(answer)}});
  }

  void flush() override { service_->flush(); }

  void stop(plugin::Stopped stopped) override {
    if (service_) service_->stop();
    stopped();
  }

 private:
  const plugin::Host host_;
  const Options options_;
  std::unique_ptr<Service> service_;
};

}  // namespace
}  // namespace crolang::redis_registry

CROLANG_PLUGIN(crolang::redis_registry::RedisRegistry, "io.crolang.redis-registry", "1.0.0",
               "many brokers as one grid, by Redis", crolang::redis_registry::kEnv)
