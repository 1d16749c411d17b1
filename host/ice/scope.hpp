#pragma once
/// From where an address can be reached. Pure. Threads: any. Errors: none.

#include <cstdint>

#include "client_address/address.hpp"

namespace crolang::ice {

/// From narrow to wide.
enum class Scope : std::uint8_t {
  none,     ///< 0.0.0.0, ::
  machine,  ///< loopback
  network,  ///< private, shared (100.64.0.0/10), link-local, unique local
  internet,
};

Scope scope_of(const client_address::Address& address) noexcept;

}  // namespace crolang::ice
