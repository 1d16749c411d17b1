#include "webhook-common/addresses.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <new>
#include <thread>
#include <utility>
#include <vector>

namespace crolang::webhook_common {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kBetweenTries{50};

/// False: there was no memory.
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
  if (fixed_ || resolver_.is_asking()) return;
  // Otherwise a lookup that fails for lack of a thread would be due again at once.
  pool_.put_off_look_up(Clock::now());
  resolver_.ask(host_, [this, context = context_, alive = std::weak_ptr(alive_)] {
    const auto tell = [&] {
      asio::post(*context, [this, alive] {
        if (!alive.expired()) finish();
      });
    };
    // If this post were lost, the owner would wait for ever.
    while (!is_done(tell)) std::this_thread::sleep_for(kBetweenTries);
  });
  pool_.look_up_began();
  ++number_;
}

void Addresses::finish() noexcept {
  common::Resolver::Answer answer = resolver_.take_answer();
  const auto replace = [&] {
    std::vector<AddressPool::Endpoint> found;
    for (const std::string& digits : answer.addresses) {
      boost::system::error_code unknown;
      const auto address = asio::ip::make_address(digits, unknown);
      if (!unknown) found.emplace_back(address, port_);
    }
    if (!found.empty()) pool_.replace(found);
  };
  if (!is_done(replace)) answer.fault = "no memory";  // short enough to need none
  pool_.look_up_ended(Clock::now());
  looked_up_(answer.fault);
}

}  // namespace crolang::webhook_common
