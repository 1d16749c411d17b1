#include "redis-registry/link.hpp"

#include <async.h>
#include <hiredis.h>
#include <sys/socket.h>

#include <exception>
#include <new>
#include <utility>
#include <vector>

namespace crolang::redis_registry {
namespace {

constexpr std::chrono::milliseconds kConvenient{100};

}  // namespace

/// What hiredis calls. A context says goodbye by `cleanup`, whatever ended it.
struct Link::Hooks {
  static Link& of(void* data) { return *static_cast<Link*>(data); }

  // Reading is always wanted.
  static void ignore(void*) {}
  static void add_write(void* data) { of(data).wants_to_write_ = true; }
  static void del_write(void* data) { of(data).wants_to_write_ = false; }

  /// Runs what must not throw through C.
  template <class F>
  static void guarded(Link& link, F&& function) noexcept {
    try {
      function();
    } catch (const std::exception&) {
      link.broken_ = true;
    }
  }

  static void cleanup(void* data) {
    Link& link = of(data);
    const redisAsyncContext* const context = std::exchange(link.context_, nullptr);
    guarded(link, [&] {
      if (link.fault_.empty() && context->err != 0) link.fault_ = context->errstr;
      if (link.fault_.empty()) link.fault_ = "the connection was closed";
    });
    link.connected_ = false;
    link.wants_to_write_ = false;
  }

  static void on_connect(const redisAsyncContext* context, int status) {
    Link& link = of(context->data);
    link.connected_ = status == REDIS_OK;
    if (status != REDIS_OK) guarded(link, [&] { link.fault_ = context->errstr; });
  }

  static void on_reply(redisAsyncContext* context, void* reply, void*) {
    Link& link = of(context->data);
    // The first one is what this replies to: hiredis answers in order, and calls nobody else.
    Waiting answered = std::move(link.waiting_.front());
    link.waiting_.pop_front();
    guarded(link, [&] { link.settle(std::move(answered), static_cast<const redisReply*>(reply)); });
  }

  static void on_publication(redisAsyncContext* context, void* data, void*) {
    Link& link = of(context->data);
    const auto* const reply = static_cast<const redisReply*>(data);
    if (reply == nullptr || reply->type != REDIS_REPLY_ARRAY || reply->elements != 3) return;
    const auto text = [&](std::size_t index) {
      const redisReply& element = *reply->element[index];
      return element.type == REDIS_REPLY_STRING ? std::string_view(element.str, element.len)
                                                : std::string_view();
    };
    guarded(link, [&] {
      if (text(0) == "subscribe") link.on_subscribed_();
      if (text(0) == "message") link.on_message_(text(2));
    });
  }
};

Link::~Link() {
  waiting_.clear();
  urgent_ = 0;
  if (context_ == nullptr) return;
  // Nobody is left to hear of it.
  for (redisCallback* each = context_->replies.head; each != nullptr; each = each->next) {
    each->fn = nullptr;
  }
  close();
}

void Link::open_tcp(const std::string& address, std::uint16_t port, TimePoint now) {
  adopt(::redisAsyncConnect(address.c_str(), port), now);
}

void Link::open_unix(const std::string& path, TimePoint now) {
  adopt(::redisAsyncConnectUnix(path.c_str()), now);
}

void Link::adopt(redisAsyncContext* context, TimePoint now) {
  close();
  fault_.clear();
  last_progress_ = now;
  subscribed_ = false;
  broken_ = false;
  if (context == nullptr) {
    fault_ = "out of memory";
    return;
  }
  if (context->err != 0) {
    fault_ = context->errstr;
    ::redisAsyncFree(context);
    return;
  }
  context_ = context;
  context->data = this;
  context->ev.data = this;
  context->ev.addRead = &Hooks::ignore;
  context->ev.delRead = &Hooks::ignore;
  context->ev.addWrite = &Hooks::add_write;
  context->ev.delWrite = &Hooks::del_write;
  context->ev.cleanup = &Hooks::cleanup;
  // Also asks to be told of writability, which is how a connection that is made shows.
  ::redisAsyncSetConnectCallback(context, &Hooks::on_connect);
}

void Link::close() {
  if (context_ == nullptr) return;
  if (!waiting_.empty()) {
    // What is given up must not arrive after all, when another connection has gone on.
    const linger abort{1, 0};
    ::setsockopt(context_->c.fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  }
  ::redisAsyncFree(context_);
}

std::optional<TimePoint> Link::waiting_since() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.front().since;
}

void Link::forgive(TimePoint now) {
  last_progress_ = now;
  for (Waiting& waiting : waiting_) waiting.since = now;
}

void Link::settle(Waiting waiting, const redisReply* reply) {
  if (waiting.reply == Reply::at_once) --urgent_;
  (*waiting.on_reply)(reply);
}

void Link::send(std::span<const std::string_view> words, TimePoint now, Reply reply,
                std::unique_ptr<OnReply> on_reply) {
  Waiting waiting{now, reply, std::move(on_reply)};
  if (context_ == nullptr) {
    settle(std::move(waiting), nullptr);
    return;
  }
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  try {
    texts.reserve(words.size());
    sizes.reserve(words.size());
    waiting_.push_back(std::move(waiting));
  } catch (const std::bad_alloc&) {
    settle(std::move(waiting), nullptr);
    return;
  }
  for (const std::string_view word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  if (::redisAsyncCommandArgv(context_, &Hooks::on_reply, nullptr, static_cast<int>(words.size()),
                              texts.data(), sizes.data()) != REDIS_OK) {
    Waiting refused = std::move(waiting_.back());
    waiting_.pop_back();
    settle(std::move(refused), nullptr);
  }
}

void Link::subscribe(const std::string& channel, std::function<void()> on_subscribed,
                     std::function<void(std::string_view)> on_message) {
  if (context_ == nullptr) return;
  subscribed_ = true;
  on_subscribed_ = std::move(on_subscribed);
  on_message_ = std::move(on_message);
  ::redisAsyncCommand(context_, &Hooks::on_publication, nullptr, "SUBSCRIBE %b", channel.data(),
                      channel.size());
}

pollfd Link::poll_entry(TimePoint now) const {
  if (context_ == nullptr) return {-1, 0, 0};
  const bool write = wants_to_write_ || !connected_;
  const bool read = !connected_ || subscribed_ || urgent_ > 0 || now - last_read_ >= kConvenient ||
                    (!waiting_.empty() && now - waiting_.front().since >= kConvenient);
  const int events = (read ? POLLIN : 0) | (write ? POLLOUT : 0);
  return {context_->c.fd, static_cast<short>(events), 0};
}

void Link::on_poll(short events, TimePoint now) {
  if (events == 0 || context_ == nullptr) return;
  last_progress_ = now;
  // While a connection is being made, writability says that it is, or that it failed.
  if ((events & (POLLOUT | POLLERR | POLLHUP)) != 0) ::redisAsyncHandleWrite(context_);
  if (context_ != nullptr && (events & (POLLIN | POLLERR | POLLHUP)) != 0) {
    last_read_ = now;
    ::redisAsyncHandleRead(context_);
  }
  if (!std::exchange(broken_, false) || context_ == nullptr) return;
  fault_ = "no memory left";  // short enough to need none
  close();
}

void Link::flush() {
  if (context_ != nullptr && connected_ && wants_to_write_) ::redisAsyncHandleWrite(context_);
}

}  // namespace crolang::redis_registry
