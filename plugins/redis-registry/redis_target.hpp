#pragma once
/// A Redis server, or the masters of a cluster, and how to connect: what the service tells the
/// worker links. Threads: values.

#include <memory>
#include <string>
#include <vector>

#include "redis-registry/dialer.hpp"
#include "redis-registry/endpoint.hpp"
#include "redis-registry/slot_map.hpp"
#include "redis-registry/tls_transport.hpp"
#include "redis-registry/transport.hpp"

namespace crolang::redis_registry {

struct RedisTarget {
  std::string path;  ///< of a unix socket; empty: `tcp`
  Dialer::Target tcp;
  TlsContext tls;  ///< null: without TLS
  Login login;
  std::shared_ptr<const SlotMap> slots{};  ///< null: no cluster
  /// Those of `slots`, in its order. Without an address: not known yet.
  std::vector<Dialer::Target> masters{};

  /// Starts to connect. Throws std::bad_alloc.
  std::unique_ptr<Transport> connect() const;
  /// To that master. Throws std::bad_alloc.
  std::unique_ptr<Transport> connect(const Dialer::Target& master) const;
};

}  // namespace crolang::redis_registry
