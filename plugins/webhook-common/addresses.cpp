#include "webhook-common/addresses.hpp"

#include <netdb.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace crolang::webhook_common {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kBetweenTries{50};

/// False: there was no memory for it.
template <class F>
bool is_done(F&& function) noexcept {
  try {
    function();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

}  // namespace

struct Addresses::Found {
  std::vector<AddressPool::Endpoint> list;
  std::string error;

  void look_up(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int result = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
    if (result == EAI_SYSTEM) {
      error = std::generic_category().message(errno);
    } else if (result != 0) {
      error = ::gai_strerror(result);
    }
    if (result != 0) return;
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
      AddressPool::Endpoint endpoint;
      if (each->ai_addrlen > endpoint.capacity()) continue;
      std::memcpy(endpoint.data(), each->ai_addr, each->ai_addrlen);
      endpoint.port(port);
      list.push_back(endpoint);
    }
    if (list.empty()) error = "it has no address";
  }
};

Addresses::Addresses(std::shared_ptr<asio::io_context> context, const std::string& host,
                     std::uint16_t port, std::function<void(const std::string&)> looked_up)
    : context_(std::move(context)), host_(host), port_(port), looked_up_(std::move(looked_up)) {
  boost::system::error_code is_name;
  const auto address = asio::ip::make_address(host, is_name);
  if (is_name) return;
  fixed_ = true;
  pool_.replace({{address, port}});
}

AddressPool::TimePoint Addresses::due() const noexcept {
  return fixed_ ? AddressPool::TimePoint::max() : pool_.look_up_due();
}

void Addresses::look_up() {
  if (fixed_ || waiting_) return;
  // Else one that has no thread would be due again at once.
  pool_.put_off_look_up(Clock::now());
  auto waiting = std::make_shared<Found>();
  // Detached, since getaddrinfo cannot be interrupted: it may outlive this object, and then finds
  // that nobody waits. What it finds becomes the loop's with the post.
  std::thread([this, context = context_, asked = std::weak_ptr(waiting),
               found = std::make_shared<Found>(), host = host_, port = port_]() noexcept {
    try {
      found->look_up(host, port);
    } catch (const std::bad_alloc&) {
      found->list.clear();
      found->error = "no memory";  // short enough to need none
    }
    const auto tell = [&] {
      asio::post(*context, [this, asked, found] {
        if (!asked.expired()) finish(*found);
      });
    };
    // Who waits for it would wait for ever.
    while (!is_done(tell)) std::this_thread::sleep_for(kBetweenTries);
  }).detach();
  // Only now: without a thread nobody waits.
  waiting_ = std::move(waiting);
  pool_.look_up_began();
  ++number_;
}

void Addresses::finish(Found& found) noexcept {
  waiting_ = nullptr;
  const auto replace = [&] {
    if (!found.list.empty()) pool_.replace(found.list);
  };
  if (!is_done(replace)) found.error = "no memory";
  pool_.look_up_ended(Clock::now());
  looked_up_(found.error);
}

}  // namespace crolang::webhook_common
