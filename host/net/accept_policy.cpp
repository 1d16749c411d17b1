#include "net/accept_policy.hpp"

namespace crolang::net {

using telemetry::Counter;

AcceptPolicy::Decision AcceptPolicy::decide(std::uint64_t open) const noexcept {
  const bool is_full = rules_.max_sockets != 0 && open >= rules_.max_sockets;
  return is_full ? Decision::make_room : Decision::accept;
}

AddressLimits::Result AcceptPolicy::admit(const PeerAddress& address, TimePoint now,
                                          CountedConnection& counted) const noexcept {
  if (!limits(address)) return AddressLimits::Result::not_counted;
  const AddressLimits::Result result = rules_.addresses->admit(address, now);
  if (result == AddressLimits::Result::counted) {
    counted = CountedConnection(*rules_.addresses, address);
  }
  return result;
}

bool AcceptPolicy::may_resume(TimePoint now) noexcept {
  if (!resume_at_ || now < *resume_at_) return false;
  resume_at_.reset();
  return true;
}

std::optional<RequestFault> fault_of(AddressLimits::Result result,
                                     telemetry::WorkerCounters& counters) {
  switch (result) {
    case AddressLimits::Result::counted:
    case AddressLimits::Result::not_counted:
      return std::nullopt;
    case AddressLimits::Result::no_room:
      counters.add(Counter::addresses_not_limited);
      return std::nullopt;
    case AddressLimits::Result::too_many:
      counters.add(Counter::refused_address_connections);
      return RequestFault::address_connections;
    case AddressLimits::Result::too_fast:
      break;
  }
  counters.add(Counter::refused_address_rate);
  return RequestFault::address_rate;
}

}  // namespace crolang::net
