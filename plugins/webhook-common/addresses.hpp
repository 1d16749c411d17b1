#pragma once
/// The addresses of a webhook's host, kept up to date by look-ups in the background. A look-up may
/// take as long as it likes: it has a thread of its own, one at a time, and nobody waits for it
/// while an address is known.
/// Threads: the loop's only. Errors: look_up throws if there is no thread or no memory for it, and
/// then the next one tries again.

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "webhook-common/address_pool.hpp"

namespace crolang::webhook_common {

class Addresses {
 public:
  /// `looked_up(error)` is called at the end of each look-up, and must not throw. The error says in
  /// the system's words why nothing was found; empty: the pool has what was found.
  /// A host that is an address is never looked up. The context is shared with a look-up that nobody
  /// waits for any more.
  Addresses(std::shared_ptr<boost::asio::io_context> context, const std::string& host,
            std::uint16_t port, std::function<void(const std::string& error)> looked_up);
  Addresses(const Addresses&) = delete;
  Addresses& operator=(const Addresses&) = delete;

  AddressPool& pool() noexcept { return pool_; }

  /// When look_up should be called.
  AddressPool::TimePoint due() const noexcept;
  /// Begins a look-up, unless one is under way.
  void look_up();
  /// The number of the look-up that began last; the first is 1.
  std::uint64_t number() const noexcept { return number_; }

 private:
  struct Found;

  void finish(Found& found) noexcept;

  const std::shared_ptr<boost::asio::io_context> context_;
  const std::string host_;
  const std::uint16_t port_;
  const std::function<void(const std::string&)> looked_up_;
  bool fixed_ = false;  // the host is an address
  AddressPool pool_;
  std::uint64_t number_ = 0;
  std::shared_ptr<Found> waiting_;  // null: no look-up is under way
};

}  // namespace crolang::webhook_common
