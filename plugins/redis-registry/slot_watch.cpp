#include "redis-registry/slot_watch.hpp"

#include <array>
#include <chrono>
#include <utility>

#include "redis-registry/redis_reply.hpp"
#include "redis-registry/refusal.hpp"

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBetweenQuestions{1000};
constexpr milliseconds kShortest{100};
// Slots may be assigned one by one.
constexpr std::size_t kMaxReply = std::size_t{16} << 20;

std::string describe(std::string_view error) {
  if (error.starts_with("NOPERM")) {
    return "denies a right (NOPERM): give the user of REDIS_URL +cluster|slots";
  }
  if (error.starts_with("ERR This instance has cluster support disabled")) {
    return "is not in cluster mode, although others of REDIS_URL are";
  }
  return "answers CLUSTER SLOTS with " + std::string(error.substr(0, 120));
}

}  // namespace

SlotWatch::SlotWatch(const std::vector<HostPort>& seeds, Login login, TlsContext tls,
                     Traffic traffic)
    : inquirer_(seeds, "the node", kMaxReply, std::move(login), std::move(tls), traffic, *this) {}

void SlotWatch::change_access(Login login, TlsContext tls) {
  inquirer_.change_access(std::move(login), std::move(tls));
}

std::string SlotWatch::describe_login_refusal(std::string_view error) {
  return "refuses the login: " + describe_refusal("AUTH", error);
}

void SlotWatch::on_poll(short events, TimePoint now) {
  now_ = now;
  inquirer_.on_poll(events, now);
}

void SlotWatch::tick(TimePoint now) {
  now_ = now;
  if (next_) {
    const bool needs_another =
        std::exchange(needs_another_, false) && now - turned_at_ >= kBetweenQuestions;
    if (is_outdated_ && now - last_question_ >= kShortest) {
      // It may not know yet, or be partitioned from the others.
      if (std::exchange(explains_nothing_, false) || needs_another) {
        turn(now);
      } else {
        inquirer_.ask_at(now);
      }
    } else if (needs_another) {
      turn(now);
    }
  }
  inquirer_.tick(now);
}

void SlotWatch::turn(TimePoint now) {
  next_.reset();
  turned_at_ = now;
  inquirer_.turn_to_next(now);
}

void SlotWatch::ask(TimePoint now) {
  inquirer_.await_answer();
  next_.reset();
  last_question_ = now;
  const bool was_outdated = std::exchange(is_outdated_, false);
  inquirer_.question(std::array<std::string_view, 2>{"CLUSTER", "SLOTS"}, now,
                     [this, was_outdated, now](const redisReply& reply) {
                       const std::uint64_t before = number_;
                       on_slots(reply, now);
                       explains_nothing_ = was_outdated && number_ == before;
                     });
}

void SlotWatch::on_slots(const redisReply& reply, TimePoint asked_at) {
  if (is_error(reply)) {
    inquirer_.refuse(describe(text_of(reply)));
    return;
  }
  auto slots = SlotMap::read(reply, inquirer_.host());
  if (!slots) {
    inquirer_.refuse("does not say who serves which slots: is it a node of a cluster?");
    return;
  }
  asked_ = inquirer_.host();
  asked_address_ = inquirer_.address();
  asked_at_ = asked_at;
  inquirer_.note_answer();
  next_ = now_ + kBetweenQuestions;
  inquirer_.ask_at(*next_);
  if (slots_ != nullptr && *slots_ == *slots) return;
  inquirer_.renew(slots->masters());
  slots_ = std::make_shared<const SlotMap>(std::move(*slots));
  ++number_;
}

}  // namespace crolang::redis_registry
