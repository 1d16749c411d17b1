#include "crolang/plugin.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "crolang/until_memory.hpp"
#include "redis-registry/options.hpp"
#include "redis-registry/requests.hpp"
#include "redis-registry/service.hpp"

namespace crolang::redis_registry {
namespace {

// The broker starts even without Redis, but first waits this long for it, so that the first nodes
// need not retry.
constexpr std::chrono::milliseconds kStartTimeout{2000};

constexpr crolang_env kEnv[] = {
    {"REDIS_URL", CROLANG_URL, CROLANG_REQUIRED | CROLANG_SECRET | CROLANG_RELOADABLE, nullptr,
     "Redis that lets several brokers act as one, "
     "redis[s]://user:password@host:port[,host:port…]/db "
     "or unix:///path?db=n"},
    {"REDIS_LOCK_TTL_MS", CROLANG_UINT, 0, "60000",
     "how long a node's id stays taken after its broker has vanished, in ms (1000 to 86400000)"},
    {"REDIS_KEY_PREFIX", CROLANG_STRING, 0, "crolang:",
     "what all keys and channels in Redis begin with; brokers of one grid have the same"},
    {"REDIS_WAIT_REPLICAS", CROLANG_UINT, 0, "0",
     "how many replicas must have received a claim, within 50 ms, before it is granted (0 to 100)"},
    {"REDIS_SENTINEL_USER", CROLANG_STRING, CROLANG_RELOADABLE, nullptr,
     "user for Sentinels, if they have users; the one in REDIS_URL is for the servers"},
    {"REDIS_SENTINEL_PASSWORD", CROLANG_STRING, CROLANG_SECRET | CROLANG_RELOADABLE, nullptr,
     "password for Sentinels, if they require one"},
    {"REDIS_CA_FILE", CROLANG_STRING, CROLANG_RELOADABLE, nullptr,
     "certificates in PEM, one of which must have issued the server's; without it those of the "
     "system"},
    {"REDIS_CERT_FILE", CROLANG_STRING, CROLANG_RELOADABLE, nullptr,
     "certificate in PEM, and its chain, by which this broker identifies itself to Redis"},
    {"REDIS_KEY_FILE", CROLANG_STRING, CROLANG_RELOADABLE, nullptr,
     "private key of REDIS_CERT_FILE, in PEM"},
};

class RedisRegistry final : public plugin::Registry {
 public:
  static void check_variables(const plugin::Variables& variables,
                              const plugin::Findings& findings) {
    check_options(variables, findings);
  }

  explicit RedisRegistry(plugin::Host host)
      : host_(std::move(host)), options_(read_options(host_)) {}

  void reload() override {
    Options next = read_options(host_);
    Endpoint& endpoint = next.endpoint;
    if (!endpoint.is_same_place(options_.endpoint)) {
      host_.log(plugin::LogLevel::warn,
                "REDIS_URL: another scheme, server, port or database needs a restart; the previous "
                "one stays in use, with its user and password");
    } else if (service_) {
      service_->change_access(
          {std::move(endpoint.login), std::move(next.sentinel), std::move(next.tls)});
    }
  }

  void bind(std::string_view instance, plugin::RegistryEvents events) override {
    service_ = std::make_unique<Service>(host_, options_, std::string(instance), std::move(events));
    service_->start(kStartTimeout);
  }

  void claim(plugin::Lease claim, plugin::Claimed answer) override {
    service_->ask(Take{OwnedLease(claim), 0, std::move(answer)});
  }
  void replace(plugin::Lease claim, plugin::Holder expected, plugin::Claimed answer) override {
    service_->ask(Take{OwnedLease(claim), expected.token, std::move(answer)});
  }
  void announce(plugin::Lease claim, plugin::Done answer) override {
    service_->ask(Announce{OwnedLease(claim), std::move(answer)});
  }
  void release(plugin::Lease claim, plugin::Done answer) override {
    // A lease that is not released would be extended for ever, so this waits for memory.
    std::optional<OwnedLease> owned;
    until_there_is_memory([&] { owned.emplace(claim); });
    Request request(Release{std::move(*owned), std::move(answer)});
    until_there_is_memory([&] { service_->ask(std::move(request)); });
  }
  void probe(std::string_view id, plugin::Holder incumbent, std::chrono::milliseconds timeout,
             plugin::Probed answer) override {
    const plugin::Lease lease{id, incumbent.token, incumbent.session, incumbent.worker};
    service_->ask(
        Probe{OwnedLease(lease), std::string(incumbent.instance), timeout, std::move(answer)});
  }
  void lookup(const plugin::Ids& ids, plugin::Located answer) override {
    service_->ask(Lookup{{ids.begin(), ids.end()}, std::move(answer)});
  }
  void send(std::string_view instance, plugin::Lease to, std::string_view body,
            plugin::YesNo answer) override {
    service_->send(instance, to, body, std::move(answer));
  }

  void presence(const plugin::Ids& ids, plugin::Located answer) override {
    service_->ask(PresenceLookup{{{ids.begin(), ids.end()}, std::move(answer)}});
  }

  void set_status(std::string_view status) override {
    service_->ask(SetStatus{std::string(status)});
  }
  void list_instances(plugin::Instances answer) override {
    service_->ask(ListInstances{std::move(answer)});
  }
  void ask(std::string_view instance, std::string_view body, plugin::Text answer) override {
    // Checked before the copy.
    if (body.size() > CROLANG_MAX_ASK) {
      answer.fail(plugin::Status::invalid, "the question is too long");
      return;
    }
    service_->ask(Ask{std::string(instance), std::string(body), std::move(answer)});
  }

  void set_entry(plugin::Entry entry, plugin::Done answer) override {
    if (!Entries::is_allowed(entry)) {
      answer.fail(plugin::Status::invalid, "the entry's name or value is too long");
      return;
    }
    service_->ask(SetEntry{std::string(entry.name), std::string(entry.value), entry.expires_at,
                           std::move(answer)});
  }
  void list_entries(std::string_view known_version, plugin::Entries answer) override {
    service_->ask(ListEntries{std::string(known_version), std::move(answer)});
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
               "connects several brokers to one grid through Redis", crolang::redis_registry::kEnv)
