#include "redis-registry/lease_manager.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <utility>

#include "redis-registry/redirect.hpp"
#include "redis-registry/redis_reply.hpp"

namespace crolang::redis_registry {

using BatchResult = ClaimGate::BatchResult;
using plugin::LogLevel;
using plugin::Status;

namespace {

constexpr std::size_t kLeasesAtOnce = 256;
// For a session that holds what another one lost in a failover: as long as for one that holds what
// a connecting node wants, by default.
constexpr std::chrono::milliseconds kRivalTimeout{1500};

/// In the reasons of an outage. If there may be several servers, the connection says which it was.
std::string name_of(const Endpoint& endpoint) {
  return endpoint.hosts.size() > 1 || !endpoint.master.empty() ? "Redis" : endpoint.name();
}

}  // namespace

LeaseManager::LeaseManager(ServiceContext& context, RedisConnection& connection,
                           PeerTransport& peers)
    : context_(context),
      connection_(connection),
      peers_(peers),
      ttl_text_(std::to_string(context.options.lock_ttl.count())),
      writable_key_(context.writable_key()),
      leases_(context.instance, context.options.lock_ttl),
      disputes_(std::make_shared<Disputes>(context.instance, leases_)),
      gate_(name_of(context.options.endpoint), context.options.lock_ttl),
      keys_(context, connection, [this](const redisReply& error) { on_write_refused(error); }),
      claims_(context, connection, gate_, leases_, keys_, *this) {}

LeaseManager::~LeaseManager() {
  context_.availability.forget(this);
}

void LeaseManager::join_cluster(Cluster& cluster) {
  cluster_ = &cluster;
  keys_.join_cluster(cluster.redirecting());
}

// ---- The life of a lease ------------------------------------------------------------------------

void LeaseManager::on_held(std::string_view id) {
  if (cluster_ != nullptr) cluster_->on_held(*this, id);
}

void LeaseManager::announce(Announce& announce) {
  const std::uint64_t token = announce.claim.token;
  if (!leases_.announce(token) || !connection_.is_up() || disputes_->contains(token)) {
    // The lease is announced as soon as it is restored, or no longer disputed.
    announce.answer.done();
    return;
  }
  const std::string key = context_.key(announce.claim.id);
  const std::string value = leases_.value(token, *leases_.find(token));
  const std::string text = token_text(token);
  keys_.run_script(Script::announce,
                   std::array<std::string_view, 5>{"1", key, text, value, ttl_text_},
                   [this, asked = std::move(announce)](const redisReply* reply) mutable {
                     on_announced(asked, reply);
                   });
}

// Without a cluster a redirect is an error: probably from a proxy in front of one.
bool LeaseManager::is_sent_on(const redisReply* reply) const {
  return cluster_ != nullptr && read_redirect(reply);
}

void LeaseManager::on_announced(Announce& announce, const redisReply* reply) {
  const std::uint64_t token = announce.claim.token;
  if (is_sent_on(reply)) {
    if (!announce.latest) announce.latest = context_.now + RetryQueue::kTimeout;
    if (context_.now < *announce.latest) {
      cluster_->again(std::move(announce));
      return;
    }
  }
  if (reply != nullptr && is_error(*reply)) {
    on_write_refused(*reply);
    leases_.postpone(token, context_.now + ClaimGate::kRetryAfter);
  } else if (reply != nullptr && reply->type != REDIS_REPLY_INTEGER) {
    on_foreign(token, text_of(*reply), kNoAttempt);
  }
  announce.answer.done();
}

void LeaseManager::release(Release& release) {
  // A lease that is not known here never reached Redis, belongs to another session, or is already
  // withdrawn.
  if (!erase(release.claim.token)) {
    release.answer.done();
    return;
  }
  Withdrawn lease = keys_.withdrawn(std::move(release.claim.id), release.claim.token);
  if (!connection_.is_up()) {
    keys_.keep(std::move(lease));
    release.answer.done();
    return;
  }
  keys_.release(std::move(lease),
                [answer = std::move(release.answer)]() mutable { answer.done(); });
}

void LeaseManager::refresh(Purpose purpose) {
  for (auto tokens = leases_.take_due(context_.now, kLeasesAtOnce); !tokens.empty();
       tokens = leases_.take_due(context_.now, kLeasesAtOnce)) {
    for (const std::uint64_t token : tokens) refresh(token, purpose);
  }
}

void LeaseManager::refresh(std::uint64_t token, Purpose purpose) {
  if (!disputes_->contains(token)) {
    write(token, 0, purpose == Purpose::restore ? gate_.on_batch_begun() : kNoAttempt);
  } else if (purpose == Purpose::restore && disputes_->await(token)) {
    gate_.on_batch_begun();
  }
}

// One key for each command, since a server may have to move single ones.
void LeaseManager::write(std::uint64_t token, std::uint64_t rival, std::uint64_t attempt) {
  const Leases::Lease& lease = *leases_.find(token);
  const std::string key = context_.key(lease.id);
  const std::string value = leases_.value(token, lease);
  const std::string replaced = rival == 0 ? std::string() : token_text(rival);
  keys_.run_script(
      Script::refresh, std::array<std::string_view, 5>{"1", key, value, ttl_text_, replaced},
      [this, token, attempt](const redisReply* reply) { on_written(token, attempt, reply); });
}

void LeaseManager::on_written(std::uint64_t token, std::uint64_t attempt, const redisReply* reply) {
  if (!has_failed(reply) && reply->type != REDIS_REPLY_INTEGER) {
    on_foreign(token, text_of(*reply), attempt);
    return;
  }
  if (is_sent_on(reply)) {
    // Its slot has another master, to whom it is handed over: it is not missing here.
    end_dispute(token, BatchResult::written);
    leases_.postpone(token, context_.now + RetryQueue::kPause);
    end_part(attempt, BatchResult::written);
    return;
  }
  const BatchResult result = has_failed(reply) ? BatchResult::failed : BatchResult::written;
  if (reply != nullptr && is_error(*reply)) on_write_refused(*reply);
  const Disputes::Ended ended = end_dispute(token, result);
  if (result == BatchResult::failed) {
    leases_.postpone(token, context_.now + ClaimGate::kRetryAfter);
  } else if (ended.existed) {
    // What was announced meanwhile may not be written.
    leases_.postpone(token, context_.now);
  }
  end_part(attempt, result);
}

bool LeaseManager::erase(std::uint64_t token) {
  end_dispute(token, BatchResult::written);
  return leases_.erase(token);
}

// ---- Disputes -----------------------------------------------------------------------------------

void LeaseManager::on_foreign(std::uint64_t token, std::string_view value, std::uint64_t attempt) {
  // Else its session has left meanwhile.
  if (leases_.find(token) != nullptr) {
    const Disputes::Step step = disputes_->on_found(token, value, context_.now);
    // Claims stay paused until it is settled: this broker must not grant an id that it holds.
    const bool is_awaited = gate_.is_restoring(attempt) && disputes_->await(token);
    carry_out(token, step);
    if (is_awaited) return;
  }
  end_part(attempt, BatchResult::written);
}

Disputes::Ended LeaseManager::end_dispute(std::uint64_t token, BatchResult result) {
  const Disputes::Ended ended = disputes_->end(token);
  // A lost connection ends all disputes, so it is awaited by the attempt that is being made.
  if (ended.was_awaited) end_part(gate_.attempt(), result);
  return ended;
}

void LeaseManager::carry_out(std::uint64_t token, Disputes::Step step) {
  switch (step) {
    case Disputes::Step::none:
      break;
    case Disputes::Step::write:
      write(token, disputes_->rival(token).token, kNoAttempt);
      break;
    case Disputes::Step::ask:
      ask_rival(token);
      break;
    case Disputes::Step::give_up:
      give_up(token);
      break;
  }
}

void LeaseManager::ask_rival(std::uint64_t token) {
  struct Question {
    // The shard of a cluster may have no slots any more when the answer comes.
    std::weak_ptr<Disputes> disputes;
    std::uint64_t token;
    std::uint64_t number;
  };
  const auto on_answer = [](void* call, crolang_status status, std::int32_t result, crolang_str) {
    const std::unique_ptr<Question> asked(static_cast<Question*>(call));
    const std::shared_ptr<Disputes> disputes = asked->disputes.lock();
    if (disputes == nullptr) return;
    const bool is_known = status == CROLANG_OK && result != CROLANG_UNREACHABLE;
    const auto known = result == CROLANG_ALIVE ? Disputes::Answer::alive : Disputes::Answer::gone;
    disputes->on_answer(asked->token, asked->number, is_known ? known : Disputes::Answer::unknown);
  };
  const Disputes::Rival& rival = disputes_->rival(token);
  const plugin::Lease lease{leases_.find(token)->id, rival.token, rival.address.session,
                            rival.address.worker};
  auto asked = std::make_unique<Question>(Question{disputes_, token, disputes_->question(token)});
  OwnedLease incumbent(lease);
  std::string instance = rival.instance;
  Probe probe{std::move(incumbent), std::move(instance), kRivalTimeout,
              plugin::Probed(on_answer, asked.release(), kLongestProbeMs)};
  peers_.probe(probe);
}

void LeaseManager::give_up(std::uint64_t token) {
  const Leases::Lease& lease = *leases_.find(token);
  const SessionAddress address = lease.address;
  Withdrawn lost = keys_.withdrawn(lease.id, token);
  erase(token);
  context_.events.on_lease_lost({lost.id, token, address.session, address.worker});
  // What was sent before may still write it.
  keys_.release(std::move(lost), [] {});
}

// ---- Actions of ClaimGate -----------------------------------------------------------------------

void LeaseManager::on_connected() {
  if (connection_.place() != last_place_) {
    context_.host.log(LogLevel::info, "connected to Redis at " + connection_.place());
    last_place_ = connection_.place();
  }
  const ServerRun& run = connection_.run();
  claims_.on_connected(run);
  keys_.on_connected(run.id);
  carry_out(gate_.on_connected({run.id, run.uptime, connection_.named_run(), run.replicas},
                               context_.now));
}

void LeaseManager::on_disconnected(std::string_view why) {
  claims_.on_disconnected();
  disputes_->clear();
  report(gate_.on_disconnected(why, connection_.last_received(), context_.now));
}

void LeaseManager::tick() {
  const ClaimGate::Due due = gate_.tick(context_.now);
  if (due.load_scripts) {
    connection_.load_scripts(context_.now);
    keys_.release_kept();
  }
  if (due.name_run) name_run();
  if (due.test_write) {
    test_write([this](BatchResult result) { report(gate_.on_tested(result, context_.now)); });
  }
  carry_out(due.task);
  for (const Disputes::Due& each : disputes_->take_due(context_.now)) {
    carry_out(each.token, each.step);
  }
  claims_.tick();
  keys_.release_strays();
}

void LeaseManager::name_run() {
  if (connection_.run_key().empty()) return;
  connection_.lease_command(
      std::array<std::string_view, 3>{"SET", connection_.run_key(), connection_.run().id},
      context_.now, [this](const redisReply* reply) {
        if (reply != nullptr && is_error(*reply)) on_write_refused(*reply);
      });
}

void LeaseManager::release_all() {
  for (const std::uint64_t token : leases_.tokens()) {
    Withdrawn lease = keys_.withdrawn(leases_.find(token)->id, token);
    erase(token);
    // Sent after a take that may still be in flight, on the same connection.
    if (connection_.is_up()) keys_.release(std::move(lease), [] {});
  }
}

void LeaseManager::carry_out(ClaimGate::Task task) {
  switch (task) {
    case ClaimGate::Task::none:
      break;
    case ClaimGate::Task::extend:
      refresh(Purpose::extend);
      break;
    case ClaimGate::Task::restore_all_and_test_write:
      test_write([this, attempt = gate_.on_batch_begun()](BatchResult result) {
        end_part(attempt, result);
      });
      restore_all();
      break;
    case ClaimGate::Task::restore_all:
      restore_all();
      break;
    case ClaimGate::Task::drop_connection:
      connection_.drop(gate_.refusal(), context_.now);
      break;
  }
}

void LeaseManager::report(ClaimGate::Notice notice) {
  switch (notice) {
    case ClaimGate::Notice::none:
      break;
    case ClaimGate::Notice::unavailable:
      context_.availability.on_unavailable(this, gate_.reason());
      break;
    case ClaimGate::Notice::still_unavailable:
      context_.warn(gate_.reason());
      break;
    case ClaimGate::Notice::available:
      context_.availability.on_available(this);
      break;
  }
}

void LeaseManager::end_part(std::uint64_t attempt, BatchResult result) {
  report(gate_.on_batch_answered(attempt, result, context_.now));
}

template <class F>
void LeaseManager::test_write(F done) {
  if (writable_key_.empty()) return done(BatchResult::written);
  connection_.lease_command(
      std::array<std::string_view, 5>{"SET", writable_key_, context_.instance, "PX", "1000"},
      context_.now, [this, done](const redisReply* reply) {
        // A key that is being moved says that Redis accepts writes.
        const bool written = !has_failed(reply) || is_sent_on(reply);
        done(written ? BatchResult::written : BatchResult::failed);
      });
}

void LeaseManager::restore_all() {
  leases_.make_all_due(context_.now);
  refresh(Purpose::restore);
  // After the leases of connected nodes.
  keys_.release_kept();
  report(gate_.on_all_begun(context_.now));
}

void LeaseManager::on_write_refused(const redisReply& error) {
  const std::string_view text = text_of(error);
  // The keys have other masters, or none, so this proves nothing about the other keys.
  if (is_sent_on(&error) || text.starts_with("CLUSTERDOWN Hash slot")) return;
  report(is_cluster_down(text) ? gate_.on_away(text, context_.now)
                               : gate_.on_write_refused(text, context_.now));
}

// ---- In a cluster -------------------------------------------------------------------------------

void LeaseManager::hand_over(LeaseManager& to,
                             const std::function<bool(std::string_view id)>& goes) {
  const std::vector<std::uint64_t> tokens = leases_.held_tokens(goes);
  // Before anything has changed: a lease that was lost could be granted to another session.
  to.leases_.reserve(tokens.size());
  for (const std::uint64_t token : tokens) {
    end_dispute(token, BatchResult::written);
    leases_.move_to(to.leases_, token, context_.now);
  }
  keys_.hand_over(to.keys_, goes);
}

}  // namespace crolang::redis_registry
