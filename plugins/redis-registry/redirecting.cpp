#include "redis-registry/redirecting.hpp"

#include <array>
#include <optional>

#include "redis-registry/redis_reply.hpp"

namespace crolang::redis_registry {
namespace {

constexpr std::array<std::string_view, 1> kAsking{"ASKING"};

/// An error of this broker itself, for what expects a reply.
class ErrorReply {
 public:
  explicit ErrorReply(std::string text) : text_(std::move(text)) {
    reply_.type = REDIS_REPLY_ERROR;
    reply_.str = text_.data();
    reply_.len = text_.size();
  }
  const redisReply* get() const { return &reply_; }

 private:
  std::string text_;
  redisReply reply_{};
};

}  // namespace

void Redirecting::send(Slot slot, std::span<const std::string_view> words, Urgency urgency,
                       OnReply on_reply) {
  auto command = std::make_unique<Command>();
  command->slot = slot;
  command->urgency = urgency;
  command->texts.assign(words.begin(), words.end());
  command->on_reply = std::move(on_reply);
  command->latest = context_.now + RetryQueue::kTimeout;
  dispatch(std::move(command));
}

void Redirecting::dispatch(std::unique_ptr<Command> command) {
  RedisConnection* const to = directory_.serving(command->slot);
  if (to == nullptr) {
    command->on_reply(ErrorReply("the master of its slot is away").get());
    return;
  }
  command->map = directory_.map();
  const std::vector<std::string_view> words = command->words();
  const Urgency urgency = command->urgency;
  auto on_answer = [this, to, sent = std::move(command)](const redisReply* reply) mutable {
    on_reply(std::move(sent), *to, reply);
  };
  if (urgency == Urgency::at_once) {
    to->command(words, context_.now, std::move(on_answer));
  } else {
    to->command_deferred(words, context_.now, std::move(on_answer));
  }
}

void Redirecting::on_reply(std::unique_ptr<Command> command, RedisConnection& from,
                           const redisReply* reply) {
  const std::optional<Redirect> redirect = read_redirect(reply);
  note(redirect);
  if (!redirect || context_.now >= command->latest) {
    command->on_reply(reply);
    return;
  }
  if (RedisConnection* const to = asked(*redirect, from); to != nullptr) {
    to->command(kAsking, context_.now, [this](const redisReply* answer) { on_asking(answer); });
    const std::vector<std::string_view> words = command->words();
    to->command(words, context_.now,
                [this, to, sent = std::move(command)](const redisReply* answer) mutable {
                  on_reply(std::move(sent), *to, answer);
                });
    return;
  }
  const std::uint64_t map = command->map;
  retry_queue_.add([this, again = std::move(command)]() mutable { dispatch(std::move(again)); },
                   map, context_.now);
}

RedisConnection* Redirecting::asked(const Redirect& redirect, const RedisConnection& from) {
  if (redirect.kind != Redirect::Kind::ask) return nullptr;
  HostPort server = redirect.to;
  if (server.host.empty()) server.host = from.target().tcp.host.host;
  return directory_.at(server);
}

void Redirecting::on_asking(const redisReply* reply) {
  if (reply == nullptr || !is_error(*reply)) return;
  context_.warn("the cluster moves slots, and Redis refuses ASKING (" +
                std::string(text_of(*reply)) + "): give the user of REDIS_URL +asking");
}

void Redirecting::lease_command(RedisConnection& connection,
                                std::span<const std::string_view> words, OnReply on_reply) {
  std::vector<std::string> kept(words.begin(), words.end());
  connection.lease_command(
      words, context_.now,
      [this, from = &connection, texts = std::move(kept),
       answer = std::move(on_reply)](const redisReply* reply) mutable {
        const std::optional<Redirect> redirect = read_redirect(reply);
        note(redirect);
        RedisConnection* const to = redirect ? asked(*redirect, *from) : nullptr;
        if (to == nullptr) {
          answer(reply);
          return;
        }
        to->lease_command(kAsking, context_.now,
                          [this](const redisReply* asking) { on_asking(asking); });
        const std::vector<std::string_view> again(texts.begin(), texts.end());
        lease_command_here(*to, again, std::move(answer));
      });
}

void Redirecting::lease_command_here(RedisConnection& connection,
                                     std::span<const std::string_view> words, OnReply on_reply) {
  connection.lease_command(words, context_.now,
                           [this, answer = std::move(on_reply)](const redisReply* reply) mutable {
                             note(read_redirect(reply));
                             answer(reply);
                           });
}

void Redirecting::note(const std::optional<Redirect>& redirect) {
  // While a slot is being moved (ASK, TRYAGAIN) there is no other map, however often it is asked
  // for.
  if (redirect && redirect->kind == Redirect::Kind::moved) directory_.on_outdated();
}

void Redirecting::retry_later(RetryQueue::Retry retry) {
  retry_queue_.add(std::move(retry), directory_.map(), context_.now);
}

}  // namespace crolang::redis_registry
