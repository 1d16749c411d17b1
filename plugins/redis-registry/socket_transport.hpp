#pragma once
/// A TCP connection or a unix socket without anything in between. Threads: one at a time.

#include <cstdint>
#include <string>

#include "redis-registry/transport.hpp"

namespace crolang::redis_registry {

/// A socket that does not block.
class Socket {
 public:
  /// `address` is numeric. If it cannot connect, error() says why, at once or later.
  static Socket to_tcp(const std::string& address, std::uint16_t port);
  static Socket to_unix(const std::string& path);
  /// Takes over a connected socket, and makes it non-blocking.
  explicit Socket(int connected);
  Socket(Socket&& other) noexcept;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket();

  int descriptor() const { return descriptor_; }
  /// The outcome of connecting so far.
  Transport::Status connect();
  Transport::Moved read(std::span<char> into);
  Transport::Moved write(std::string_view bytes);
  void abort() const;
  /// An errno; 0: none.
  int error() const { return error_; }

 private:
  Socket(int descriptor, int error) : descriptor_(descriptor), error_(error) {}
  static Socket connecting(int family, const void* address, std::size_t size);
  Transport::Moved moved(std::ptrdiff_t bytes, Transport::Status when_blocked);

  int descriptor_;
  int error_ = 0;
  bool connected_ = false;
};

class SocketTransport final : public Transport {
 public:
  explicit SocketTransport(Socket socket) : socket_(std::move(socket)) {}

  int descriptor() const override { return socket_.descriptor(); }
  Status connect() override { return socket_.connect(); }
  Moved read(std::span<char> into) override { return socket_.read(into); }
  Moved write(std::string_view bytes) override { return socket_.write(bytes); }
  bool has_more() const override { return false; }
  std::string fault() const override;
  void abort() override { socket_.abort(); }

 private:
  Socket socket_;
};

}  // namespace crolang::redis_registry
