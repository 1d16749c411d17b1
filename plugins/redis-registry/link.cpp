#include "redis-registry/link.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <new>
#include <utility>
#include <vector>

#include "redis-registry/publication.hpp"
#include "redis-registry/redis_reply.hpp"

namespace crolang::redis_registry {
namespace {

using Status = Transport::Status;

constexpr std::chrono::milliseconds kDeferral{100};
constexpr std::size_t kReadBytes = 64 * 1024;
// Output buffers that have grown larger are freed once they are sent.
constexpr std::size_t kKeptOutput = 1 << 20;
constexpr std::size_t kLongestFault = 200;

void append_length(std::string& out, char sign, std::size_t length) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), length).ptr;
  out.append(1, sign).append(digits.data(), end).append("\r\n");
}

}  // namespace

Link::~Link() {
  // The owner is being destroyed and must not be called.
  const bool is_unanswered = !waiting_.empty();
  waiting_.clear();
  if (transport_ != nullptr && is_unanswered) transport_->abort();
}

template <class F>
void Link::guarded(F&& function) noexcept {
  try {
    function();
  } catch (const std::exception&) {
    broken_ = true;
  }
}

void Link::open(std::unique_ptr<Transport> transport, TimePoint now) {
  close();
  fault_.clear();
  last_progress_ = now;
  has_connected_ = false;
  has_received_ = false;
  subscribed_ = false;
  has_slot_moved_ = false;
  broken_ = false;
  reader_.emplace(max_reply_);
  transport_ = std::move(transport);
  go_on_connecting();
}

void Link::go_on_connecting() {
  awaited_ = transport_->connect();
  if (awaited_ == Status::done) {
    has_connected_ = true;
  } else if (awaited_ == Status::failed || awaited_ == Status::ended) {
    lose(transport_->fault());
  }
}

void Link::lose(std::string_view fault) {
  if (fault_.empty()) fault_ = fault.substr(0, kLongestFault);
  close();
}

void Link::close() {
  const std::unique_ptr<Transport> closed = std::move(transport_);
  if (closed == nullptr) return;
  // Without memory as well, commands of this connection must not wait for replies of the next one.
  guarded([&] {
    if (fault_.empty()) fault_ = "the connection was closed";
  });
  // Data of a closed connection must not arrive after data of the next one.
  if (!waiting_.empty()) closed->abort();
  output_.clear();
  sent_ = 0;
  // Not into another deque, which would allocate.
  while (!waiting_.empty()) {
    Waiting lost = std::move(waiting_.front());
    waiting_.pop_front();
    guarded([&] { settle(std::move(lost), nullptr); });
  }
}

std::optional<TimePoint> Link::waiting_since() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.front().since;
}

void Link::restart_clocks(TimePoint now) {
  last_progress_ = now;
  for (Waiting& waiting : waiting_) waiting.since = now;
}

void Link::settle(Waiting waiting, const redisReply* reply) {
  if (waiting.urgency == Urgency::at_once) --urgent_;
  if (waiting.on_reply == nullptr) {
    on_tagged_(waiting.tag, reply);
  } else {
    (*waiting.on_reply)(reply);
  }
}

// ---- Commands -----------------------------------------------------------------------------------

// Hot: per batch of messages. Allocates nothing once the buffer has grown.
void Link::append(std::span<const std::string_view> words) {
  append_length(output_, '*', words.size());
  for (const std::string_view word : words) {
    append_length(output_, '$', word.size());
    output_.append(word).append("\r\n");
  }
}

void Link::command_tagged(std::span<const std::string_view> words, TimePoint now,
                          std::uint64_t tag) {
  send(words, {now, Urgency::deferred, nullptr, tag});
}

void Link::command_unanswered(std::span<const std::string_view> words) {
  if (transport_ == nullptr) return;
  const std::size_t before = output_.size();
  try {
    append(words);
  } catch (const std::bad_alloc&) {
    output_.resize(before);
    throw;
  }
  traffic_.commands.add();
}

void Link::send(std::span<const std::string_view> words, Waiting waiting) {
  if (transport_ == nullptr) {
    settle(std::move(waiting), nullptr);
    return;
  }
  const std::size_t before = output_.size();
  try {
    append(words);
    waiting_.push_back(std::move(waiting));
    traffic_.commands.add();
  } catch (const std::bad_alloc&) {
    output_.resize(before);
    settle(std::move(waiting), nullptr);
  }
}

void Link::subscribe(std::string_view command, std::span<const std::string> channels,
                     std::function<void()> on_subscribed,
                     std::function<void(std::string_view)> on_message) {
  if (transport_ == nullptr) return;
  subscribed_ = true;
  on_subscribed_ = std::move(on_subscribed);
  on_message_ = std::move(on_message);
  std::vector<std::string_view> words{command};
  words.insert(words.end(), channels.begin(), channels.end());
  append(words);
  traffic_.commands.add();
}

void Link::unsubscribe_sharded() {
  if (transport_ == nullptr) return;
  append(std::array<std::string_view, 1>{"SUNSUBSCRIBE"});
  traffic_.commands.add();
}

void Link::write_buffered() {
  while (transport_ != nullptr && sent_ < output_.size()) {
    const auto [status, bytes] = transport_->write(std::string_view(output_).substr(sent_));
    if (status == Status::failed) {
      const std::string fault = transport_->fault();
      // The last error of the server is more informative.
      read_available();
      if (transport_ != nullptr) lose(fault);
    } else if (status != Status::done) {
      break;
    } else {
      sent_ += bytes;
      traffic_.sent_bytes.add(static_cast<double>(bytes));
    }
  }
  if (sent_ == output_.size()) {
    output_.clear();
    if (output_.capacity() > kKeptOutput) output_ = {};
  } else if (sent_ >= kKeptOutput) {
    output_.erase(0, sent_);
  } else {
    return;
  }
  sent_ = 0;
}

void Link::flush() {
  if (transport_ != nullptr && has_connected_) write_buffered();
}

// ---- Events -------------------------------------------------------------------------------------

bool Link::is_intact() const {
  if (transport_ == nullptr) return false;
  pollfd entry{transport_->descriptor(), POLLRDHUP, 0};
  return ::poll(&entry, 1, 0) == 0;
}

pollfd Link::poll_entry(TimePoint now) const {
  if (transport_ == nullptr) return {-1, 0, 0};
  if (!has_connected_) {
    const short event = awaited_ == Status::wants_read ? POLLIN : POLLOUT;
    return {transport_->descriptor(), event, 0};
  }
  const bool read = subscribed_ || urgent_ > 0 || now - last_read_ >= kDeferral ||
                    (!waiting_.empty() && now - waiting_.front().since >= kDeferral);
  const int events = (read ? POLLIN : 0) | (output_.empty() ? 0 : POLLOUT);
  return {transport_->descriptor(), static_cast<short>(events), 0};
}

void Link::on_poll(short events, TimePoint now) {
  if (events == 0 || transport_ == nullptr) return;
  last_progress_ = now;
  if (!has_connected_) {
    go_on_connecting();
    if (transport_ == nullptr || !has_connected_) return;
    write_buffered();
    if (transport_ != nullptr && transport_->has_more()) read_available();
  } else {
    if ((events & (POLLIN | POLLERR | POLLHUP)) != 0) {
      last_read_ = now;
      read_available();
    }
    if ((events & POLLOUT) != 0) write_buffered();
  }
  if (!std::exchange(broken_, false) || transport_ == nullptr) return;
  fault_ = "out of memory";  // short enough to need none
  close();
}

void Link::read_available() {
  std::array<char, kReadBytes> bytes;
  do {
    const auto [status, size] = transport_->read(bytes);
    switch (status) {
      case Status::done:
        has_received_ = true;
        traffic_.received_bytes.add(static_cast<double>(size));
        on_bytes({bytes.data(), size});
        break;
      case Status::ended:
        lose("Server closed the connection");
        return;
      case Status::failed:
        lose(transport_->fault());
        return;
      case Status::wants_read:
      case Status::wants_write:
        return;
    }
  } while (transport_ != nullptr && !broken_ && transport_->has_more());
}

void Link::on_bytes(std::string_view bytes) {
  guarded([&] {
    // Hot: per batch of messages.
    while (subscribed_ && waiting_.empty() && reader_->is_idle() && !broken_) {
      const auto text = take_publication(bytes);
      if (!text) break;
      on_message_(*text);
      if (transport_ == nullptr) return;
    }
    if (bytes.empty() || broken_) return;
    reader_->feed(bytes);
    while (transport_ != nullptr && !broken_) {
      const Reply reply = reader_->next();
      if (reply == nullptr) break;
      on_reply(*reply);
    }
  });
  if (transport_ != nullptr && !reader_->fault().empty()) lose(reader_->fault());
}

void Link::on_reply(const redisReply& reply) {
  if (!waiting_.empty()) {
    Waiting answered = std::move(waiting_.front());
    waiting_.pop_front();
    settle(std::move(answered), &reply);
  } else if (is_error(reply)) {
    // Such as the reason for which the server closes the connection.
    has_slot_moved_ = subscribed_ && text_of(reply).starts_with("MOVED ");
    lose(text_of(reply));
  } else if (subscribed_) {
    on_publication(reply);
  } else {
    lose("Redis sent a reply that no command has asked for");
  }
}

void Link::on_publication(const redisReply& reply) {
  const auto text = [&](std::size_t index) {
    const redisReply& element = *reply.element[index];
    return element.type == REDIS_REPLY_STRING ? text_of(element) : std::string_view();
  };
  if (reply.type == REDIS_REPLY_ARRAY && reply.elements == 3) {
    const std::string_view kind = text(0);
    if (kind == "message" || kind == "smessage") return on_message_(text(2));
    if (kind == "subscribe" || kind == "ssubscribe") return on_subscribed_();
    if (kind == "sunsubscribe") {
      has_slot_moved_ = true;
      return lose("another server of the cluster serves the slot of the subscription now");
    }
    if (kind.ends_with("unsubscribe")) return lose("Redis has ended the subscription");
  }
  lose("Redis sent something other than messages on the subscription");
}

}  // namespace crolang::redis_registry
