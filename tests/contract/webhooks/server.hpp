#pragma once
/// A web server that does as it is told, also what no web server should do: plain sockets, one
/// thread for each connection, every request written down. Threads: any. Errors: std::runtime_error
/// when there is no port.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using SSL = struct ssl_st;
using SSL_CTX = struct ssl_ctx_st;

namespace crolang::webhooks {

struct Request {
  std::string line;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

class Server;

/// One connection, from the server's side.
class Peer {
 public:
  Peer(Server& server, int socket, SSL* tls) : server_(server), socket_(socket), tls_(tls) {}

  /// False: the other side has gone.
  bool write(std::string_view bytes);
  /// One byte after the other, with a pause after each, until the other side has gone.
  void drip(std::string_view bytes);
  /// Until the other side has gone, or the server ends.
  void wait_until_gone();
  /// The next close of this connection is a reset.
  void reset_on_close();
  std::optional<Request> read_request();
  /// Requests that have come over this connection.
  std::size_t requests() const noexcept { return requests_; }

 private:
  int read(char* to, std::size_t size);

  Server& server_;
  int socket_;
  SSL* tls_;
  std::string input_;
  std::size_t requests_ = 0;
};

enum class After { keep, close };
using Behaviour = std::function<After(Peer&, const Request&)>;

/// What `200 OK` and this body make of a request.
Behaviour answer(std::string body, std::string status = "200 OK", std::string headers = {});
/// Writes exactly this, then does the other.
Behaviour write(std::string bytes, After after);

class Server {
 public:
  enum class Family { ipv4, ipv6 };
  /// `tls` may be null; else it lives as long as the server.
  explicit Server(Behaviour behaviour, SSL_CTX* tls = nullptr, Family family = Family::ipv4);
  /// An IPv4 address in digits; port 0: any.
  struct Place {
    std::string address;
    std::uint16_t port = 0;
  };
  Server(Behaviour behaviour, SSL_CTX* tls, const Place& place);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  std::uint16_t port() const noexcept { return port_; }
  void behave(Behaviour behaviour);

  std::vector<Request> requests() const;
  /// Waits for the request of this number, counted from 0.
  Request request(std::size_t index) const;
  std::size_t connections() const;
  /// The most requests that were between their arrival and the end of their behaviour at once.
  std::size_t most_at_once() const;

  /// Behaviours wait here. False: the server ends.
  bool wait_for(std::chrono::milliseconds time);
  /// Lets all behaviours that wait in `gate` go on, now and later.
  void open_gate();
  void wait_at_gate();

 private:
  friend class Peer;

  template <class Address>
  void listen(Address address);
  void accept_all();
  void serve(int socket);

  SSL_CTX* const tls_;
  int listener_ = -1;
  std::uint16_t port_ = 0;

  mutable std::mutex mutex_;  // guards what follows
  mutable std::condition_variable changed_;
  Behaviour behaviour_;
  std::vector<Request> requests_;
  std::list<int> sockets_;
  std::size_t connections_ = 0;
  std::size_t at_once_ = 0;
  std::size_t most_at_once_ = 0;
  bool gate_open_ = false;
  bool ending_ = false;
  std::list<std::thread> threads_;
  std::list<std::thread> ended_;  // not joined yet

  std::thread acceptor_;
};

/// A handler that never answers.
After stay_silent(Peer& peer, const Request& request);

}  // namespace crolang::webhooks
