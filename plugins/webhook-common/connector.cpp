#include "webhook-common/connector.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <utility>

namespace crolang::webhook_common {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

/// Errors caused by a shortage on this machine are not the fault of the address. A lack of IPv6
/// does not count as such: then other addresses should be tried.
bool is_local(const error_code& error) {
  return error == asio::error::no_descriptors || error == asio::error::no_memory ||
         error == asio::error::no_buffer_space ||
         error == boost::system::errc::too_many_files_open_in_system;
}

}  // namespace

std::string text_of(const AddressPool::Endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const bool v6 = endpoint.address().is_v6();
  return (v6 ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port());
}

Connector::Connector(asio::io_context& context, Owner& owner)
    : context_(context), owner_(owner), timer_(context) {}

void Connector::start(std::vector<Address> addresses, std::chrono::milliseconds delay,
                      std::shared_ptr<void> keep) noexcept {
  addresses_ = std::move(addresses);
  delay_ = delay;
  keep_ = std::move(keep);
  guarded([this] { try_next(); });
}

template <class F>
void Connector::guarded(F&& function) noexcept {
  try {
    function();
  } catch (const std::bad_alloc&) {
    end("out of memory", Fault::local);
  } catch (const std::exception& error) {
    end(error.what(), Fault::local);
  }
}

void Connector::try_next() {
  waiting_ = false;
  if (attempts_.size() == kMaxAtOnce) give_up_oldest();
  const auto attempt = std::make_shared<Attempt>(context_, addresses_[next_]);
  attempts_.push_back(attempt);
  ++next_;
  attempt->socket.async_connect(
      attempt->address->endpoint(), [this, keep = keep_, attempt](const error_code& error) {
        const auto own = std::find(attempts_.begin(), attempts_.end(), attempt);
        // Otherwise it was abandoned.
        if (keep_ && own != attempts_.end()) on_connect(*attempt, error);
      });
  arm(delay_);
}

void Connector::give_up_oldest() noexcept {
  const auto oldest = attempts_.front();
  attempts_.erase(attempts_.begin());
  error_code ignored;
  oldest->socket.close(ignored);
  owner_.on_unreachable(oldest->address, "no connection in time");
}

void Connector::arm(std::chrono::milliseconds time) {
  timer_.expires_after(time);
  timer_.async_wait([this, keep = keep_](const error_code& error) {
    if (!error && keep_) on_timer();
  });
}

void Connector::on_timer() noexcept {
  if (has_more()) return guarded([this] { try_next(); });
  if (attempts_.empty()) return end(why_, fault_);
  if (!std::exchange(reported_last_, true)) owner_.on_last_address();
}

void Connector::on_connect(Attempt& attempt, const error_code& error) noexcept {
  const auto own = std::find_if(attempts_.begin(), attempts_.end(),
                                [&](const auto& each) { return each.get() == &attempt; });
  const auto kept = *own;
  if (!error) {
    // Those before it had a head start, so they are slower; those after it may be tried again.
    for (auto each = attempts_.begin(); each != own; ++each) {
      owner_.on_unreachable((*each)->address, "slower than another address");
    }
    const auto place = std::find(addresses_.begin(), addresses_.end(), kept->address);
    next_ = static_cast<std::size_t>(place - addresses_.begin()) + 1;
    attempts_.erase(own);
    stop();
    return owner_.on_connected(std::move(kept->socket), kept->address);
  }
  attempts_.erase(own);
  guarded([&] {
    fault_ = is_local(error) ? Fault::local : Fault::remote;
    why_ = "cannot connect to " + text_of(kept->address->endpoint()) + ": " + error.message();
    if (fault_ == Fault::remote) owner_.on_unreachable(kept->address, why_);
    if (!keep_) return;
    if (has_more()) return try_next();
    if (attempts_.empty()) on_none_left();
  });
}

void Connector::on_none_left() noexcept {
  if (!std::exchange(reported_last_, true)) owner_.on_last_address();
  if (!keep_ || has_more()) return;
  if (wait_for_more_.count() == 0) return end(why_, fault_);
  waiting_ = true;
  guarded([this] { arm(wait_for_more_); });
}

void Connector::add(const std::vector<Address>& addresses) noexcept {
  if (!keep_) return;
  wait_for_more_ = {};
  guarded([&] {
    for (const Address& each : addresses) {
      if (std::find(addresses_.begin(), addresses_.end(), each) == addresses_.end())
        addresses_.push_back(each);
    }
    // Otherwise the timer or a failure starts the next attempt.
    if (has_more() && (waiting_ || reported_last_)) try_next();
  });
  stop_waiting_for_addresses();
}

void Connector::stop_waiting_for_addresses() noexcept {
  wait_for_more_ = {};
  if (keep_ && waiting_) end(why_, fault_);
}

bool Connector::go_on(std::shared_ptr<void> keep) noexcept {
  if (!has_more()) return false;
  keep_ = std::move(keep);
  guarded([this] { try_next(); });
  return true;
}

void Connector::report_slow(std::string_view why) noexcept {
  for (const auto& each : attempts_) owner_.on_unreachable(each->address, why);
}

void Connector::stop() noexcept {
  timer_.cancel();
  for (const auto& each : attempts_) {
    error_code ignored;
    each->socket.close(ignored);
  }
  attempts_.clear();
  keep_ = nullptr;
}

void Connector::end(std::string_view why, Fault fault) noexcept {
  const std::string_view words = why;
  const auto kept = std::move(keep_);  // keeps this object alive until the end of the function
  stop();
  owner_.on_unconnected(words, fault);
}

}  // namespace crolang::webhook_common
