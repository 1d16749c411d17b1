#include "redis-registry/redis_target.hpp"

#include <utility>

#include "redis-registry/socket_transport.hpp"

namespace crolang::redis_registry {

std::unique_ptr<Transport> RedisTarget::connect() const {
  if (!path.empty()) return std::make_unique<SocketTransport>(Socket::to_unix(path));
  return connect(tcp);
}

std::unique_ptr<Transport> RedisTarget::connect(const Dialer::Target& master) const {
  Socket socket = Socket::to_tcp(master.address, master.host.port);
  if (tls == nullptr) return std::make_unique<SocketTransport>(std::move(socket));
  return std::make_unique<TlsTransport>(std::move(socket), tls, master.host.host);
}

}  // namespace crolang::redis_registry
