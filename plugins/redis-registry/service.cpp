#include "redis-registry/service.hpp"

#include <hiredis.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <stdexcept>
#include <system_error>
#include <type_traits>
#include <utility>

#include "redis-registry/refusal.hpp"

namespace crolang::redis_registry {

using plugin::LogLevel;
using plugin::Status;
using std::chrono::milliseconds;

namespace {

// How long claims stay closed after Redis was away, restarted or refused to write. Every broker is
// back within a second.
constexpr milliseconds kLivingFirst{3000};
constexpr milliseconds kRetryRefused{1000};
// A demoted primary answers READONLY until the connection goes to the new one.
constexpr milliseconds kPatienceWithReplica{5000};
constexpr milliseconds kDeadlineCheck{100};
constexpr milliseconds kBetweenWarnings{5000};
constexpr milliseconds kFarewell{500};
constexpr milliseconds kWithoutMemory{10};
constexpr std::string_view kNoMemory = "no memory left";
constexpr std::size_t kLeasesPerScript = 256;
// Without a message for so long, there are none to be held up.
constexpr milliseconds kPeace{50};
// The thread waits 100 ms at most.
constexpr milliseconds kStoodStill{500};

bool is_same(const std::array<pollfd, 2>& a, const std::array<pollfd, 2>& b) {
  return std::ranges::equal(a, b, [](const pollfd& one, const pollfd& other) {
    return one.fd == other.fd && one.events == other.events;
  });
}

bool is_error(const redisReply& reply) {
  return reply.type == REDIS_REPLY_ERROR;
}

std::string_view text_of(const redisReply& reply) {
  return reply.str == nullptr ? std::string_view() : std::string_view(reply.str, reply.len);
}

}  // namespace

Service::Service(plugin::Host host, Options options, std::string instance,
                 plugin::RegistryEvents events)
    : host_(std::move(host)),
      options_(std::move(options)),
      instance_(std::move(instance)),
      events_(std::move(events)),
      ttl_text_(std::to_string(options_.lock_ttl.count())),
      leases_(instance_, options_.lock_ttl),
      exchange_(instance_),
      connection_(
          options_.endpoint, options_.key_prefix + "broker:" + instance_,
          [this] {
            std::string heartbeat;
            append_head(heartbeat, instance_);
            return heartbeat;
          }(),
          *this) {}

Service::~Service() {
  if (thread_.joinable()) stop();
}

void Service::start(milliseconds patience) {
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    throw std::runtime_error(std::string("cannot start a thread: ") + error.what());
  }
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [this] { return started_; });
}

void Service::ask(Request&& request) {
  inbox_.put(std::move(request));
}

void Service::push(Request&& request) {
  inbox_.push(std::move(request));
}

void Service::flush() {
  const Turn turn(turn_, std::try_to_lock);
  // A process that stood still extends its leases before it does anything else, and the thread
  // knows how.
  if (!turn || Clock::now() - waits_since_ > kStoodStill) {
    inbox_.rouse();
    return;
  }
  or_begin_anew([this] {
    handle_requests();
    // Others who asked meanwhile found nobody asleep.
    if (!inbox_.fall_asleep()) handle_requests();
  });
  const bool more = !inbox_.fall_asleep();
  // The thread waits for what was of interest before, and as long as it could then.
  const bool same = is_same(connection_.poll_entries(now_), awaited_);
  if (more || broken_ || !same || exchange_.due() < waits_until_) inbox_.wake();
}

void Service::change_credentials(std::string user, std::string password) {
  push(NewCredentials{std::move(user), std::move(password)});
}

void Service::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  inbox_.wake();
  thread_.join();
}

bool Service::is_stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void Service::say_started() {
  {
    const std::lock_guard lock(mutex_);
    started_ = true;
  }
  changed_.notify_all();
}

// ---- The loop -----------------------------------------------------------------------------------

void Service::run() noexcept {
  Turn turn(turn_);
  while (!is_stopping()) {
    or_begin_anew([&] {
      if (broken_) begin_anew();
      handle_requests();
      wait(turn, inbox_.fall_asleep() ? patience() : milliseconds(0));
      connection_.tick(now_);
      tick();
    });
    // Whoever has memory now may need it to give some back.
    if (broken_) wait(turn, kWithoutMemory);
  }
  or_begin_anew([&] { wind_up(turn); });
}

template <class F>
void Service::or_begin_anew(F&& function) noexcept {
  try {
    function();
  } catch (const std::exception&) {
    broken_ = true;
  }
}

void Service::begin_anew() {
  warn("there was no memory left: the connection to Redis begins anew");
  connection_.drop("no memory left", now_);
  broken_ = false;
}

void Service::handle_requests() {
  now_ = Clock::now();
  requests_.clear();
  inbox_.take(requests_);
  for (Request& request : requests_) {
    std::visit([this](auto& asked) { try_handle(asked); }, request);
  }
  requests_.clear();
  publish(exchange_.take_due(now_));
  // Behind all that.
  ask_presence();
  connection_.flush();
}

milliseconds Service::patience() const {
  const TimePoint due = exchange_.due();
  if (due == TimePoint::max()) return connection_.patience();
  const auto left = std::chrono::ceil<milliseconds>(due - now_);
  return std::clamp(left, milliseconds(0), connection_.patience());
}

void Service::wait(Turn& turn, milliseconds patience) {
  waits_since_ = now_;
  waits_until_ = now_ + patience;
  awaited_ = connection_.poll_entries(now_);
  std::array<pollfd, 3> entries{pollfd{inbox_.descriptor(), POLLIN, 0}, awaited_[0], awaited_[1]};
  turn.unlock();
  ::poll(entries.data(), entries.size(), static_cast<int>(patience.count()));
  turn.lock();
  now_ = Clock::now();
  inbox_.wake_up(entries[0].revents != 0);
  connection_.on_poll({entries[1], entries[2]}, now_);
}

void Service::tick() {
  if (now_ - last_deadline_check_ >= kDeadlineCheck) {
    last_deadline_check_ = now_;
    exchange_.tick(now_);
    std::erase_if(withdrawn_, [this](const Withdrawn& each) { return now_ >= each.until; });
  }
  if (!connection_.is_up()) return;
  if (std::exchange(forgotten_, false)) {
    connection_.load_scripts(now_);
    release_withdrawn();
  }
  if (asserted_) {
    refresh([](bool) {});
  } else if (open_assertions_ == 0 && now_ >= assert_again_) {
    if (refusal_.find("READONLY") != std::string::npos && now_ - up_since_ > kPatienceWithReplica) {
      connection_.drop(refusal_, now_);
    } else {
      assert_all();
    }
  }
}

void Service::wind_up(Turn& turn) {
  handle_requests();
  publish(exchange_.take_all());
  for (const std::uint64_t token : leases_.tokens()) {
    Withdrawn given_up{leases_.find(token)->id, token, now_ + options_.lock_ttl};
    leases_.erase(token);
    // Behind a claim that is still under way, on the same connection.
    if (connection_.is_up()) release_in_redis(std::move(given_up), [] {});
  }
  const TimePoint latest = now_ + kFarewell;
  while (connection_.is_up() && !connection_.is_idle() && now_ < latest) {
    connection_.flush();
    wait(turn, milliseconds(10));
  }
  exchange_.cancel();
  presence_.fail_all(Status::cancelled, "the broker is stopping");
  connection_.close();
  inbox_.take(requests_);
  // What came too late: not up any more, so each is answered at once.
  for (Request& request : requests_) {
    std::visit([this](auto& asked) { try_handle(asked); }, request);
  }
  requests_.clear();
}

// ---- Requests -----------------------------------------------------------------------------------

std::string Service::key(std::string_view id) const {
  return (options_.key_prefix + "node:{").append(id).append("}");
}

template <class F>
void Service::run_script(Script script, std::vector<std::string_view> words, F&& on_reply) {
  words.insert(words.begin(), {"EVALSHA", connection_.digest(script)});
  connection_.command(words, now_, std::forward<F>(on_reply));
}

bool Service::may_claim() const {
  return connection_.is_up() && asserted_ && !may_lack_leases();
}

bool Service::may_lack_leases() const {
  return now_ < claims_open_at_ || has_refused_;
}

template <class R>
void Service::try_handle(R& request) {
  try {
    handle(request);
  } catch (const std::bad_alloc&) {
    if constexpr (std::is_same_v<R, Send> || std::is_same_v<R, Probe> ||
                  std::is_same_v<R, Answered> || std::is_same_v<R, NewCredentials>) {
      // Perhaps half of it is done, or stands in what goes to another broker.
      throw;
    } else if constexpr (std::is_same_v<R, PresenceLookup>) {
      auto& answer = request.question.answer;
      if (answer.raw_function() != nullptr) answer.fail(Status::unavailable, kNoMemory);
    } else if (request.answer.raw_function() != nullptr) {
      if constexpr (std::is_same_v<R, Take>) leases_.erase(request.claim.token);
      request.answer.fail(Status::unavailable, kNoMemory);
    }
  }
}

void Service::handle(Take& take) {
  if (!may_claim()) {
    take.answer.fail(Status::unavailable, connection_.is_up() && refusal_.empty()
                                              ? "nodes that were connected come first"
                                              : why_away_);
    return;
  }
  leases_.ask(take.claim.id, take.claim.token);
  const std::string name = key(take.claim.id);
  const std::string token = token_text(take.claim.token);
  const std::string expected = take.expected == 0 ? std::string() : token_text(take.expected);
  const std::string value = leases_.value(take.claim.token, *leases_.find(take.claim.token));
  run_script(Script::take, {"1", name, token, expected, value, ttl_text_},
             [this, claim = std::move(take.claim), answer = std::move(take.answer)](
                 const redisReply* reply) mutable { on_taken(claim, answer, reply); });
}

void Service::on_taken(const OwnedClaim& claim, plugin::Claimed& answer, const redisReply* reply) {
  if (reply == nullptr) {
    // Perhaps granted, and nobody will ever know of it.
    if (leases_.erase(claim.token)) {
      withdrawn_.push_back({claim.id, claim.token, now_ + options_.lock_ttl});
    }
    answer.fail(Status::unavailable, "Redis was lost before it answered");
    return;
  }
  if (reply->type == REDIS_REPLY_INTEGER) {
    leases_.hold(claim.token, now_);
    answer.granted();
    return;
  }
  leases_.erase(claim.token);
  if (is_error(*reply)) {
    on_refusal(*reply);
    answer.fail(Status::unavailable, text_of(*reply));
    return;
  }
  if (const auto holding = parse_value(text_of(*reply))) {
    answer.held({holding->instance, holding->token});
  } else {
    answer.fail(Status::invalid, "no broker wrote what stands at " + key(claim.id));
  }
}

void Service::handle(Announce& announce) {
  const std::uint64_t token = announce.claim.token;
  if (!leases_.announce(token) || !connection_.is_up()) {
    // If Redis is away, the lease is announced as soon as it is asserted.
    announce.answer.done();
    return;
  }
  const std::string name = key(announce.claim.id);
  const std::string value = leases_.value(token, *leases_.find(token));
  run_script(Script::announce, {"1", name, token_text(token), value, ttl_text_},
             [this, token, answer = std::move(announce.answer)](const redisReply* reply) mutable {
               if (reply != nullptr && is_error(*reply)) {
                 on_refusal(*reply);
                 leases_.put_off(token, now_ + kRetryRefused);
               } else if (reply != nullptr && reply->type != REDIS_REPLY_INTEGER) {
                 lose(token);
               }
               answer.done();
             });
}

void Service::handle(Release& release) {
  // What is not known here any more never reached Redis, is somebody else's, or is withdrawn
  // already.
  if (!leases_.erase(release.claim.token)) {
    release.answer.done();
    return;
  }
  Withdrawn given_up{std::move(release.claim.id), release.claim.token, now_ + options_.lock_ttl};
  if (!connection_.is_up()) {
    withdrawn_.push_back(std::move(given_up));
    release.answer.done();
    return;
  }
  release_in_redis(std::move(given_up),
                   [answer = std::move(release.answer)]() mutable { answer.done(); });
}

template <class F>
void Service::release_in_redis(Withdrawn given_up, F done) {
  const std::string name = key(given_up.id);
  const std::string token = token_text(given_up.token);
  run_script(
      Script::release, {"1", name, token},
      [this, kept = std::move(given_up), then = std::move(done)](const redisReply* reply) mutable {
        if (reply != nullptr && is_error(*reply)) on_refusal(*reply);
        if (reply == nullptr || is_error(*reply)) withdrawn_.push_back(std::move(kept));
        then();
      });
}

void Service::release_withdrawn() {
  for (Withdrawn& each : std::exchange(withdrawn_, {})) release_in_redis(std::move(each), [] {});
}

void Service::handle(Probe& probe) {
  if (connection_.is_up()) {
    exchange_.probe(std::move(probe), now_);
  } else {
    probe.answer.unreachable();
  }
}

template <class F>
void Service::find_holders(std::span<const std::string_view> ids, F done) {
  std::vector<std::string> keys;
  keys.reserve(ids.size());
  for (const std::string_view id : ids) keys.push_back(key(id));
  std::vector<std::string_view> words{"MGET"};
  words.insert(words.end(), keys.begin(), keys.end());
  connection_.command(
      words, now_,
      [this, then = std::move(done), count = ids.size()](const redisReply* reply) mutable {
        if (reply == nullptr || is_error(*reply)) {
          then({}, reply == nullptr ? "Redis was lost before it answered" : text_of(*reply));
          return;
        }
        std::vector<plugin::Holder> holders(count);
        for (std::size_t i = 0; i < std::min(count, reply->elements); ++i) {
          const auto holding = parse_value(text_of(*reply->element[i]));
          if (holding && holding->announced) holders[i] = {holding->instance, holding->token};
          if (!holding && may_lack_leases()) {
            then({}, "Redis may not have got all leases back yet");
            return;
          }
        }
        then(holders, {});
      });
}

void Service::handle(Lookup& lookup) {
  if (!connection_.is_up()) {
    lookup.answer.fail(Status::unavailable, why_away_);
    return;
  }
  if (lookup.ids.empty()) {
    lookup.answer.located({});
    return;
  }
  const std::vector<std::string_view> ids(lookup.ids.begin(), lookup.ids.end());
  find_holders(ids, [answer = std::move(lookup.answer)](std::span<const plugin::Holder> holders,
                                                        std::string_view why) mutable {
    why.empty() ? answer.located(holders) : answer.fail(Status::unavailable, why);
  });
}

void Service::handle(PresenceLookup& lookup) {
  if (connection_.is_up()) {
    presence_.add(std::move(lookup.question), now_);
  } else {
    lookup.question.answer.fail(Status::unavailable, why_away_);
  }
}

void Service::ask_presence() {
  while (connection_.is_up()) {
    const bool in_peace = now_ - last_message_ > kPeace;
    PresenceQueue::Batch batch =
        presence_.take(now_, in_peace ? kIdsPerBatchInPeace : kIdsPerBatch);
    if (batch.empty()) return;
    const std::vector<std::string_view> ids = batch.ids();
    find_holders(ids, [this, asked = std::move(batch)](std::span<const plugin::Holder> holders,
                                                       std::string_view why) {
      why.empty() ? presence_.settle(asked, holders)
                  : presence_.fail(asked, Status::unavailable, why);
    });
  }
}

void Service::handle(Send& send) {
  if (connection_.is_up()) {
    last_message_ = now_;
    exchange_.send(std::move(send), now_);
    publish(exchange_.take_full());
  } else {
    send.answer.fail(Status::unavailable, why_away_);
  }
}

void Service::handle(Answered& answered) {
  if (connection_.is_up()) exchange_.answer(answered, now_);
}

void Service::handle(NewCredentials& credentials) {
  connection_.change_credentials(std::move(credentials.user), std::move(credentials.password),
                                 now_);
}

void Service::on_credentials(std::string_view refusal) {
  if (refusal.empty()) {
    host_.log(LogLevel::info, "REDIS_URL: Redis has taken the new user and password");
  } else {
    host_.log(LogLevel::error, "REDIS_URL: Redis refuses the new user and password (" +
                                   std::string(refusal) + "), so the ones before stay in use");
  }
}

// ---- Between brokers ----------------------------------------------------------------------------

void Service::publish(std::vector<Exchange::Batch> batches) {
  for (Exchange::Batch& batch : batches) {
    const std::string channel = options_.key_prefix + "broker:" + batch.instance;
    const std::string bytes = std::exchange(batch.bytes, {});
    connection_.publish(channel, bytes, now_,
                        [this, sent = std::move(batch)](const redisReply* reply) {
                          // Whether it was heard before Redis was lost nobody knows: on_down says
                          // so for all.
                          if (reply == nullptr) return;
                          if (is_error(*reply)) {
                            warn("Redis refuses to publish: " + std::string(text_of(*reply)));
                            exchange_.on_refused(sent);
                          } else if (reply->integer == 0) {
                            on_unheard(sent);
                          }
                        });
  }
}

void Service::on_unheard(const Exchange::Batch& batch) {
  std::vector<std::uint64_t> requests;
  std::vector<std::string> words{"MGET"};
  for (const std::uint64_t request : batch.requests) {
    const OwnedClaim* const receiver = exchange_.receiver(request);
    if (receiver == nullptr) continue;
    requests.push_back(request);
    words.push_back(key(receiver->id));
  }
  if (requests.empty()) return;
  connection_.command(
      std::vector<std::string_view>(words.begin(), words.end()), now_,
      [this, asked = std::move(requests)](const redisReply* reply) {
        for (std::size_t i = 0; i < asked.size(); ++i) {
          const OwnedClaim* const receiver = exchange_.receiver(asked[i]);
          if (receiver == nullptr) continue;
          const bool known = reply != nullptr && i < reply->elements;
          const auto holding = known ? parse_value(text_of(*reply->element[i])) : std::nullopt;
          exchange_.on_unheard(asked[i], !known || (holding && holding->token == receiver->token));
        }
      });
}

void Service::on_batch(std::string_view batch) {
  BatchReader reader(batch);
  const auto sender = std::make_shared<const std::string>(reader.sender());
  while (const auto record = reader.next()) {
    try {
      std::visit([&](const auto& each) { on_record(sender, each); }, *record);
    } catch (const std::bad_alloc&) {
      // Its sender hears nothing, and takes that for what it is.
      warn("there was no memory for what another broker sent");
    }
  }
  if (!reader.has_head() || reader.damaged()) {
    warn("something that is no batch of a broker was published on the channel of this one");
  }
}

void Service::on_record(const std::shared_ptr<const std::string>& sender,
                        const MessageRecord& message) {
  last_message_ = now_;
  events_.on_message({message.id, message.token}, message.body,
                     [this, sender, request = message.request](Status status, bool taken) {
                       const Outcome outcome = status != Status::ok ? Outcome::could_not
                                               : taken              ? Outcome::taken
                                                                    : Outcome::refused;
                       push(Answered{sender, ReplyRecord{request, outcome}});
                     });
}

void Service::on_record(const std::shared_ptr<const std::string>&, const ReplyRecord& reply) {
  exchange_.on_reply(reply);
}

void Service::on_record(const std::shared_ptr<const std::string>& sender,
                        const ProbeRecord& probe) {
  events_.on_probe({probe.id, probe.token}, milliseconds(probe.timeout_ms),
                   [this, sender, request = probe.request](Status status, std::int32_t verdict) {
                     const auto known = static_cast<std::uint8_t>(
                         status == Status::ok ? verdict : CROLANG_UNREACHABLE);
                     push(Answered{sender, VerdictRecord{request, known}});
                   });
}

void Service::on_record(const std::shared_ptr<const std::string>&, const VerdictRecord& verdict) {
  exchange_.on_verdict(verdict);
}

// ---- Leases -------------------------------------------------------------------------------------

template <class F>
std::size_t Service::refresh(F done) {
  std::size_t batches = 0;
  for (auto tokens = leases_.take_due(now_, kLeasesPerScript); !tokens.empty();
       tokens = leases_.take_due(now_, kLeasesPerScript)) {
    std::vector<std::string> texts;
    texts.reserve(2 * tokens.size() + 1);
    for (const std::uint64_t token : tokens) texts.push_back(key(leases_.find(token)->id));
    const std::string count = std::to_string(tokens.size());
    texts.push_back(ttl_text_);
    for (const std::uint64_t token : tokens) {
      texts.push_back(leases_.value(token, *leases_.find(token)));
    }
    std::vector<std::string_view> words{count};
    words.insert(words.end(), texts.begin(), texts.end());
    run_script(Script::refresh, std::move(words),
               [this, refreshed = std::move(tokens), done](const redisReply* reply) {
                 done(on_refreshed(refreshed, reply));
               });
    ++batches;
  }
  return batches;
}

bool Service::on_refreshed(const std::vector<std::uint64_t>& tokens, const redisReply* reply) {
  if (reply == nullptr) return false;
  if (is_error(*reply)) {
    on_refusal(*reply);
    for (const std::uint64_t token : tokens) leases_.put_off(token, now_ + kRetryRefused);
    return false;
  }
  for (std::size_t i = 0; i < reply->elements; ++i) {
    const long long position = reply->element[i]->integer;
    if (position >= 1 && static_cast<std::size_t>(position) <= tokens.size()) {
      lose(tokens[static_cast<std::size_t>(position) - 1]);
    }
  }
  return true;
}

void Service::lose(std::uint64_t token) {
  const Leases::Lease* const lease = leases_.find(token);
  if (lease == nullptr) return;
  const std::string id = lease->id;
  leases_.erase(token);
  events_.on_lost({id, token});
}

// ---- When claims are open -----------------------------------------------------------------------

void Service::on_up() {
  up_since_ = now_;
  if (!run_id_) host_.log(LogLevel::info, "connected to Redis at " + options_.endpoint.name());
  if (connection_.uptime() < kLivingFirst) {
    close_claims_until(now_ + kLivingFirst - connection_.uptime());
  }
  const bool another_run = run_id_ && (run_id_->empty() || *run_id_ != connection_.run_id());
  // A lease is at least two thirds of its TTL old when the way to Redis breaks, so none that a
  // living broker holds has lapsed in half of it.
  const bool long_away = down_since_ && now_ - *down_since_ >= options_.lock_ttl / 2;
  if (another_run || long_away) close_claims_until(now_ + kLivingFirst);
  run_id_ = connection_.run_id();
  down_since_.reset();
  assert_all();
}

void Service::on_down(std::string_view why) {
  // Not since it was noticed: what was silent had stopped before.
  if (run_id_ && !down_since_) down_since_ = std::min(now_, connection_.last_heard());
  asserted_ = false;
  open_assertions_ = 0;
  refusal_.clear();
  exchange_.on_lost();
  presence_.fail_all(Status::unavailable, why);
  tell_unavailable(options_.endpoint.name() + ": " + std::string(why));
  say_started();
}

void Service::assert_all() {
  asserted_ = false;
  assertion_failed_ = false;
  // Holds the count up until everything has been asked.
  open_assertions_ = 1;
  if (has_refused_) {
    // Only a write shows whether writes are possible again.
    ++open_assertions_;
    const std::string name = options_.key_prefix + "writable";
    connection_.command(
        std::array<std::string_view, 5>{"SET", name, instance_, "PX", "1000"}, now_,
        [this](const redisReply* reply) { on_assertion(reply != nullptr && !is_error(*reply)); });
  }
  leases_.make_all_due(now_);
  open_assertions_ += refresh([this](bool succeeded) { on_assertion(succeeded); });
  // After the living.
  release_withdrawn();
  on_assertion(true);
}

void Service::on_assertion(bool succeeded) {
  if (!succeeded) assertion_failed_ = true;
  if (open_assertions_ == 0 || --open_assertions_ > 0) return;
  if (assertion_failed_) {
    assert_again_ = now_ + kRetryRefused;
  } else {
    on_asserted();
  }
}

void Service::on_asserted() {
  asserted_ = true;
  refusal_.clear();
  if (std::exchange(has_refused_, false)) close_claims_until(now_ + kLivingFirst);
  tell_available();
  say_started();
}

void Service::on_refusal(const redisReply& error) {
  const std::string_view text = text_of(error);
  if (text.starts_with("NOSCRIPT")) {
    forgotten_ = true;
    return;
  }
  if (refusal_.empty()) {
    asserted_ = false;
    assert_again_ = now_ + kRetryRefused;
  }
  refusal_ = describe_end(text);
  has_refused_ = true;
  tell_unavailable("Redis refuses to write: " + refusal_);
}

void Service::close_claims_until(TimePoint until) {
  claims_open_at_ = std::max(claims_open_at_, until);
}

void Service::tell_unavailable(std::string_view why) {
  const bool news = why_away_ != why;
  why_away_ = why;
  if (std::exchange(told_available_, false)) {
    events_.on_unavailable(why_away_);
  } else if (news) {
    warn(why_away_);
  }
}

void Service::tell_available() {
  if (!std::exchange(told_available_, true)) events_.on_available();
}

void Service::warn(std::string_view text) {
  if (now_ - last_warning_ < kBetweenWarnings) {
    ++swallowed_warnings_;
    return;
  }
  last_warning_ = now_;
  std::string line(text);
  if (const std::size_t more = std::exchange(swallowed_warnings_, 0); more > 0) {
    line += " (and " + std::to_string(more) + " warnings before this)";
  }
  host_.log(LogLevel::warn, line);
}

}  // namespace crolang::redis_registry
