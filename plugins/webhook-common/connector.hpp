#pragma once
/// Opens a TCP connection to the first of several addresses that accepts it. The next one is tried
/// when one fails, and also when one has not answered for a delay; the first to connect wins (RFC
/// 8305 5). So a dead address costs one such delay, not the whole timeout. If kMaxAtOnce attempts
/// are pending, the oldest is abandoned for the next.
/// Threads: the loop's only. Errors: Owner::on_unconnected. It is a member of its owner: `keep`
/// keeps the owner alive while attempts are pending.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "webhook-common/address_pool.hpp"

namespace crolang::webhook_common {

/// In the form of URLs: 127.0.0.1:80, [::1]:80.
std::string text_of(const AddressPool::Endpoint& endpoint);

class Connector {
 public:
  using Address = AddressPool::Ref;
  using Socket = boost::asio::ip::tcp::socket;

  static constexpr std::size_t kMaxAtOnce = 8;  ///< sockets

  enum class Fault { remote, local };  // local: no memory or no descriptor is left

  /// Its functions are called from the loop and must not throw.
  struct Owner {
    virtual ~Owner() = default;
    virtual void on_connected(Socket socket, Address address) noexcept = 0;
    /// It refuses connections, or was slower than one that was tried later.
    virtual void on_unreachable(const Address& address, std::string_view why) noexcept = 0;
    /// No other address is left to try; attempts may still be pending.
    virtual void on_last_address() noexcept = 0;
    /// None of the addresses can be reached.
    virtual void on_unconnected(std::string_view why, Fault fault) noexcept = 0;
  };

  Connector(boost::asio::io_context& context, Owner& owner);

  /// `delay`: before the next address is tried in parallel to one that has not answered.
  void start(std::vector<Address> addresses, std::chrono::milliseconds delay,
             std::shared_ptr<void> keep) noexcept;
  /// Adds addresses to try, ignoring known ones. Does nothing after the end.
  void add(const std::vector<Address>& addresses) noexcept;
  /// After on_last_address: when all have failed, waits that long for further addresses.
  void wait_for_more(std::chrono::milliseconds time) noexcept { wait_for_more_ = time; }

  /// The connected address is unusable: tries the next. False: all have been tried.
  bool go_on(std::shared_ptr<void> keep) noexcept;
  bool has_more() const noexcept { return next_ < addresses_.size(); }
  std::size_t size() const noexcept { return addresses_.size(); }

  /// Reports the addresses that have neither connected nor failed as unreachable.
  void report_slow(std::string_view why) noexcept;
  /// Ends without calling the owner.
  void stop() noexcept;

 private:
  struct Attempt {
    Attempt(boost::asio::io_context& context, Address to)
        : socket(context), address(std::move(to)) {}
    Socket socket;
    Address address;
  };

  template <class F>
  void guarded(F&& function) noexcept;
  void try_next();
  void give_up_oldest() noexcept;
  void arm(std::chrono::milliseconds time);
  void on_timer() noexcept;
  void on_connect(Attempt& attempt, const boost::system::error_code& error) noexcept;
  void on_none_left() noexcept;
  /// Ends if all addresses have failed, since none will be added.
  void stop_waiting_for_addresses() noexcept;
  void end(std::string_view why, Fault fault) noexcept;

  boost::asio::io_context& context_;
  Owner& owner_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<void> keep_;  // null: it has not started, or has ended
  std::chrono::milliseconds delay_{};
  std::chrono::milliseconds wait_for_more_{};
  std::vector<Address> addresses_;
  std::size_t next_ = 0;
  // In the order of their beginning. Shared with their handlers.
  std::vector<std::shared_ptr<Attempt>> attempts_;
  bool reported_last_ = false;  // on_last_address was called
  bool waiting_ = false;        // for more addresses
  std::string why_;             // of the last failure
  Fault fault_ = Fault::remote;
};

}  // namespace crolang::webhook_common
