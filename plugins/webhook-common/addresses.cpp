#include "webhook-common/addresses.hpp"

#include <netdb.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <memory>
#include <new>
#include <thread>
#include <utility>

namespace crolang::webhook_common {
namespace {

namespace asio = boost::asio;

// Addresses move rarely, while a server that closes after each answer is connected to for each.
constexpr std::chrono::seconds kFresh{5};
constexpr std::chrono::milliseconds kBetweenTries{50};

Addresses::List look_up(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  Addresses::List list;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return list;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    Addresses::Endpoint endpoint;
    if (each->ai_addrlen > endpoint.capacity()) continue;
    std::memcpy(endpoint.data(), each->ai_addr, each->ai_addrlen);
    endpoint.port(port);
    list.push_back(endpoint);
  }
  return list;
}

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

Addresses::Addresses(std::shared_ptr<asio::io_context> context, const std::string& host,
                     std::uint16_t port)
    : context_(std::move(context)), host_(host), port_(port) {
  boost::system::error_code is_name;
  const auto address = asio::ip::make_address(host, is_name);
  if (is_name) return;
  fixed_ = true;
  list_.emplace_back(address, port);
}

void Addresses::find(std::function<void(const List&)> found) {
  if (fixed_ || (!list_.empty() && std::chrono::steady_clock::now() < found_at_ + kFresh)) {
    found(list_);
    return;
  }
  if (!waiting_) start_look_up();
  waiting_->found.push_back(std::move(found));
}

void Addresses::start_look_up() {
  auto waiting = std::make_shared<Waiting>();
  // Detached, since getaddrinfo cannot be interrupted: it may outlive this object, and then finds
  // that its `waiting` has expired.
  std::thread([this, context = context_, asked = std::weak_ptr(waiting),
               found = std::make_shared<List>(), host = host_, port = port_]() noexcept {
    try {
      *found = look_up(host, port);
    } catch (const std::bad_alloc&) {
      // Without memory nothing is known.
    }
    const auto tell = [&] {
      asio::post(*context, [this, asked, found] {
        if (const auto still = asked.lock()) finish_look_up(std::move(*found));
      });
    };
    // Who waits for it would wait for ever.
    while (!is_done(tell)) std::this_thread::sleep_for(kBetweenTries);
  }).detach();
  // Only now: without a thread nobody waits, and the next find tries again.
  waiting_ = std::move(waiting);
}

void Addresses::finish_look_up(List found) noexcept {
  list_ = std::move(found);
  found_at_ = std::chrono::steady_clock::now();
  const auto waiting = std::exchange(waiting_, nullptr);
  for (const auto& each : waiting->found) each(list_);
}

void Addresses::prefer(const Endpoint& address) {
  const auto found = std::find(list_.begin(), list_.end(), address);
  if (found != list_.end()) std::rotate(list_.begin(), found, found + 1);
}

void Addresses::forget() {
  if (!fixed_) list_.clear();
}

}  // namespace crolang::webhook_common
