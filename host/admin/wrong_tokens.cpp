#include "admin/wrong_tokens.hpp"

#include <algorithm>

namespace crolang::admin {
namespace {

client_address::Address counted_as(client_address::Address address) {
  if (!client_address::is_ipv4(address))
    std::fill(address.bytes.begin() + 8, address.bytes.end(), std::uint8_t{0});
  return address;
}

}  // namespace

std::optional<std::chrono::seconds> WrongTokens::wait_of(const client_address::Address& address,
                                                         TimePoint now) const {
  const auto found = addresses_.find(counted_as(address));
  if (found == addresses_.end() || found->second.wrong < kMost) return std::nullopt;
  const TimePoint end = found->second.since + kWindow;
  if (now >= end) return std::nullopt;
  return std::chrono::ceil<std::chrono::seconds>(end - now);
}

void WrongTokens::note(const client_address::Address& address, TimePoint now) {
  const auto key = counted_as(address);
  if (!addresses_.contains(key) && addresses_.size() >= kMostAddresses) {
    std::erase_if(addresses_, [&](const auto& each) { return now - each.second.since >= kWindow; });
    if (addresses_.size() >= kMostAddresses) {
      addresses_.erase(std::ranges::min_element(
          addresses_, {}, [](const auto& each) { return each.second.since; }));
    }
  }
  Count& count = addresses_[key];
  if (count.wrong == 0 || now - count.since >= kWindow) count = {now, 0};
  ++count.wrong;
}

}  // namespace crolang::admin
