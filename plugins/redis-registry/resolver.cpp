#include "redis-registry/resolver.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <memory>

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

void Resolver::ask(const std::string& host) {
  if (Answer numeric = look_up(host, AI_NUMERICHOST); numeric.fault.empty()) {
    std::promise<Answer> known;
    known.set_value(std::move(numeric));
    answer_ = known.get_future();
    return;
  }
  answer_ = std::async(std::launch::async, look_up, host, 0);
}

bool Resolver::has_answer() const {
  return answer_.valid() && answer_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

}  // namespace crolang::redis_registry
