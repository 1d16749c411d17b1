#include "redis-registry/resolver.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

namespace crolang::redis_registry {
namespace {

Resolver::Answer look_up(const std::string& host, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    return {{}, "cannot resolve " + host + ": " + ::gai_strerror(error)};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  Resolver::Answer answer;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(each->ai_addr, each->ai_addrlen, text.data(), text.size(), nullptr, 0,
                      NI_NUMERICHOST) == 0) {
      answer.addresses.emplace_back(text.data());
    }
  }
  if (answer.addresses.empty()) answer.fault = host + " has no address";
  return answer;
}

}  // namespace

struct Resolver::Question {
  std::atomic<bool> answered = false;
  Answer answer;  // constant once answered
};

void Resolver::ask(const std::string& host) {
  question_ = std::make_shared<Question>();
  const auto tell = [](Question& question, Answer answer) {
    question.answer = std::move(answer);
    question.answered.store(true, std::memory_order_release);
  };
  if (Answer numeric = look_up(host, AI_NUMERICHOST); numeric.fault.empty()) {
    tell(*question_, std::move(numeric));
    return;
  }
  try {
    std::thread([question = question_, host, tell] { tell(*question, look_up(host, 0)); }).detach();
  } catch (const std::system_error& error) {
    tell(*question_, {{}, "cannot resolve " + host + ": " + error.what()});
  }
}

bool Resolver::has_answer() const {
  return question_ != nullptr && question_->answered.load(std::memory_order_acquire);
}

Resolver::Answer Resolver::take_answer() {
  return std::exchange(question_, nullptr)->answer;
}

}  // namespace crolang::redis_registry
