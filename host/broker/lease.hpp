#pragma once
/// Conversion between leases and sessions of this instance. Threads: any.

#include <cstdint>
#include <string_view>

#include "crolang/plugin.h"
#include "modules/lease.hpp"
#include "session/handle.hpp"

namespace crolang::broker {

inline modules::Lease lease_of(std::string_view id, std::uint64_t token,
                               session::SessionHandle session) {
  return {id, token, session.packed(), session.worker};
}

/// Whether a lease received from another instance names this session. Whether the session still
/// holds the lease is decided by id and token.
inline bool names(const crolang_lease& lease, session::SessionHandle session) {
  return lease.session == session.packed() && lease.worker == session.worker;
}

}  // namespace crolang::broker
