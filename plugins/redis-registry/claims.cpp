#include "redis-registry/claims.hpp"

#include <array>
#include <utility>

#include "redis-registry/redirect.hpp"
#include "redis-registry/redis_reply.hpp"

namespace crolang::redis_registry {

using plugin::Status;

namespace {

constexpr std::string_view kReplicaTime = "50";  // ms

}  // namespace

Claims::Claims(ServiceContext& context, RedisConnection& connection, const ClaimGate& gate,
               Leases& leases, LeaseKeys& keys, Owner& owner)
    : context_(context),
      connection_(connection),
      gate_(gate),
      leases_(leases),
      keys_(keys),
      owner_(owner),
      ttl_text_(std::to_string(context.options.lock_ttl.count())),
      wait_text_(std::to_string(context.options.wait_replicas)) {}

void Claims::take(Take& take) {
  if (!connection_.is_up()) {
    take.answer.fail(Status::unavailable, gate_.reason());
    return;
  }
  if (!gate_.grants_claims(context_.now)) {
    take.answer.fail(Status::unavailable, gate_.why_paused());
    return;
  }
  const Grant how = grant();
  if (how == Grant::refused) {
    take.answer.fail(Status::unavailable, "Redis has lost its replicas: it may be replaced");
    return;
  }
  leases_.add_requested(take.claim.id, take.claim.token, take.claim.address);
  const std::string key = context_.key(take.claim.id);
  const std::string token = token_text(take.claim.token);
  const std::string expected = take.expected == 0 ? std::string() : token_text(take.expected);
  const std::string value = leases_.value(take.claim.token, *leases_.find(take.claim.token));
  const std::array<std::string_view, 6> args{"1", key, token, expected, value, ttl_text_};
  auto on_reply = [this, how, taken = std::move(take)](const redisReply* reply) mutable {
    on_taken(taken, how, reply);
  };
  if (how == Grant::once_received) {
    // The server that is asked to confirm it must be the one that has it.
    keys_.run_script_here(Script::take, args, std::move(on_reply));
  } else {
    keys_.run_script(Script::take, args, std::move(on_reply));
  }
}

Claims::Grant Claims::grant() {
  if (context_.options.wait_replicas == 0) return Grant::without;
  replicas_.on_counted(connection_.run().replicas, context_.now);
  const Grant grant = replicas_.grant(connection_.sentinels(), context_.now);
  switch (grant) {
    case Grant::once_received:
      must_confirm_ = true;
      break;
    case Grant::without:
      // There is no replica that could confirm it.
      context_.warn("REDIS_WAIT_REPLICAS=" + wait_text_ +
                    ": Redis has no replica now, so claims are granted without");
      break;
    case Grant::refused:
      context_.warn("REDIS_WAIT_REPLICAS=" + wait_text_ +
                    ": Redis has no replica now, so claims are refused until it is confirmed "
                    "to be still the primary");
      break;
  }
  return grant;
}

void Claims::on_lost(const OwnedLease& claim, plugin::Claimed& answer) {
  // It may have been granted although the reply was lost.
  if (owner_.give_up_claim(claim.token)) keys_.keep(keys_.withdrawn(claim.id, claim.token));
  answer.fail(Status::unavailable, kConnectionLost);
}

void Claims::on_taken(Take& take, Grant grant, const redisReply* reply) {
  OwnedLease& claim = take.claim;
  if (reply == nullptr) {
    on_lost(claim, take.answer);
    return;
  }
  if (reply->type == REDIS_REPLY_INTEGER && grant == Grant::once_received) {
    unconfirmed_.push_back({std::move(claim), std::move(take.answer)});
    return;
  }
  if (reply->type == REDIS_REPLY_INTEGER) {
    if (leases_.mark_held(claim.token, context_.now)) owner_.on_held(claim.id);
    take.answer.granted();
    return;
  }
  if (owner_.is_in_cluster() && read_redirect(reply)) {
    on_redirected(take, *reply);
    return;
  }
  leases_.erase(claim.token);
  if (is_error(*reply)) {
    owner_.on_claim_refused(*reply);
    take.answer.fail(Status::unavailable, text_of(*reply));
    return;
  }
  if (const auto holding = parse_value(text_of(*reply))) {
    take.answer.held(holding->holder());
  } else {
    take.answer.fail(Status::invalid, "unrecognised value at key " + context_.key(claim.id));
  }
}

void Claims::on_redirected(Take& take, const redisReply& error) {
  if (!take.latest) take.latest = context_.now + RetryQueue::kTimeout;
  if (context_.now < *take.latest) {
    owner_.claim_elsewhere(std::move(take));
    return;
  }
  leases_.erase(take.claim.token);
  take.answer.fail(Status::unavailable, text_of(error));
}

// ---- Replicas -----------------------------------------------------------------------------------

void Claims::confirm() {
  if (!std::exchange(must_confirm_, false)) return;
  connection_.lease_command(std::array<std::string_view, 3>{"WAIT", wait_text_, kReplicaTime},
                            context_.now, [this](const redisReply* reply) { on_confirmed(reply); });
}

void Claims::on_confirmed(const redisReply* reply) {
  // There was no memory for the command: those that were sent are still to be confirmed.
  if (reply == nullptr && connection_.is_up()) must_confirm_ = true;
  // Those that were taken before it: replies come in order.
  std::vector<Unconfirmed> all = std::exchange(unconfirmed_, {});
  const bool enough = reply != nullptr && reply->type == REDIS_REPLY_INTEGER &&
                      reply->integer >= context_.options.wait_replicas;
  std::string why;
  if (reply != nullptr && !enough) {
    why = "REDIS_WAIT_REPLICAS=" + wait_text_ + ": ";
    why += is_error(*reply) ? "WAIT: " + std::string(text_of(*reply))
                            : std::to_string(reply->integer) + " of " + wait_text_ +
                                  " replicas received claims within 50 ms";
    context_.warn(why + ": they are released");
  }
  for (Unconfirmed& each : all) {
    if (reply == nullptr) {
      on_lost(each.claim, each.answer);
    } else if (enough) {
      if (leases_.mark_held(each.claim.token, context_.now)) owner_.on_held(each.claim.id);
      each.answer.granted();
    } else {
      context_.statistics.claims_unconfirmed.add();
      if (owner_.give_up_claim(each.claim.token)) {
        keys_.release(keys_.withdrawn(each.claim.id, each.claim.token), [] {});
      }
      each.answer.fail(Status::unavailable, why);
    }
  }
}

void Claims::on_connected(const ServerRun& run) {
  if (context_.options.wait_replicas > 0) connection_.watch_replicas();
  replicas_.on_connected(run.replicas, context_.now);
}

void Claims::on_disconnected() {
  must_confirm_ = false;
  on_confirmed(nullptr);
}

bool Claims::await_naming() const {
  return context_.options.wait_replicas > 0 &&
         replicas_.grant(connection_.sentinels(), context_.now) == Grant::refused;
}

void Claims::tick() {
  replicas_.on_counted(connection_.run().replicas, context_.now);
}

}  // namespace crolang::redis_registry
