#include "contract/webhooks/server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <utility>

namespace crolang::webhooks {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

sockaddr_in ipv4(const std::string& address, std::uint16_t port) {
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(port);
  ::inet_pton(AF_INET, address.c_str(), &place.sin_addr);
  return place;
}

}  // namespace

// ---- Peer ---------------------------------------------------------------------------------------

bool Peer::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = tls_ != nullptr
                             ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                             : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

void Peer::drip(std::string_view bytes) {
  for (const char& byte : bytes) {
    if (!write({&byte, 1}) || !server_.wait_for(std::chrono::milliseconds(20))) return;
  }
}

void Peer::wait_until_gone() {
  char byte = 0;
  while (read(&byte, 1) > 0) {
  }
}

void Peer::reset_on_close() {
  const linger now{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

int Peer::read(char* to, std::size_t size) {
  return static_cast<int>(tls_ != nullptr ? SSL_read(tls_, to, static_cast<int>(size))
                                          : ::recv(socket_, to, size, 0));
}

std::optional<Request> Peer::read_request() {
  std::size_t header_end = std::string::npos;
  char bytes[16'384];
  const auto more = [&] {
    const int size = read(bytes, sizeof bytes);
    if (size > 0) input_.append(bytes, static_cast<std::size_t>(size));
    return size > 0;
  };
  while ((header_end = input_.find("\r\n\r\n")) == std::string::npos) {
    if (!more()) return std::nullopt;
  }
  Request request;
  std::size_t at = input_.find("\r\n");
  request.line = input_.substr(0, at);
  while (at < header_end) {
    at += 2;
    const std::size_t end = input_.find("\r\n", at);
    const std::string line = input_.substr(at, end - at);
    const std::size_t colon = line.find(": ");
    request.headers[lower(line.substr(0, colon))] = line.substr(colon + 2);
    at = end;
  }
  const std::size_t length = std::stoul(request.headers.at("content-length"));
  while (input_.size() < header_end + 4 + length) {
    if (!more()) return std::nullopt;
  }
  request.body = input_.substr(header_end + 4, length);
  input_.erase(0, header_end + 4 + length);
  ++requests_;
  return request;
}

// ---- Behaviours ---------------------------------------------------------------------------------

Behaviour answer(std::string body, std::string status, std::string headers) {
  return write("HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\nContent-Length: " +
                   std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body,
               After::keep);
}

Behaviour write(std::string bytes, After after) {
  return [bytes = std::move(bytes), after](Peer& peer, const Request&) {
    return peer.write(bytes) ? after : After::close;
  };
}

// ---- Server -------------------------------------------------------------------------------------

Server::Server(Behaviour behaviour, SSL_CTX* tls, Family family)
    : tls_(tls), behaviour_(std::move(behaviour)) {
  if (family == Family::ipv4) {
    listen(ipv4("127.0.0.1", 0));
  } else {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    listen(address);
  }
}

Server::Server(Behaviour behaviour, SSL_CTX* tls, const Place& place)
    : tls_(tls), behaviour_(std::move(behaviour)) {
  listen(ipv4(place.address, place.port));
}

template <class Address>
void Server::listen(Address address) {
  // OpenSSL writes without MSG_NOSIGNAL. The broker ignores the signal too.
  std::signal(SIGPIPE, SIG_IGN);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  listener_ = ::socket(any->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(listener_, any, size) != 0 || ::listen(listener_, 512) != 0 ||
      ::getsockname(listener_, any, &size) != 0) {
    ::close(listener_);
    throw std::runtime_error("no port");
  }
  // At the same place in both families.
  port_ = ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

Server::~Server() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  changed_.notify_all();
  acceptor_.join();
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return threads_.empty(); });
  }
  for (std::thread& thread : ended_) thread.join();
  ::close(listener_);
}

void Server::behave(Behaviour behaviour) {
  const std::lock_guard lock(mutex_);
  behaviour_ = std::move(behaviour);
}

std::vector<Request> Server::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

Request Server::request(std::size_t index) const {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, std::chrono::seconds(10),
                         [&] { return requests_.size() > index; })) {
    throw std::runtime_error("request " + std::to_string(index) + " has not come");
  }
  return requests_[index];
}

std::size_t Server::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

std::size_t Server::most_at_once() const {
  const std::lock_guard lock(mutex_);
  return most_at_once_;
}

bool Server::wait_for(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, time, [this] { return ending_; });
}

void Server::open_gate() {
  {
    const std::lock_guard lock(mutex_);
    gate_open_ = true;
  }
  changed_.notify_all();
}

void Server::wait_at_gate() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return ending_ || gate_open_; });
}

void Server::accept_all() {
  while (true) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    std::list<std::thread> ended;
    const std::lock_guard lock(mutex_);
    // A test may make thousands of connections, and each thread has a stack.
    ended.swap(ended_);
    for (std::thread& thread : ended) thread.join();
    if (socket < 0 || ending_) {
      if (socket >= 0) ::close(socket);
      return;
    }
    ++connections_;
    sockets_.push_back(socket);
    threads_.emplace_back([this, socket] { serve(socket); });
  }
}

void Server::serve(int socket) {
  SSL* const tls = tls_ == nullptr ? nullptr : SSL_new(tls_);
  bool good = true;
  if (tls != nullptr) {
    SSL_set_fd(tls, socket);
    good = SSL_accept(tls) == 1;
  }
  Peer peer(*this, socket, tls);
  while (good) {
    const auto request = peer.read_request();
    if (!request) break;
    Behaviour behaviour;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(*request);
      behaviour = behaviour_;
      most_at_once_ = std::max(most_at_once_, ++at_once_);
    }
    changed_.notify_all();
    good = behaviour(peer, *request) == After::keep;
    const std::lock_guard lock(mutex_);
    --at_once_;
  }
  if (tls != nullptr) SSL_free(tls);
  const std::lock_guard lock(mutex_);
  sockets_.remove(socket);
  ::close(socket);
  const auto own = std::ranges::find(threads_, std::this_thread::get_id(), &std::thread::get_id);
  ended_.splice(ended_.end(), threads_, own);
  changed_.notify_all();
}

After stay_silent(Peer& peer, const Request&) {
  peer.wait_until_gone();
  return After::close;
}

}  // namespace crolang::webhooks
