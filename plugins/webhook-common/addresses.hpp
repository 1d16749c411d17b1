#pragma once
/// The addresses of a webhook's host, kept up to date by lookups in the background, one at a time.
/// No question waits for a lookup while an address is known.
/// Threads: the loop's only. Errors: look_up throws if there is no thread or no memory; the next
/// call tries again.

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/resolver.hpp"
#include "webhook-common/address_pool.hpp"

namespace crolang::webhook_common {

class Addresses {
 public:
  /// `looked_up(error)` is called at the end of each lookup, and must not throw. `error` is the
  /// system's error text if nothing was found; empty: the pool has the addresses. A host that is an
  /// address is never looked up. The context is shared, since a lookup may outlive this object.
  Addresses(std::shared_ptr<boost::asio::io_context> context, const std::string& host,
            std::uint16_t port, std::function<void(const std::string& error)> looked_up);
  Addresses(const Addresses&) = delete;
  Addresses& operator=(const Addresses&) = delete;

  AddressPool& pool() noexcept { return pool_; }

  /// When look_up should be called next.
  AddressPool::TimePoint due() const noexcept;
  /// Begins a lookup, unless one is in progress.
  void look_up();
  /// The number of the lookup that began last; the first is 1.
  std::uint64_t number() const noexcept { return number_; }

 private:
  void finish() noexcept;

  const std::shared_ptr<boost::asio::io_context> context_;
  const std::string host_;
  const std::uint16_t port_;
  const std::function<void(const std::string&)> looked_up_;
  bool fixed_ = false;  // the host is an address
  AddressPool pool_;
  std::uint64_t number_ = 0;
  common::Resolver resolver_;
  const std::shared_ptr<void> alive_ =
      std::make_shared<char>();  // checked by the function that a lookup posts
};

}  // namespace crolang::webhook_common
