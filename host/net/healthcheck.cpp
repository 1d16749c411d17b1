#include "net/healthcheck.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <optional>

namespace crolang::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

constexpr std::uint64_t kLongestAnswer = 16 * 1024;

/// One request, each step of which starts the next.
class Question {
 public:
  Question(const asio::ip::tcp::endpoint& broker, std::chrono::milliseconds patience)
      : stream_(io_) {
    request_.method(http::verb::get);
    request_.target("/healthz");
    request_.set(http::field::host, "localhost");
    request_.keep_alive(false);
    answer_.body_limit(kLongestAnswer);
    stream_.expires_after(patience);
    stream_.async_connect(broker, [this](error_code error) {
      if (!failed(error)) send();
    });
    io_.run();
  }

  const error_code& error() const { return error_; }
  http::status status() const { return answer_.get().result(); }
  const std::string& body() const { return answer_.get().body(); }

 private:
  bool failed(error_code error) {
    error_ = error;
    return error.failed();
  }
  void send() {
    http::async_write(stream_, request_, [this](error_code error, std::size_t) {
      if (!failed(error)) receive();
    });
  }
  void receive() {
    http::async_read(stream_, buffer_, answer_,
                     [this](error_code error, std::size_t) { failed(error); });
  }

  asio::io_context io_;
  beast::tcp_stream stream_;
  http::request<http::empty_body> request_;
  http::response_parser<http::string_body> answer_;
  beast::flat_buffer buffer_;
  error_code error_;
};

}  // namespace

Health ask_health(const std::string& bind_address, std::uint16_t port,
                  std::chrono::milliseconds patience) {
  asio::ip::address address = asio::ip::address_v4::loopback();
  if (!bind_address.empty()) {
    error_code error;
    const auto bound = asio::ip::make_address(bind_address, error);
    if (error) return {Health::State::unwell, "BIND_ADDRESS: " + error.message()};
    // Every address, of IPv4 too.
    if (!bound.is_unspecified()) address = bound;
  }
  const asio::ip::tcp::endpoint broker(address, port);
  const Question question(broker, patience);
  const auto from = [&] {
    return "from " + (address.is_v6() ? "[" + address.to_string() + "]" : address.to_string()) +
           ":" + std::to_string(port);
  };
  if (question.error()) {
    return {Health::State::unwell, "no answer " + from() + ": " + question.error().message()};
  }
  if (question.status() != http::status::ok) {
    return {Health::State::unwell,
            "status " + std::to_string(static_cast<unsigned>(question.status())) + " " + from()};
  }
  return {Health::State::well, question.body()};
}

}  // namespace crolang::net
