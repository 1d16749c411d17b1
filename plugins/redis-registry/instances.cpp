#include "redis-registry/instances.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "redis-registry/redirect.hpp"
#include "redis-registry/redis_reply.hpp"

namespace crolang::redis_registry {

using plugin::Status;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kRetry{1000};
// The index of the last name that is read from the list, which is bounded since others may write to
// Redis as well. No deployment has more brokers on one Redis.
constexpr std::string_view kLastListed = "4095";

}  // namespace

/// The statuses that are being read for one question.
struct Instances::Listing {
  struct Found {
    std::string name;
    std::optional<std::string> status;  // empty: the key has expired
  };

  explicit Listing(plugin::Instances asked) : answer(std::move(asked)) {}

  void settle() {
    if (!why.empty()) {
      answer.fail(Status::unavailable, why);
      return;
    }
    std::vector<plugin::InstanceStatus> instances;
    instances.reserve(found.size());
    for (const Found& each : found) {
      if (each.status) instances.push_back({each.name, *each.status});
    }
    answer.instances(instances);
  }

  plugin::Instances answer;
  std::vector<Found> found;
  std::size_t open = 0;  // replies to come
  std::string why;       // not empty: the listing failed
};

Instances::Instances(ServiceContext& context, Shards& shards)
    : context_(context),
      shards_(shards),
      status_key_(key_of(context.instance)),
      list_(context.options.key_prefix + "instances"),
      ttl_text_(std::to_string(context.options.lock_ttl.count())) {}

std::string Instances::key_of(std::string_view instance) const {
  return (context_.options.key_prefix + "instance:").append(instance);
}

void Instances::set_status(std::string status) {
  if (status.size() > CROLANG_MAX_STATUS || status == status_) return;
  status_ = std::move(status);
  due_ = context_.now;
  tick();
}

void Instances::tick() {
  if (status_.empty() || context_.now < due_ || !shards_.is_any_up()) return;
  due_ = context_.now + context_.options.lock_ttl / 3;
  write();
}

void Instances::on_refused(std::string_view key, const redisReply& error) {
  due_ = std::min(due_, context_.now + kRetry);
  Shard& shard = shards_.of_key(key);
  const std::string_view text = text_of(error);
  if (text.starts_with("NOSCRIPT")) {
    shard.leases().on_unknown_script(error);
  } else if (shard.is_up() && shard.gate().refusal().empty() && !is_cluster_down(text)) {
    context_.warn("Redis refuses to keep this broker's status: " + std::string(text));
  }
}

void Instances::write() {
  const auto to = [this](const std::string& written) {
    return [this, &written](const redisReply* reply) {
      // If the connection was lost, the status is written again after reconnecting.
      if (reply != nullptr && is_error(*reply)) on_refused(written, *reply);
    };
  };
  shards_.command(status_key_,
                  std::array<std::string_view, 5>{"SET", status_key_, status_, "PX", ttl_text_},
                  to(status_key_));
  const std::string_view digest = shards_.of_key(list_).connection().digest(Script::enlist);
  shards_.command(
      list_,
      std::array<std::string_view, 6>{"EVALSHA", digest, "1", list_, context_.instance, ttl_text_},
      to(list_));
}

void Instances::withdraw() {
  if (std::exchange(status_, {}).empty() || !shards_.is_any_up()) return;
  // Keys that cannot be deleted expire.
  shards_.command(status_key_, std::array<std::string_view, 2>{"DEL", status_key_},
                  [](const redisReply*) {});
  shards_.command(list_, std::array<std::string_view, 3>{"ZREM", list_, context_.instance},
                  [](const redisReply*) {});
}

void Instances::list(plugin::Instances answer) {
  const Shard& shard = shards_.of_key(list_);
  if (!shard.is_up()) {
    answer.fail(Status::unavailable, shard.gate().reason());
    return;
  }
  shards_.command(list_, std::array<std::string_view, 4>{"ZRANGE", list_, "0", kLastListed},
                  [this, asked = std::move(answer)](const redisReply* reply) mutable {
                    if (has_failed(reply)) {
                      asked.fail(Status::unavailable, failure_of(reply));
                      return;
                    }
                    std::vector<std::string> names;
                    for (std::size_t i = 0; i < reply->elements; ++i) {
                      const std::string_view name = text_of(*reply->element[i]);
                      if (name.size() <= CROLANG_MAX_INSTANCE) names.emplace_back(name);
                    }
                    read(names, std::move(asked));
                  });
}

void Instances::read(const std::vector<std::string>& names, plugin::Instances answer) {
  const auto listing = std::make_shared<Listing>(std::move(answer));
  for (const std::string& name : names) listing->found.push_back({name, std::nullopt});
  // Keeps the count above 0 until all commands are sent.
  listing->open = 1;
  const auto on_reply = [listing] {
    if (--listing->open == 0) listing->settle();
  };
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string key = key_of(names[i]);
    ++listing->open;
    shards_.command(
        key, std::array<std::string_view, 2>{"GET", key},
        [listing, i, on_reply](const redisReply* reply) {
          if (reply == nullptr) {
            listing->why = kConnectionLost;
          } else if (reply->type == REDIS_REPLY_STRING && reply->len <= CROLANG_MAX_STATUS) {
            listing->found[i].status = std::string(text_of(*reply));
          }
          on_reply();
        });
  }
  on_reply();
}

}  // namespace crolang::redis_registry
