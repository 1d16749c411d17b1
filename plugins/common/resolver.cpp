#include "common/resolver.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

namespace crolang::common {
namespace {

bool is_address(const std::string& host) {
  in6_addr any{};  // large enough for both
  return ::inet_pton(AF_INET, host.c_str(), &any) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &any) == 1;
}

Resolver::Answer look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error == EAI_SYSTEM) return {{}, std::generic_category().message(errno)};
  if (error != 0) return {{}, ::gai_strerror(error)};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  Resolver::Answer answer;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    std::array<char, NI_MAXHOST> digits{};
    if (::getnameinfo(each->ai_addr, each->ai_addrlen, digits.data(), digits.size(), nullptr, 0,
                      NI_NUMERICHOST) == 0) {
      answer.addresses.emplace_back(digits.data());
    }
  }
  if (answer.addresses.empty()) answer.fault = "it has no address";
  return answer;
}

}  // namespace

struct Resolver::Question {
  std::string host;
  std::function<void()> on_answer;
  Answer answer;  // immutable once answered
  std::atomic<bool> answered = false;

  void tell() noexcept {
    answered.store(true, std::memory_order_release);
    if (on_answer) on_answer();
  }
};

void Resolver::ask(const std::string& host, std::function<void()> on_answer) {
  assert(!is_asking());
  const auto question = std::make_shared<Question>();
  question->host = host;
  question->on_answer = std::move(on_answer);
  if (is_address(host)) {
    question->answer.addresses.push_back(host);
    question_ = question;
    question->tell();
    return;
  }
  // Detached, since the thread may outlive this object.
  std::thread([question]() noexcept {
    try {
      question->answer = look_up(question->host);
    } catch (const std::bad_alloc&) {
      question->answer.addresses.clear();
      question->answer.fault = "no memory";  // short enough to need none
    }
    question->tell();
  }).detach();
  // Set last: if the thread could not be created, nothing was asked.
  question_ = question;
}

bool Resolver::has_answer() const noexcept {
  return question_ != nullptr && question_->answered.load(std::memory_order_acquire);
}

Resolver::Answer Resolver::take_answer() {
  assert(has_answer());
  return std::move(std::exchange(question_, nullptr)->answer);
}

}  // namespace crolang::common
