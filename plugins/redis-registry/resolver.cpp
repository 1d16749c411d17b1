#include "redis-registry/resolver.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <memory>
#include <new>
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
  const auto question = std::make_shared<Question>();
  const auto tell = [](Question& asked, Answer answer) {
    asked.answer = std::move(answer);
    asked.answered.store(true, std::memory_order_release);
  };
  if (Answer numeric = look_up(host, AI_NUMERICHOST); numeric.fault.empty()) {
    tell(*question, std::move(numeric));
  } else {
    try {
      std::thread([question, host, tell]() noexcept {
        try {
          tell(*question, look_up(host, 0));
        } catch (const std::bad_alloc&) {
          tell(*question, {{}, "no memory left"});  // short enough to need none
        }
      }).detach();
    } catch (const std::system_error& error) {
      tell(*question, {{}, "cannot resolve " + host + ": " + error.what()});
    }
  }
  // Only now: what throws has not been asked, and is asked again.
  question_ = question;
}

bool Resolver::has_answer() const {
  return question_ != nullptr && question_->answered.load(std::memory_order_acquire);
}

Resolver::Answer Resolver::take_answer() {
  return std::exchange(question_, nullptr)->answer;
}

}  // namespace crolang::redis_registry
