#pragma once
/// Opens a TCP connection to the first of several addresses that takes it. The next one is tried
/// when one fails, and also when one has not answered for a while; what connects first wins
/// (RFC 8305 5). So an address that is dead costs one such while, not the question's whole time. Of
/// many that do not answer, the one that has had most time makes room for the next.
/// Threads: the loop's only. Errors: Owner::on_unconnected. It is a part of its owner: `keep` holds
/// that for as long as anything is under way.

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

/// As in URLs: 127.0.0.1:80, [::1]:80.
std::string text_of(const AddressPool::Endpoint& endpoint);

class Connector {
 public:
  using Address = AddressPool::Ref;
  using Socket = boost::asio::ip::tcp::socket;

  static constexpr std::size_t kMaxAtOnce = 8;  ///< sockets

  enum class Fault { theirs, ours };  // ours: there is no memory or no file left

  /// Called from the loop, which nobody could tell of what they throw.
  struct Owner {
    virtual ~Owner() = default;
    virtual void on_connected(Socket socket, Address address) noexcept = 0;
    /// It refuses connections, or was slower than one that was tried later.
    virtual void on_unreachable(const Address& address, std::string_view why) noexcept = 0;
    /// No other address is left to try, whatever becomes of those that are being tried.
    virtual void on_last_address() noexcept = 0;
    /// None of them can be reached.
    virtual void on_unconnected(std::string_view why, Fault fault) noexcept = 0;
  };

  Connector(boost::asio::io_context& context, Owner& owner);

  /// `delay`: before the next address is tried beside one that has not answered.
  void start(std::vector<Address> addresses, std::chrono::milliseconds delay,
             std::shared_ptr<void> keep) noexcept;
  /// Those of them that are new are tried as well. Nothing once it has ended.
  void add(const std::vector<Address>& addresses) noexcept;
  /// From on_last_address on: when all have failed, waits that long for further ones.
  void wait_for_more(std::chrono::milliseconds time) noexcept { wait_for_more_ = time; }
  /// There will be no more.
  void no_more() noexcept;

  /// The one that connected was no good. False: there is no other that was not tried.
  bool go_on(std::shared_ptr<void> keep) noexcept;
  bool has_more() const noexcept { return next_ < addresses_.size(); }
  std::size_t size() const noexcept { return addresses_.size(); }

  /// Those that have neither connected nor failed are unreachable.
  void blame(std::string_view why) noexcept;
  /// Ends, without a word.
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
  bool said_last_ = false;
  bool waiting_ = false;  // for more
  std::string why_;       // of the last one that failed
  Fault fault_ = Fault::theirs;
};

}  // namespace crolang::webhook_common
