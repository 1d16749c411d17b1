#pragma once
/// The messages of one worker link: what is for other brokers and not published yet, and messages
/// that have no answer yet. Allocates nothing once its buffers have grown. No IO; time is an
/// argument. Threads: the worker link's worker. Errors: after std::bad_alloc in send or reply
/// nothing has changed; elsewhere the connection must be replaced.
///
/// A peer is another broker's worker link by its address, which is the end of its channel's name.
/// Each message is answered exactly once: by the peer, because its channel has no subscriber, at
/// its deadline, or because the connection was lost. Replies may be delayed: see reply_delay.hpp.
///
/// How many subscribers a batch had tells at once that the peer is gone, but it costs Redis as much
/// as half of the rest. A peer that has just replied is there, so a batch for it is uncounted, all
/// but ten in a second. If it does not reply to messages in such a batch, an empty one is counted;
/// if that has no subscriber, what became of the messages is unknown.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crolang/keyed_hash.hpp"
#include "crolang/plugin.hpp"
#include "redis-registry/leases.hpp"
#include "redis-registry/peer_format.hpp"
#include "redis-registry/peer_messaging.hpp"
#include "redis-registry/reply_delay.hpp"
#include "redis-registry/worker_address.hpp"

namespace crolang::redis_registry {

class WorkerMessages {
 public:
  /// `max_open_bytes`: unanswered, for one peer; one message more is accepted.
  explicit WorkerMessages(const WorkerAddress& address, std::size_t max_open_bytes = kMaxOpenBytes)
      : address_(address), max_open_bytes_(max_open_bytes) {}

  void send(std::string_view peer, const plugin::Lease& to, std::string_view body,
            plugin::YesNo answer, TimePoint now);
  void reply(std::string_view peer, const ReplyRecord& reply, TimePoint now);

  /// A batch should be taken before more is added to it.
  bool is_full() const { return is_full_; }
  /// Whether batches may be uncounted.
  enum class Uncounted : std::uint8_t { none, some };
  enum class Content : std::uint8_t {
    messages,
    replies,  ///< with or without messages: to what the peer has sent just now
  };
  /// Passes batches on, each as `publish(std::string_view peer, std::string_view batch,
  /// std::uint64_t number, Content)`: those that are not delayed, or all. The number of an
  /// uncounted one is kUncounted.
  static constexpr std::uint64_t kUncounted = 0;
  template <class Publish>
  void take_due(TimePoint now, Publish&& publish, Uncounted uncounted = Uncounted::none);
  template <class Publish>
  void take_all(Publish&& publish) {
    for (Peer* const to : filling_) to->is_delayed = false;
    take_due(TimePoint{}, std::forward<Publish>(publish));
  }
  /// When take_due will have more; TimePoint::max(): only after another event.
  TimePoint due() const { return due_; }

  void on_reply(const ReplyRecord& reply, TimePoint now);
  /// Redis refused to publish the batch of this number.
  void on_refused(std::uint64_t batch);
  /// Their masters in a cluster are away. In ascending order.
  void on_unpublished(std::span<const std::uint64_t> batches);
  /// Whether these batches were published is not known. In ascending order.
  void on_lost(std::span<const std::uint64_t> batches);
  /// Calls `use(request, id, token)` for each open message of the batch.
  template <class Use>
  void for_each_of(std::uint64_t batch, Use&& use) const;
  /// Nobody subscribes to the peer's channel. The receiver counts as gone only if its lease is.
  void on_no_subscriber(std::uint64_t request, bool is_lease_held);
  /// The batch of this number had no subscriber: so perhaps nothing uncounted before it had one.
  void on_nobody(std::uint64_t batch);
  /// Gives up what is late, and asks after peers that are silent. Call it about every tenth of a
  /// second while there are open messages.
  void tick(TimePoint now);
  /// What was published may or may not have arrived. Does not allocate.
  void on_connection_lost();
  void cancel();

  std::size_t open() const { return open_; }
  std::size_t peers() const { return peers_.size(); }

 private:
  struct Peer {
    std::string address;
    std::string from;           // where it is to send its replies
    std::string bytes;          // the batch that is being filled; its memory is kept
    std::uint64_t batch = 0;    // its number, or that of the last one
    bool has_messages = false;  // in the batch
    bool has_replies = false;   // likewise
    bool is_delayed = false;    // it has replies only
    TimePoint delayed_since{};
    ReplyDelay delay;
    std::size_t open_bytes = 0;
    TimePoint replied{};  // when it last did, to a message
    TimePoint counted{};  // when the last batch was published that was
    std::uint64_t counted_batch = 0;
    bool has_uncounted = false;  // messages, since then
  };
  struct OpenMessage {
    std::uint64_t request = 0;  // 0: the place is free
    plugin::YesNo answer{nullptr, nullptr, 0};
    std::string id;
    std::uint64_t token = 0;
    Peer* peer = nullptr;
    std::uint64_t batch = 0;
    std::size_t bytes = 0;
    TimePoint deadline{};
  };
  struct Removed {
    plugin::YesNo answer;
    bool was_published;
  };

  Peer& peer_at(std::string_view address);
  static bool must_be_counted(const Peer& peer, TimePoint now);
  static void note_published(Peer& peer, TimePoint now, bool is_counted);
  /// Begins a batch if there is none.
  void begin_batch(Peer& peer);
  /// A message is added to a batch that was delayed: it becomes the last one, since later ones were
  /// published meanwhile, perhaps to the same worker link by another of its channels.
  void end_delay(Peer& peer);
  /// Adds a record to it.
  template <class Record>
  std::size_t add(Peer& peer, const Record& record);
  std::uint32_t free_place();
  Removed remove(OpenMessage& message);
  /// Answers the open message, if there is one of this number.
  template <class Settle>
  void settle(std::uint64_t request, Settle&& settle);
  template <class Settle>
  void settle_all(Settle&& settle);
  /// Those of these batches.
  void fail_all_of(std::span<const std::uint64_t> batches, plugin::Status status,
                   std::string_view why);

  const WorkerAddress& address_;
  const std::size_t max_open_bytes_;
  TextMap<Peer> peers_;  // by address
  Peer* last_peer_ = nullptr;
  std::vector<Peer*> filling_;  // those with a batch
  bool is_full_ = false;
  std::uint64_t last_batch_ = 0;
  TimePoint due_ = TimePoint::max();
  // A request is the place of its message from 1 on, and in the upper half how often the place was
  // used before.
  std::vector<OpenMessage> messages_;
  std::vector<std::uint64_t> free_;  // the next request of each free place
  std::size_t open_ = 0;
};

template <class Publish>
void WorkerMessages::take_due(TimePoint now, Publish&& publish, Uncounted uncounted) {
  // A peer's buffer that has grown larger is freed.
  constexpr std::size_t kKeptBatch = 1 << 20;
  due_ = TimePoint::max();
  is_full_ = false;
  std::size_t kept = 0;
  for (Peer* const to : filling_) {
    if (to->is_delayed && now < to->delayed_since + kReplyDelay) {
      due_ = std::min(due_, to->delayed_since + kReplyDelay);
      filling_[kept++] = to;
      continue;
    }
    if (std::exchange(to->is_delayed, false)) to->delay.on_vain(now);
    const bool is_counted = uncounted == Uncounted::none || must_be_counted(*to, now);
    note_published(*to, now, is_counted);
    publish(std::string_view(to->address), std::string_view(to->bytes),
            is_counted ? to->batch : kUncounted,
            to->has_replies ? Content::replies : Content::messages);
    to->bytes.clear();
    to->has_messages = false;
    to->has_replies = false;
    if (to->bytes.capacity() > kKeptBatch) to->bytes = {};
  }
  filling_.resize(kept);
}

template <class Use>
void WorkerMessages::for_each_of(std::uint64_t batch, Use&& use) const {
  for (const OpenMessage& message : messages_) {
    if (message.request != 0 && message.batch == batch) {
      use(message.request, std::string_view(message.id), message.token);
    }
  }
}

}  // namespace crolang::redis_registry
