#include "net/accept_policy.hpp"

namespace crolang::net {

using telemetry::Counter;

AcceptPolicy::Decision AcceptPolicy::decide(std::uint64_t open) const noexcept {
  const bool is_full = rules_.max_sockets != 0 && open >= rules_.max_sockets;
  return is_full ? Decision::make_room : Decision::accept;
}

AddressLimits::Verdict AcceptPolicy::admit(const PeerAddress& address, TimePoint now,
                                           CountedConnection& counted) const noexcept {
  if (!limits(address)) return AddressLimits::Verdict::not_counted;
  const AddressLimits::Verdict verdict = rules_.addresses->admit(address, now);
  if (verdict == AddressLimits::Verdict::counted) {
    counted = CountedConnection(*rules_.addresses, address);
  }
  return verdict;
}

bool AcceptPolicy::may_resume(TimePoint now) noexcept {
  if (!resume_at_ || now < *resume_at_) return false;
  resume_at_.reset();
  return true;
}

std::optional<RequestFault> fault_of(AddressLimits::Verdict verdict,
                                     telemetry::WorkerCounters& counters) {
  switch (verdict) {
    case AddressLimits::Verdict::counted:
    case AddressLimits::Verdict::not_counted:
      return std::nullopt;
    case AddressLimits::Verdict::no_room:
      counters.add(Counter::addresses_not_limited);
      return std::nullopt;
    case AddressLimits::Verdict::too_many:
      counters.add(Counter::refused_address_connections);
      return RequestFault::address_connections;
    case AddressLimits::Verdict::too_fast:
      break;
  }
  counters.add(Counter::refused_address_rate);
  return RequestFault::address_rate;
}

}  // namespace crolang::net
