#pragma once
/// One TCP connection to a webhook's server, with or without TLS: opened once, then used for one
/// request at a time for as long as both sides keep it open.
/// Threads: the loop's only. Errors: Owner::on_failure, with a text for the log; the constructor
/// and ask throw if there is no memory.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/certificate_check.hpp"
#include "webhook-common/connector.hpp"
#include "webhook-common/tls_context.hpp"

namespace crolang::webhook_common {

class Connection : public std::enable_shared_from_this<Connection>, private Connector::Owner {
 public:
  using Address = AddressPool::Ref;

  struct Answer {
    unsigned status;
    std::string body;
  };

  /// Its functions are called from the loop and must not throw. After on_answer the connection may
  /// be used again if it is reusable; after on_failure and on_closed it is closed.
  struct Owner {
    virtual ~Owner() = default;
    /// It can be used now, and address() is set.
    virtual void on_open(Connection& connection) noexcept = 0;
    virtual void on_answer(Connection& connection, Answer answer) noexcept = 0;
    /// total: no byte of the answer arrived. incomplete: the answer is incomplete or malformed.
    /// local_fault: the fault is on this machine.
    enum class NoAnswer { total, incomplete, local_fault };
    /// It could not be opened, or failed during a request.
    virtual void on_failure(Connection& connection, std::string_view why,
                            NoAnswer kind) noexcept = 0;
    /// It closed while idle.
    virtual void on_closed(Connection& connection) noexcept = 0;
    /// This address refused the connection, closed it early or was too slow.
    virtual void on_bad_address(const Address& address, std::string_view why) noexcept = 0;
    /// It is opening, and no address is left to try; add_addresses may add some.
    virtual void on_last_address(Connection& connection) noexcept = 0;
  };

  /// `tls` belongs to the owner, and is null for plain HTTP; its value at the start of a handshake
  /// is used. The server's certificate must be for `host`.
  Connection(boost::asio::io_context& context, const TlsContext& tls, const std::string& host,
             std::size_t max_reply_bytes, Owner& owner);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Connects to the first of these addresses that works, within `time`.
  void open(std::vector<Address> addresses, std::chrono::milliseconds time) noexcept;
  /// After on_last_address: waits that long for further addresses.
  void wait_for_addresses(std::chrono::milliseconds time) noexcept {
    connector_.wait_for_more(time);
  }
  /// Adds addresses to try, if it is opening.
  void add_addresses(const std::vector<Address>& addresses) noexcept { connector_.add(addresses); }

  /// `body` must stay in place until on_answer, on_failure or close. Close it if this throws.
  void ask(std::string head, std::string_view body);

  /// After this no function of the owner is called.
  void close() noexcept;
  /// The request's time is up: reports the addresses that were too slow.
  void report_slow(std::string_view why) noexcept;
  bool closed() const noexcept { return closed_; }

  /// The address it is connected to; null before that.
  const Address& address() const noexcept { return address_; }
  /// It was used before, so the server may have closed it meanwhile.
  bool used() const noexcept { return used_; }
  /// The server has sent data since its last answer. Then it must not be used, since that data
  /// would be taken for the answer.
  bool has_unasked_input() const noexcept;
  /// The last answer permits another request.
  bool reusable() const noexcept { return !closed_ && !asking_ && reusable_; }

 private:
  using Parser = boost::beast::http::response_parser<boost::beast::http::string_body>;
  using Tls = boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>;

  template <class F>
  void with_stream(F&& function) {
    if (tls_) {
      function(*tls_);
    } else {
      function(socket_);
    }
  }

  /// Runs a step of the loop; an exception fails this connection only.
  template <class F>
  void step(F&& function) noexcept;

  void on_connected(Connector::Socket socket, Address address) noexcept override;
  void on_unreachable(const Address& address, std::string_view why) noexcept override;
  void on_last_address() noexcept override;
  void on_unconnected(std::string_view why, Connector::Fault fault) noexcept override;
  void start_handshake();
  void on_handshake_failure(const boost::system::error_code& error);
  void opened() noexcept;
  void expect_answer();
  void complete_status_line();
  /// Waits until there is data to read, without reading it, since it may have been sent before the
  /// request.
  void watch();
  void read();
  void on_read(const boost::system::error_code& error, std::size_t size);
  void take_input();
  void finish() noexcept;
  void fail(std::string_view why) noexcept;
  void fail(std::string_view why, Owner::NoAnswer kind) noexcept;

  Connector connector_;
  boost::asio::ip::tcp::socket socket_;
  const TlsContext& tls_context_;
  const std::string host_;
  std::optional<common::CertificateCheck> check_;
  std::optional<Tls> tls_;
  boost::asio::steady_timer handshake_timer_;  // for one TLS handshake
  bool handshake_timed_out_ = false;
  Address address_;
  const std::size_t max_reply_bytes_;
  Owner& owner_;

  std::chrono::milliseconds time_{};  // to open it

  std::string head_;
  boost::beast::flat_buffer input_;
  std::optional<Parser> parser_;
  bool has_status_line_ = false;  // at least its beginning, up to the reason phrase
  unsigned interim_answers_ = 0;
  bool asking_ = false;
  bool writing_ = false;
  bool answer_began_ = false;  // a byte of the answer has arrived
  bool used_ = false;
  bool reusable_ = true;
  bool closed_ = false;
};

}  // namespace crolang::webhook_common
