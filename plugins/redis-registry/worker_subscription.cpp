#include "redis-registry/worker_subscription.hpp"

#include <utility>

#include "redis-registry/connection_times.hpp"
#include "redis-registry/redis_reply.hpp"
#include "redis-registry/refusal.hpp"

namespace crolang::redis_registry {
namespace {

constexpr std::size_t kMaxPublication = std::size_t{72} << 20;

}  // namespace

WorkerSubscription::WorkerSubscription(const Traffic& traffic) : link_(kMaxPublication, traffic) {}

void WorkerSubscription::open(std::unique_ptr<Transport> transport, const HostPort& master,
                              const Login& login, std::span<const std::string> channels,
                              TimePoint now, std::function<void(std::string_view)> on_batch) {
  master_ = master;
  unconfirmed_ = channels.size();
  refusal_.clear();
  link_.open(std::move(transport), now);
  if (!login.password.empty()) {
    ++unconfirmed_;
    link_.command(login.command(), now, [this](const redisReply* reply) {
      if (reply == nullptr) return;
      --unconfirmed_;
      if (is_error(*reply)) refusal_ = describe_refusal("AUTH", text_of(*reply));
    });
  }
  link_.subscribe_sharded(
      channels, [this] { --unconfirmed_; }, std::move(on_batch));
}

std::optional<std::string> WorkerSubscription::why_ended(TimePoint now) const {
  if (!refusal_.empty()) return refusal_;
  if (has_slot_moved()) return "the slot of this broker's channels has moved to another master";
  if (!link_.is_open()) return describe_end(link_.fault());
  const bool is_late = unconfirmed_ > 0 && now - link_.last_progress() > kHandshakeTimeout;
  return is_late ? std::optional(link_.silence()) : std::nullopt;
}

}  // namespace crolang::redis_registry
