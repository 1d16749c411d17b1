#include "net/ice_check/resolve.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include "net/ice_check/socket_address.hpp"

namespace crolang::net {
namespace {

constexpr std::size_t kMostOfAKind = 2;

struct LookUp {
  std::string host;
  std::uint16_t port = 0;

  std::mutex mutex;  // guards what follows
  std::condition_variable ended;
  bool has_ended = false;
  Resolved result;
};

Resolved look_up(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error == EAI_SYSTEM) return {{}, 0, std::generic_category().message(errno)};
  if (error != 0) return {{}, 0, ::gai_strerror(error)};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  std::vector<stun::TransportAddress> ipv4;
  std::vector<stun::TransportAddress> ipv6;
  Resolved result;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    auto address = transport_address(*each->ai_addr);
    if (!address) continue;
    address->port = port;
    auto& kind = client_address::is_ipv4(address->address) ? ipv4 : ipv6;
    if (std::ranges::find(kind, *address) != kind.end()) continue;
    if (kind.size() < kMostOfAKind) {
      kind.push_back(*address);
    } else {
      ++result.left_out;
    }
  }
  result.addresses = std::move(ipv4);
  result.addresses.insert(result.addresses.end(), ipv6.begin(), ipv6.end());
  if (result.addresses.empty()) result.fault = "it has no address";
  return result;
}

void run(LookUp& question) noexcept {
  Resolved result;
  try {
    result = look_up(question.host, question.port);
  } catch (const std::bad_alloc&) {
    result = {};
    result.fault = "no memory";  // short enough to need none
  }
  const std::lock_guard lock(question.mutex);
  question.result = std::move(result);
  question.has_ended = true;
  question.ended.notify_all();
}

}  // namespace

Resolved resolve(const std::string& host, std::uint16_t port, std::chrono::milliseconds timeout) {
  if (const auto address = client_address::parse_address(host)) return {{{*address, port}}, 0, {}};
  const auto question = std::make_shared<LookUp>();
  question->host = host;
  question->port = port;
  try {
    std::thread([question] { run(*question); }).detach();
  } catch (const std::system_error& error) {
    return {{}, 0, std::string("no thread: ") + error.what()};
  }
  std::unique_lock lock(question->mutex);
  if (!question->ended.wait_for(lock, timeout, [&] { return question->has_ended; })) {
    return {{}, 0, "the name servers do not answer"};
  }
  return std::move(question->result);
}

}  // namespace crolang::net
