#pragma once
/// One connection to Redis: commands and replies over a Transport. The owner polls the descriptor
/// and reports when it is readable or writable. Commands are answered in order; a command whose
/// connection ends before the reply arrives is answered with nullptr, and so is one for which there
/// is no memory. Threads: the holder of the service's lock. Errors: fault(). An exception in a
/// callback closes the link, and so does a reply that no command has asked for.

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "redis-registry/reply_reader.hpp"
#include "redis-registry/traffic.hpp"
#include "redis-registry/transport.hpp"

namespace crolang::redis_registry {

using TimePoint = std::chrono::steady_clock::time_point;

class Link {
 public:
  /// `max_reply`: the bytes of one reply or message; a larger one closes the link.
  explicit Link(std::size_t max_reply, Traffic traffic = {})
      : max_reply_(max_reply), traffic_(traffic) {}
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  /// The callbacks of unanswered commands are not called.
  ~Link();

  /// Starts to connect. On failure the link is closed, with a fault.
  void open(std::unique_ptr<Transport> transport, TimePoint now);
  /// Unanswered commands are answered with nullptr before this returns.
  void close();

  bool is_open() const { return transport_ != nullptr; }
  /// The transport has connected. Stays true after the link was closed, until it is opened again.
  bool has_connected() const { return has_connected_; }
  /// Why the link is closed.
  const std::string& fault() const { return fault_; }
  /// The server has not ended the connection as far as the system knows now.
  bool is_intact() const;
  /// Something has been received.
  bool has_received() const { return has_received_; }
  /// The error text if nothing is received.
  std::string silence() const { return transport_ == nullptr ? fault_ : transport_->silence(); }
  /// When data was last received or sent, or the connection was made.
  TimePoint last_progress() const { return last_progress_; }
  /// Since when the oldest unanswered command has been waiting.
  std::optional<TimePoint> waiting_since() const;
  /// Resets the waiting times after this process was suspended.
  void restart_clocks(TimePoint now);
  bool is_idle() const { return waiting_.empty(); }

  /// `on_reply(const redisReply*)` is called once, perhaps before this returns. It must not close
  /// the link.
  template <class F>
  void command(std::span<const std::string_view> words, TimePoint now, F&& on_reply) {
    command(words, now, Urgency::at_once, std::forward<F>(on_reply));
  }

  /// Like command, for a reply that is not urgent: it does not wake the thread for a tenth of a
  /// second, and is read with the next urgent one.
  template <class F>
  void command_deferred(std::span<const std::string_view> words, TimePoint now, F&& on_reply) {
    command(words, now, Urgency::deferred, std::forward<F>(on_reply));
  }

  /// Replies of command_tagged go to `on_reply(tag, reply)`, with nullptr as those of command.
  void on_tagged(std::function<void(std::uint64_t, const redisReply*)> on_reply) {
    on_tagged_ = std::move(on_reply);
  }
  /// Like command_deferred, without allocating for the command alone.
  void command_tagged(std::span<const std::string_view> words, TimePoint now, std::uint64_t tag);

  /// The server was told not to reply to it. Throws std::bad_alloc; then nothing is sent.
  void command_unanswered(std::span<const std::string_view> words);

  /// No commands may follow. `on_message` gets each message; `on_subscribed` is called once the
  /// subscription is confirmed.
  void subscribe(const std::string& channel, std::function<void()> on_subscribed,
                 std::function<void(std::string_view)> on_message) {
    subscribe(std::span(&channel, 1), std::move(on_subscribed), std::move(on_message));
  }
  /// Likewise, and `on_subscribed` is called for each channel.
  void subscribe(std::span<const std::string> channels, std::function<void()> on_subscribed,
                 std::function<void(std::string_view)> on_message) {
    subscribe("SUBSCRIBE", channels, std::move(on_subscribed), std::move(on_message));
  }
  /// Likewise, to channels of a cluster that are all in one slot, at the server of that slot.
  void subscribe_sharded(std::span<const std::string> channels, std::function<void()> on_subscribed,
                         std::function<void(std::string_view)> on_message) {
    subscribe("SSUBSCRIBE", channels, std::move(on_subscribed), std::move(on_message));
  }
  /// Asks the server to end a sharded subscription. What was published before still arrives, then
  /// the link ends.
  void unsubscribe_sharded();
  /// The link has ended because another server serves the slot of its channels. Stays true until
  /// it is opened again.
  bool has_slot_moved() const { return has_slot_moved_; }

  /// The descriptor and events to poll for; a closed link has the descriptor -1, which poll
  /// ignores.
  pollfd poll_entry(TimePoint now) const;
  void on_poll(short events, TimePoint now);
  /// Sends buffered commands.
  void flush();

 private:
  struct OnReply {
    virtual ~OnReply() = default;
    virtual void operator()(const redisReply* reply) = 0;
  };
  template <class F>
  struct ReplyOf final : OnReply {
    explicit ReplyOf(F given) : function(std::move(given)) {}
    void operator()(const redisReply* reply) override { function(reply); }
    F function;
  };
  enum class Urgency { at_once, deferred };
  struct Waiting {
    TimePoint since;
    Urgency urgency;
    std::unique_ptr<OnReply> on_reply;  // null: it is tagged
    std::uint64_t tag = 0;
  };

  template <class F>
  void command(std::span<const std::string_view> words, TimePoint now, Urgency urgency,
               F&& on_reply) {
    std::unique_ptr<OnReply> kept;
    try {
      kept = std::make_unique<ReplyOf<std::decay_t<F>>>(std::forward<F>(on_reply));
    } catch (const std::bad_alloc&) {
      on_reply(nullptr);
      return;
    }
    if (urgency == Urgency::at_once) ++urgent_;
    send(words, {now, urgency, std::move(kept)});
  }

  void subscribe(std::string_view command, std::span<const std::string> channels,
                 std::function<void()> on_subscribed,
                 std::function<void(std::string_view)> on_message);
  void send(std::span<const std::string_view> words, Waiting waiting);
  void append(std::span<const std::string_view> words);
  /// The oldest or the newest command was answered.
  void settle(Waiting waiting, const redisReply* reply);
  void go_on_connecting();
  void write_buffered();
  void read_available();
  void on_bytes(std::string_view bytes);
  void on_reply(const redisReply& reply);
  void on_publication(const redisReply& reply);
  void lose(std::string_view fault);
  template <class F>
  void guarded(F&& function) noexcept;

  const std::size_t max_reply_;
  const Traffic traffic_;
  std::unique_ptr<Transport> transport_;  // null: the link is closed
  std::optional<ReplyReader> reader_;
  bool has_connected_ = false;
  bool has_received_ = false;
  Transport::Status awaited_ = Transport::Status::wants_write;  // while connecting
  std::string output_;                                          // commands that are not sent yet
  std::size_t sent_ = 0;                                        // of output_
  std::string fault_;
  TimePoint last_progress_{};
  TimePoint last_read_{};
  std::deque<Waiting> waiting_;
  std::size_t urgent_ = 0;  // of waiting_, those whose replies are urgent
  bool subscribed_ = false;
  bool has_slot_moved_ = false;
  bool broken_ = false;  // a callback threw
  std::function<void(std::uint64_t, const redisReply*)> on_tagged_;
  std::function<void()> on_subscribed_;
  std::function<void(std::string_view)> on_message_;
};

}  // namespace crolang::redis_registry
