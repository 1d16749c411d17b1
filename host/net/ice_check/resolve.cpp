#include "net/ice_check/resolve.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include "net/descriptor.hpp"
#include "net/ice_check/socket_address.hpp"

namespace crolang::net {
namespace {

// Nodes take any of them.
constexpr std::size_t kMostOfAKind = 16;

struct LookUp {
  std::string host;
  /// Readable as soon as it has ended.
  Descriptor ended{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};

  std::mutex mutex;  // guards result
  Resolved result;
};

Resolved look_up(const std::string& host) {
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
    address->port = 0;
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
    result = look_up(question.host);
  } catch (const std::bad_alloc&) {
    result = {};
    result.fault = "no memory";  // short enough to need none
  }
  {
    const std::lock_guard lock(question.mutex);
    question.result = std::move(result);
  }
  ::eventfd_write(question.ended.get(), 1);
}

enum class Waited : std::uint8_t { ended, time_is_over, stopped };

Waited wait_for(const LookUp& question, std::chrono::steady_clock::time_point until, int stop) {
  // poll skips a negative descriptor.
  std::array<pollfd, 2> waiting{{{question.ended.get(), POLLIN, 0}, {stop, POLLIN, 0}}};
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    const int wait = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
    const int ready = ::poll(waiting.data(), waiting.size(), wait);
    if (ready > 0) return waiting[0].revents != 0 ? Waited::ended : Waited::stopped;
    if (ready == 0 && left.count() <= 0) return Waited::time_is_over;
  }
}

}  // namespace

Resolved resolve(const std::string& host, std::chrono::steady_clock::time_point until, int stop) {
  if (const auto address = client_address::parse_address(host)) return {{{*address, 0}}, 0, {}};
  const auto question = std::make_shared<LookUp>();
  question->host = host;
  if (question->ended.get() < 0) return {{}, 0, std::generic_category().message(errno)};
  try {
    std::thread([question] { run(*question); }).detach();
  } catch (const std::system_error& error) {
    return {{}, 0, std::string("no thread: ") + error.what()};
  }
  switch (wait_for(*question, until, stop)) {
    case Waited::ended:
      break;
    case Waited::time_is_over:
      return {{}, 0, "the name servers do not answer"};
    case Waited::stopped:
      return {{}, 0, "stopped"};
  }
  const std::lock_guard lock(question->mutex);
  return std::move(question->result);
}

}  // namespace crolang::net
