#pragma once
/// Keeps the leases of this broker in Redis, and carries messages and probes between brokers.
///
/// It has a thread of its own, which waits for Redis. But while that thread waits, a worker that
/// has asked something sends it to Redis itself: waking a thread to do it would cost more than the
/// doing. So the rest of this class belongs to no thread, but to whoever has the turn: the thread
/// whenever it does not wait, else a worker in flush.
///
/// Threads: the constructor, start and stop on the control thread; ask, flush and push on any;
/// everything else, and all events and answers, on the one that has the turn.
///
/// Claims are open only while every lease that this broker holds is known to stand in Redis, and
/// for a while after Redis was away, restarted or refused to write they stay closed on every
/// broker, so that living nodes get their ids back before newcomers can take them.

#include <array>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "crolang/plugin.hpp"
#include "redis-registry/exchange.hpp"
#include "redis-registry/inbox.hpp"
#include "redis-registry/leases.hpp"
#include "redis-registry/options.hpp"
#include "redis-registry/presence_queue.hpp"
#include "redis-registry/redis_connection.hpp"
#include "redis-registry/requests.hpp"

namespace crolang::redis_registry {

class Service final : RedisConnection::Owner {
 public:
  Service(plugin::Host host, Options options, std::string instance, plugin::RegistryEvents events);
  ~Service() override;

  /// Returns once Redis is there, or has been found not to be, or after `patience`.
  void start(std::chrono::milliseconds patience);
  /// Is answered whatever happens, but perhaps not begun before the next flush. If it throws
  /// std::bad_alloc, the request is as it was.
  void ask(Request&& request);
  /// Does what was asked, or has it done. Never waits.
  void flush();
  /// Both at once, by the service's own thread.
  void push(Request&& request);
  /// User and password for Redis from now on. Thread: control.
  void change_credentials(std::string user, std::string password);
  /// Gives all leases up, answers what is open and ends the thread.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;
  using Turn = std::unique_lock<std::mutex>;

  void run() noexcept;
  /// What is thrown with everything half done is answered by a new connection, with which all
  /// begins anew: every question under way is answered, and every lease is written again.
  template <class F>
  void or_begin_anew(F&& function) noexcept;
  void begin_anew();
  std::chrono::milliseconds patience() const;
  void wait(Turn& turn, std::chrono::milliseconds patience);
  void handle_requests();
  void wind_up(Turn& turn);
  bool is_stopping();
  void say_started();

  void on_up() override;
  void on_down(std::string_view why) override;
  void on_batch(std::string_view batch) override;
  void on_credentials(std::string_view refusal) override;

  /// What there is no memory for fails, and nothing else.
  template <class R>
  void try_handle(R& request);
  void handle(Take& take);
  void handle(Announce& announce);
  void handle(Release& release);
  void handle(Probe& probe);
  void handle(Lookup& lookup);
  void handle(PresenceLookup& lookup);
  void handle(Send& send);
  void handle(Answered& answered);
  void handle(NewCredentials& credentials);

  void on_record(const std::shared_ptr<const std::string>& sender, const MessageRecord& message);
  void on_record(const std::shared_ptr<const std::string>& sender, const ReplyRecord& reply);
  void on_record(const std::shared_ptr<const std::string>& sender, const ProbeRecord& probe);
  void on_record(const std::shared_ptr<const std::string>& sender, const VerdictRecord& verdict);

  /// Asks what nodes want to know, as far as that holds nothing else up.
  void ask_presence();
  /// Asks Redis about the ids; `done(std::span<const plugin::Holder>, why)` is called once, with a
  /// reason if they could not be found out.
  template <class F>
  void find_holders(std::span<const std::string_view> ids, F done);

  // Leases.
  void on_taken(const OwnedClaim& claim, plugin::Claimed& answer, const redisReply* reply);
  struct Withdrawn {
    std::string id;
    std::uint64_t token;
    TimePoint until;  // then Redis has dropped it by itself
  };
  /// `done()` is called once Redis has answered, or cannot.
  template <class F>
  void release_in_redis(Withdrawn given_up, F done);
  void release_withdrawn();
  /// Extends what is due, in batches: how many. `done(bool succeeded)` is called for each.
  template <class F>
  std::size_t refresh(F done);
  bool on_refreshed(const std::vector<std::uint64_t>& tokens, const redisReply* reply);
  void lose(std::uint64_t token);

  // When claims are open.
  bool may_claim() const;
  /// Redis is new, or could not be written to, so an absent lease does not mean an absent node.
  bool may_lack_leases() const;
  /// Writes every lease; claims stay closed until that has succeeded.
  void assert_all();
  void on_assertion(bool succeeded);
  void on_asserted();
  void on_refusal(const redisReply& error);
  void close_claims_until(TimePoint until);
  void tell_unavailable(std::string_view why);
  void tell_available();

  void tick();
  void publish(std::vector<Exchange::Batch> batches);
  void on_unheard(const Exchange::Batch& batch);
  void warn(std::string_view text);

  template <class F>
  void run_script(Script script, std::vector<std::string_view> words, F&& on_reply);
  std::string key(std::string_view id) const;

  const plugin::Host host_;
  const Options options_;
  const std::string instance_;
  const plugin::RegistryEvents events_;
  const std::string ttl_text_;

  Inbox<Request> inbox_;
  std::thread thread_;

  std::mutex mutex_;  // guards started_, stopping_
  std::condition_variable changed_;
  bool started_ = false;
  bool stopping_ = false;

  std::mutex turn_;  // guards what follows
  TimePoint now_{};
  TimePoint waits_since_{};  // the thread: it stands still if this is long ago
  TimePoint waits_until_{};
  std::array<pollfd, 2> awaited_{};  // what it waits for, of Redis
  bool broken_ = false;              // something threw: to begin anew
  std::vector<Request> requests_;    // scratch
  Leases leases_;
  Exchange exchange_;
  PresenceQueue presence_;
  TimePoint last_message_{};          // that was sent, or came
  std::vector<Withdrawn> withdrawn_;  // to be released once Redis is there
  std::string why_away_ = "not connected yet";
  bool told_available_ = true;
  bool asserted_ = false;
  std::string refusal_;  // not empty: Redis refuses to write, and this is why
  bool has_refused_ =
      false;                // since the leases were last asserted, perhaps on an earlier connection
  bool forgotten_ = false;  // it does not know the scripts any more
  std::size_t open_assertions_ = 0;
  bool assertion_failed_ = false;
  TimePoint assert_again_{};
  TimePoint claims_open_at_{};
  TimePoint up_since_{};
  std::optional<TimePoint> down_since_;
  std::optional<std::string> run_id_;
  TimePoint last_deadline_check_{};
  TimePoint last_warning_{};
  std::size_t swallowed_warnings_ = 0;

  RedisConnection connection_;  // ends first: it calls the rest
};

}  // namespace crolang::redis_registry
