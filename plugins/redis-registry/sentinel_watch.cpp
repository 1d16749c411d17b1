#include "redis-registry/sentinel_watch.hpp"

#include <array>
#include <chrono>
#include <utility>
#include <variant>

#include "redis-registry/redis_reply.hpp"
#include "redis-registry/sentinel_answers.hpp"

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBetweenQuestions{1000};
constexpr milliseconds kBetweenLessons{10'000};
constexpr std::size_t kMaxReply = std::size_t{1} << 20;

}  // namespace

SentinelWatch::SentinelWatch(const std::vector<HostPort>& seeds, std::string master, Login login,
                             TlsContext tls, Traffic traffic)
    : given_name_(std::move(master)),
      name_(given_name_),
      inquirer_(seeds, "the Sentinel", kMaxReply, std::move(login), std::move(tls), traffic,
                *this) {}

void SentinelWatch::change_access(Login login, TlsContext tls) {
  inquirer_.change_access(std::move(login), std::move(tls));
}

void SentinelWatch::on_poll(short events, TimePoint now) {
  now_ = now;
  inquirer_.on_poll(events, now);
}

void SentinelWatch::tick(TimePoint now) {
  now_ = now;
  inquirer_.tick(now);
}

std::string SentinelWatch::describe_login_refusal(std::string_view error) {
  return describe_sentinel_refusal(error);
}

void SentinelWatch::on_open(TimePoint now) {
  name_ = given_name_;
  learn_at_ = now;
  if (!name_.empty()) return ask_for_address(now);
  inquirer_.question(std::array<std::string_view, 2>{"SENTINEL", "MASTERS"}, now,
                     [this](const redisReply& reply) {
                       auto name = read_only_master(reply);
                       if (const auto* const fault = std::get_if<SentinelFault>(&name)) {
                         inquirer_.refuse(fault->text);
                       } else {
                         name_ = std::move(std::get<std::string>(name));
                         ask_for_address(now_);
                       }
                     });
}

void SentinelWatch::ask_for_address(TimePoint now) {
  inquirer_.await_answer();
  inquirer_.question(std::array<std::string_view, 3>{"SENTINEL", "GET-MASTER-ADDR-BY-NAME", name_},
                     now, [this, now](const redisReply& reply) { on_address(reply, now); });
}

void SentinelWatch::on_address(const redisReply& reply, TimePoint asked_at) {
  auto address = read_master_address(reply, name_);
  if (const auto* const fault = std::get_if<SentinelFault>(&address)) {
    inquirer_.refuse(fault->text);
    return;
  }
  primary_ = std::move(std::get<HostPort>(address));
  answered_at_ = now_;
  asked_at_ = asked_at;
  inquirer_.note_answer();
  inquirer_.ask_at(now_ + kBetweenQuestions);
  if (now_ >= learn_at_) ask_for_sentinels(now_);
}

void SentinelWatch::ask_for_sentinels(TimePoint now) {
  learn_at_ = now + kBetweenLessons;
  inquirer_.question(std::array<std::string_view, 3>{"SENTINEL", "SENTINELS", name_}, now,
                     [this](const redisReply& reply) {
                       // A user may lack the right, and then there are those of REDIS_URL.
                       const auto others = read_sentinels(reply);
                       if (!others.empty()) inquirer_.renew(others);
                     });
}

}  // namespace crolang::redis_registry
