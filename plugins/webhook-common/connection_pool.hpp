#pragma once
/// The idle connections of a webhook, the most recently used at the end. `Kept` is a Connection, or
/// a substitute in tests. Time is an argument. Threads: one at a time. Errors: the constructor
/// throws std::bad_alloc.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "webhook-common/address_pool.hpp"

namespace crolang::webhook_common {

template <class Kept>
class ConnectionPool {
 public:
  using TimePoint = AddressPool::TimePoint;

  /// Shorter than the time after which routers drop a silent connection.
  static constexpr std::chrono::seconds kMaxIdle{30};

  /// `max`: connections, idle and in use.
  explicit ConnectionPool(std::size_t max) : max_(max) { idle_.reserve(max); }

  std::size_t size() const noexcept { return idle_.size(); }

  /// Precondition: fewer than `max` are idle.
  void keep(std::shared_ptr<Kept> connection, TimePoint now) noexcept {
    idle_.push_back({std::move(connection), now});
  }

  /// The most recently used connection to that address, so that surplus ones expire; null: there is
  /// none. Closes connections with unsolicited data instead.
  std::shared_ptr<Kept> take(const AddressPool::Address* address) noexcept {
    for (;;) {
      const auto found = std::find_if(idle_.rbegin(), idle_.rend(), [&](const Idle& idle) {
        return idle.connection->address().get() == address;
      });
      if (found == idle_.rend()) return nullptr;
      auto connection = std::move(found->connection);
      idle_.erase(std::next(found).base());
      if (!connection->has_unasked_input()) return connection;
      connection->close();
    }
  }

  /// Makes room for one more besides those that are `in_use`: closes the one that has been idle for
  /// longest.
  void make_room(std::size_t in_use) noexcept {
    if (idle_.empty() || in_use + idle_.size() < max_) return;
    idle_.front().connection->close();
    idle_.erase(idle_.begin());
  }

  /// Removes a connection that has closed.
  void forget(const void* connection) noexcept {
    std::erase_if(idle_, [&](const Idle& idle) { return idle.connection.get() == connection; });
  }

  void close_all() noexcept {
    close_if([](const Idle&) { return true; });
  }
  /// Closes connections to addresses that the host no longer has.
  void close_unlisted() noexcept {
    close_if([](const Idle& idle) { return !idle.connection->address()->listed(); });
  }
  /// Closes connections to that address without received data since then: a router that has dropped
  /// one connection has dropped all of them, and each would cost a request.
  void close_silent(const AddressPool::Ref& address, TimePoint since) noexcept {
    close_if([&](const Idle& idle) {
      return idle.connection->address() == address && idle.since < since;
    });
  }
  void close_expired(TimePoint now) noexcept {
    close_if([&](const Idle& idle) { return idle.since + kMaxIdle <= now; });
  }
  /// When the next connection expires; TimePoint::max(): there is none.
  TimePoint expiry() const noexcept {
    return idle_.empty() ? TimePoint::max() : idle_.front().since + kMaxIdle;
  }

 private:
  struct Idle {
    std::shared_ptr<Kept> connection;
    TimePoint since;
  };

  template <class F>
  void close_if(F&& matches) noexcept {
    std::erase_if(idle_, [&](const Idle& idle) {
      if (!matches(idle)) return false;
      idle.connection->close();
      return true;
    });
  }

  const std::size_t max_;
  std::vector<Idle> idle_;  // has capacity for max_
};

}  // namespace crolang::webhook_common
