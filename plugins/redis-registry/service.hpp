#pragma once
/// The event loop of the plugin: waits for Redis and for requests, and runs the parts that keep
/// leases in Redis and send messages to other brokers.
///
/// The loop has a thread of its own. But while that thread waits, a worker that has asked something
/// sends it to Redis itself, in flush: waking a thread to do so would cost more than the work. So
/// all state guarded by the loop's lock is used by its holder: the thread whenever it does not
/// wait, else a worker in flush.
///
/// Threads: the constructor, start and stop on the control thread; ask, flush and push on any;
/// everything else, and all events and answers, on the thread that holds the loop's lock.

#include <poll.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "crolang/plugin.hpp"
#include "redis-registry/entries.hpp"
#include "redis-registry/holder_queries.hpp"
#include "redis-registry/inbox.hpp"
#include "redis-registry/instances.hpp"
#include "redis-registry/options.hpp"
#include "redis-registry/peer_transport.hpp"
#include "redis-registry/requests.hpp"
#include "redis-registry/service_context.hpp"
#include "redis-registry/shards.hpp"
#include "redis-registry/worker_link.hpp"
#include "redis-registry/worker_links.hpp"

namespace crolang::redis_registry {

class Service final : Shards::Owner, WorkerLink::Supervisor {
 public:
  Service(plugin::Host host, Options options, std::string instance, plugin::RegistryEvents events);
  ~Service() override;

  /// Returns when Redis is connected, or the attempt has failed, or after `timeout`.
  void start(std::chrono::milliseconds timeout);
  /// Sends through the worker link of the calling worker.
  void send(std::string_view instance, const plugin::Lease& to, std::string_view body,
            plugin::YesNo answer);
  /// Every request is answered, but may not be started before the next flush. If it throws
  /// std::bad_alloc, the request is unchanged.
  void ask(Request&& request);
  /// Handles the requests, or leaves them to the thread. Never blocks.
  void flush();
  /// ask and flush, executed by the service's own thread.
  void push(Request&& request);
  /// Thread: control.
  void change_access(NewAccess access) { push(std::move(access)); }
  /// Releases all leases, answers open requests and ends the thread.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;
  using LoopLock = std::unique_lock<std::mutex>;

  void run() noexcept;
  /// If `function` throws, the state may be inconsistent. Then the connection is dropped, which
  /// answers every open request, and after reconnecting every lease is written again.
  template <class F>
  void or_reconnect(F&& function) noexcept;
  void reconnect();
  std::chrono::milliseconds poll_timeout() const;
  void list_entries();
  void wait(LoopLock& lock, std::chrono::milliseconds timeout);
  void handle_requests();
  void tick();
  void shut_down(LoopLock& lock);
  bool is_stopping();
  void notify_started();

  void look_up(std::uint32_t worker_link, std::vector<Unreached> unreached) override;
  void on_outdated_slots() override { push(OutdatedSlots{}); }
  template <class Command>
  void put_to_worker_links(const Command& command);

  void change_worker_links_target();
  void serve_worker_links();
  void on_shard_up() override;
  void on_shard_down(std::string_view why) override;
  void on_batch(std::string_view batch) override;
  void on_subscription_lost(std::string_view why) override;
  void on_redis_target() override;
  void on_credentials(std::string_view refusal) override;

  /// Runs one request; if there is no memory, only that request fails.
  template <class R>
  void try_handle(R& request);
  void handle(Take& take) { shards_.take(take); }
  void handle(Announce& announce) { shards_.announce(announce); }
  void handle(Release& release) { shards_.release(release); }
  void handle(Probe& probe) { peers_.probe(probe); }
  void handle(Lookup& lookup) { queries_.look_up(lookup); }
  void handle(PresenceLookup& lookup) { queries_.look_up(lookup); }
  void handle(Send& send) { peers_.send(send); }
  void handle(Answered& answered) { peers_.answer(answered); }
  void handle(NewAccess& access);
  void handle(SetStatus& report) { instances_.set_status(std::move(report.status)); }
  void handle(ListInstances& list) { instances_.list(std::move(list.answer)); }
  void handle(SetEntry& change) { table_.set(change); }
  void handle(ListEntries& list) { table_.list(list); }
  void handle(Ask& question) { peers_.ask(question); }
  void handle(CheckReceivers& check);
  void handle(OutdatedSlots&) { shards_.note_outdated(); }
  void on_lease(std::uint32_t worker_link, const Unreached& message, const redisReply* reply);

  Inbox<Request> inbox_;
  std::unique_ptr<WorkerLinks>
      worker_links_;  // null: the broker has no io/1, and messages go by this service
  std::thread thread_;

  std::mutex start_mutex_;  // guards is_started_, is_stopping_
  std::condition_variable start_changed_;
  bool is_started_ = false;
  bool is_stopping_ = false;

  std::mutex loop_mutex_;  // guards what follows
  ServiceContext context_;
  bool has_notified_started_ = false;
  bool are_worker_links_served_ = false;
  TimePoint waiting_since_{};  // used by the thread to detect that the process was suspended
  TimePoint waiting_until_{};
  std::vector<pollfd> awaited_;    // the descriptors that the thread polls; first the inbox
  bool must_reconnect_ = false;    // something threw
  bool has_failed_ = false;        // an attempt to connect
  std::vector<Request> requests_;  // scratch
  std::vector<pollfd> entries_;    // scratch
  std::vector<pollfd> polled_;     // by the thread
  TimePoint last_deadline_check_{};
  PeerTransport peers_;
  HolderQueries queries_;
  Instances instances_;
  Entries table_;

  Shards shards_;  // destroyed first: it calls the rest
};

}  // namespace crolang::redis_registry
