#pragma once
/// What a worker needs from its server. Threads: any.

#include <cstddef>
#include <cstdint>

#include "net/accepted_socket.hpp"
#include "net/http/policy.hpp"
#include "net/http/response.hpp"
#include "process/memory_budget.hpp"

namespace crolang::net {

class WorkerHost {
 public:
  virtual Response render(PageRequest request) = 0;
  /// Which worker should take a connection that this one has accepted.
  virtual std::uint16_t choose_worker(std::uint16_t accepted_by) = 0;
  /// An accepted socket moves to another worker. Throws std::bad_alloc.
  virtual void pass_socket(AcceptedSocket accepted, std::uint16_t worker) = 0;
  /// Whether there is room for a node, which is counted already.
  enum class Room : std::uint8_t {
    plenty,
    for_holders,  ///< only for a node whose id is held here: it may replace itself
    none,
  };
  virtual Room room() const = 0;
  /// Connections of any kind, of all workers.
  virtual std::uint64_t open_connections() const = 0;
  /// The largest of all workers' largest_holding.
  virtual std::size_t largest_holding() const = 0;
  virtual process::MemoryBudget& memory() = 0;

 protected:
  ~WorkerHost() = default;
};

}  // namespace crolang::net
