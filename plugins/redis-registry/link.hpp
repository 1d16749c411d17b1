#pragma once
/// One connection to Redis: hiredis without a loop of its own. The owner polls the descriptor and
/// says when it may be read or written. Commands are answered in their order; a command whose
/// connection ends before its reply came is answered with nullptr, and so is one for which there is
/// no memory. Threads: whoever has the service's turn. Errors: what is thrown at hiredis, which is
/// C, closes the link.

#include <poll.h>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

struct redisAsyncContext;
struct redisReply;

namespace crolang::redis_registry {

using TimePoint = std::chrono::steady_clock::time_point;

class Link {
 public:
  Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  /// What is unanswered stays so.
  ~Link();

  /// Begin to connect. On failure the link is closed, with a fault.
  void open_tcp(const std::string& address, std::uint16_t port, TimePoint now);
  void open_unix(const std::string& path, TimePoint now);
  /// Unanswered commands are answered with nullptr before this returns.
  void close();

  bool is_open() const { return context_ != nullptr; }
  /// Why it is closed.
  const std::string& fault() const { return fault_; }
  /// When something was last heard or sent, a connection made included.
  TimePoint last_progress() const { return last_progress_; }
  /// Since when the oldest unanswered command waits.
  std::optional<TimePoint> waiting_since() const;
  /// As if everything had been asked now: after this process stood still, its clock blames nobody.
  void forgive(TimePoint now);
  bool is_idle() const { return waiting_.empty(); }

  /// `on_reply(const redisReply*)` is called once, perhaps before this returns. It must not close
  /// the link.
  template <class F>
  void command(std::span<const std::string_view> words, TimePoint now, F&& on_reply) {
    command(words, now, Reply::at_once, std::forward<F>(on_reply));
  }

  /// The same for a reply that can wait a tenth of a second: it alone does not wake anybody, and is
  /// read with the next one that does.
  template <class F>
  void command_without_haste(std::span<const std::string_view> words, TimePoint now, F&& on_reply) {
    command(words, now, Reply::when_convenient, std::forward<F>(on_reply));
  }

  /// After this no commands. `on_message` gets each message; `on_subscribed` is called once the
  /// subscription stands.
  void subscribe(const std::string& channel, std::function<void()> on_subscribed,
                 std::function<void(std::string_view)> on_message);

  /// What to poll for; a closed link has the descriptor -1, which poll ignores.
  pollfd poll_entry(TimePoint now) const;
  void on_poll(short events, TimePoint now);
  /// Sends what commands have left to be sent.
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
  enum class Reply { at_once, when_convenient };
  struct Waiting {
    TimePoint since;
    Reply reply;
    std::unique_ptr<OnReply> on_reply;
  };
  struct Hooks;

  template <class F>
  void command(std::span<const std::string_view> words, TimePoint now, Reply reply, F&& on_reply) {
    std::unique_ptr<OnReply> kept;
    try {
      kept = std::make_unique<ReplyOf<std::decay_t<F>>>(std::forward<F>(on_reply));
    } catch (const std::bad_alloc&) {
      on_reply(nullptr);
      return;
    }
    if (reply == Reply::at_once) ++urgent_;
    send(words, now, reply, std::move(kept));
  }

  void adopt(redisAsyncContext* context, TimePoint now);
  void send(std::span<const std::string_view> words, TimePoint now, Reply reply,
            std::unique_ptr<OnReply> on_reply);
  /// The oldest or the newest command is answered.
  void settle(Waiting waiting, const redisReply* reply);

  redisAsyncContext* context_ = nullptr;
  bool connected_ = false;
  bool wants_to_write_ = false;
  std::string fault_;
  TimePoint last_progress_{};
  TimePoint last_read_{};
  std::deque<Waiting> waiting_;
  std::size_t urgent_ = 0;  // of waiting_, those whose replies are wanted at once
  bool subscribed_ = false;
  bool broken_ = false;  // by what a callback threw
  std::function<void()> on_subscribed_;
  std::function<void(std::string_view)> on_message_;
};

}  // namespace crolang::redis_registry
