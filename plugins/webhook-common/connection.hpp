#pragma once
/// One TCP connection to a webhook's server, with or without TLS: opened once, then asked one thing
/// at a time for as long as both sides keep it.
/// Threads: the loop's only. Errors: Owner::on_failure, with words for the log; the constructor and
/// ask throw when there is no memory.

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

#include "webhook-common/certificate_check.hpp"
#include "webhook-common/connector.hpp"

namespace crolang::webhook_common {

class Connection : public std::enable_shared_from_this<Connection>, private Connector::Owner {
 public:
  using Address = AddressPool::Ref;

  struct Answer {
    unsigned status;
    std::string body;
  };

  /// What is still open once a function of the owner has been called: on_answer, maybe; nothing
  /// after on_failure and on_closed. They are called from the loop, which nobody could tell of what
  /// they throw.
  struct Owner {
    virtual ~Owner() = default;
    /// It may be asked now; address() took it.
    virtual void on_open(Connection& connection) noexcept = 0;
    virtual void on_answer(Connection& connection, Answer answer) noexcept = 0;
    /// total: no byte of an answer has come. ours: the server is not to blame.
    enum class Silence { total, broken, ours };
    /// It could not be opened, or broke while it was asked something.
    virtual void on_failure(Connection& connection, std::string_view why,
                            Silence silence) noexcept = 0;
    /// It ended while nothing was asked.
    virtual void on_closed(Connection& connection) noexcept = 0;
    /// This address could not be connected to, or broke off, or was too slow.
    virtual void on_bad_address(const Address& address, std::string_view why) noexcept = 0;
    /// It is opening, and no address is left to try; add_addresses may bring some.
    virtual void on_last_address(Connection& connection) noexcept = 0;
  };

  using TlsContext = std::unique_ptr<boost::asio::ssl::context>;

  /// `tls` is the owner's, and null for plain HTTP; what it is when a handshake begins counts. The
  /// server's certificate must be for `host`.
  Connection(boost::asio::io_context& context, const TlsContext& tls, const std::string& host,
             std::size_t max_reply_bytes, Owner& owner);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// To the first of these addresses that works, within `time`.
  void open(std::vector<Address> addresses, std::chrono::milliseconds time) noexcept;
  /// From on_last_address on: wait that long for further ones.
  void wait_for_addresses(std::chrono::milliseconds time) noexcept {
    connector_.wait_for_more(time);
  }
  /// These may be tried as well, if it is opening.
  void add_addresses(const std::vector<Address>& addresses) noexcept { connector_.add(addresses); }
  void no_more_addresses() noexcept { connector_.no_more(); }

  /// Both must stay until on_answer or on_failure, or until close. Close it if this throws.
  void ask(std::string head, std::string_view body);

  /// The owner hears no more of it.
  void close() noexcept;
  /// Time is up: says which addresses were too slow.
  void blame(std::string_view why) noexcept;
  bool closed() const noexcept { return closed_; }

  /// That it is connected to; null until then.
  const Address& address() const noexcept { return address_; }
  /// It was asked before, so the server may have ended it meanwhile.
  bool used() const noexcept { return used_; }
  /// The server has sent something since its last answer: not to be asked, or that would be taken
  /// for the answer.
  bool has_spoken() const noexcept;
  /// The last answer leaves it fit to be asked again.
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

  /// What throws in the loop fails the connection, and nothing else.
  template <class F>
  void step(F&& function) noexcept;

  void on_connected(Connector::Socket socket, Address address) noexcept override;
  void on_unreachable(const Address& address, std::string_view why) noexcept override;
  void on_last_address() noexcept override;
  void on_unconnected(std::string_view why, Connector::Fault fault) noexcept override;
  void shake_hands();
  void on_handshake_failure(const boost::system::error_code& error);
  void opened() noexcept;
  void expect_answer();
  void complete_status_line();
  /// Until there is something to read, and takes none of it: it may have come before the question.
  void watch();
  void read();
  void on_read(const boost::system::error_code& error, std::size_t size);
  void take_input();
  void finish() noexcept;
  void fail(std::string_view why) noexcept;
  void fail(std::string_view why, Owner::Silence silence) noexcept;

  Connector connector_;
  boost::asio::ip::tcp::socket socket_;
  const TlsContext& tls_context_;
  const std::string host_;
  std::optional<CertificateCheck> check_;
  std::optional<Tls> tls_;
  boost::asio::steady_timer patience_;  // with one TLS handshake
  bool out_of_patience_ = false;
  Address address_;
  const std::size_t max_reply_bytes_;
  Owner& owner_;

  std::chrono::milliseconds time_{};  // to open it

  std::string head_;
  boost::beast::flat_buffer input_;
  std::optional<Parser> parser_;
  bool has_status_line_ = false;  // the beginning of one, up to the reason phrase
  unsigned interim_answers_ = 0;
  bool asking_ = false;
  bool writing_ = false;
  bool heard_ = false;  // a byte of the answer
  bool used_ = false;
  bool reusable_ = true;
  bool closed_ = false;
};

}  // namespace crolang::webhook_common
