#include "webhook-common/address_pool.hpp"

#include <algorithm>

namespace crolang::webhook_common {

bool AddressPool::comes_first(const Address& a, const Address& b, TimePoint now) noexcept {
  const bool a_out = is_out(a, now);
  if (a_out != is_out(b, now)) return !a_out;
  if (a_out && a.out_until_ != b.out_until_) return a.out_until_ < b.out_until_;
  if (!a_out && a.open_ != b.open_) return a.open_ < b.open_;
  return a.last_use_ < b.last_use_;
}

const AddressPool::Address* AddressPool::best(TimePoint now) const noexcept {
  const Address* best = nullptr;
  for (const Ref& each : addresses_) {
    if (best == nullptr || comes_first(*each, *best, now)) best = each.get();
  }
  return best;
}

std::vector<AddressPool::Ref> AddressPool::order(TimePoint now) const {
  std::vector<Ref> order = addresses_;
  // Not stable_sort, which allocates; only addresses that were never used have equal numbers.
  std::sort(order.begin(), order.end(),
            [now](const Ref& a, const Ref& b) { return comes_first(*a, *b, now); });
  return order;
}

AddressPool::Share AddressPool::ask(const Ref& address, TimePoint now) noexcept {
  asked_ = true;
  address->last_use_ = ++uses_;
  // The address may still be unusable: a single question tests it first, the others wait for the
  // result.
  if (address->failures_ > 0) leave_out(*address, now);
  return Share(address);
}

void AddressPool::answered(Address& address) noexcept {
  address.failures_ = 0;
}

AddressPool::Effect AddressPool::failed(Address& address, TimePoint now) noexcept {
  // Questions that fail together count as one failure.
  if (is_out(address, now)) return Effect::none;
  const bool first = address.failures_ == 0;
  leave_out(address, now);
  const bool others_serve = std::any_of(addresses_.begin(), addresses_.end(),
                                        [&](const Ref& each) { return !is_out(*each, now); });
  if (!others_serve) return Effect::all_fail;
  return first ? Effect::left_out : Effect::none;
}

void AddressPool::leave_out(Address& address, TimePoint now) noexcept {
  constexpr unsigned kDoublings = 5;  // enough to reach the longest pause
  const auto pause = kFirstPause * (1u << std::min(address.failures_, kDoublings));
  address.out_until_ = now + std::min<std::chrono::seconds>(pause, kLongestPause);
  ++address.failures_;
}

AddressPool::TimePoint AddressPool::look_up_due() const noexcept {
  if (looking_up_ || addresses_.empty()) return TimePoint::max();
  return looked_up_at_ + (urgent_ ? kUrgentRefresh : asked_ ? kRefresh : kIdleRefresh);
}

void AddressPool::replace(const std::vector<Endpoint>& found) {
  std::vector<Ref> addresses;
  const auto known_as = [](const std::vector<Ref>& list, const Endpoint& endpoint) {
    const auto known = std::find_if(list.begin(), list.end(),
                                    [&](const Ref& each) { return each->endpoint() == endpoint; });
    return known == list.end() ? nullptr : *known;
  };
  for (const Endpoint& endpoint : found) {
    if (addresses.size() == kMaxAddresses) break;
    // A lookup may return duplicates.
    if (known_as(addresses, endpoint)) continue;
    Ref known = known_as(addresses_, endpoint);
    addresses.push_back(known ? std::move(known) : std::make_shared<Address>(endpoint));
  }
  for (const Ref& each : addresses_) each->listed_ = false;
  for (const Ref& each : addresses) each->listed_ = true;
  addresses_ = std::move(addresses);
}

void AddressPool::look_up_ended(TimePoint now) noexcept {
  looking_up_ = false;
  urgent_ = false;
  asked_ = false;
  looked_up_at_ = now;
}

}  // namespace crolang::webhook_common
