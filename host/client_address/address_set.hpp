#pragma once
/// A set of addresses, given as single ones and as ranges (CIDR, RFC 4632 3.1 and RFC 4291 2.3).
/// Threads: a value. Errors: a sentence that names the entry at fault and says what to write.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "client_address/address.hpp"

namespace crolang::client_address {

/// The addresses that begin with the first `bits` bits of `network`; its other bits are 0.
struct Range {
  Address network;
  std::uint8_t bits = 128;  ///< of 128: 96 more than an IPv4 prefix has

  /// An IPv4 address is in IPv4 ranges only, although `::/0` has the bits of its mapped form.
  bool contains(const Address& address) const noexcept;
  bool operator==(const Range&) const = default;
};

class AddressSet {
 public:
  AddressSet() = default;
  explicit AddressSet(std::vector<Range> ranges) : ranges_(std::move(ranges)) {}

  bool is_empty() const noexcept { return ranges_.empty(); }
  /// The unknown address is in no set.
  bool contains(const Address& address) const noexcept;
  std::span<const Range> ranges() const noexcept { return ranges_; }

 private:
  std::vector<Range> ranges_;
};

struct AddressFault {
  std::string text;
};

/// "192.0.2.7", "10.0.0.0/8", "2001:db8::/32", "::ffff:10.0.0.0/104". A bit behind the prefix is a
/// fault, since it is unclear then what was meant.
std::variant<Range, AddressFault> parse_range(std::string_view text);

/// Ranges that are separated by commas or blanks. Empty: none.
std::variant<AddressSet, AddressFault> parse_address_set(std::string_view text);

/// "10.0.0.0/8", "192.0.2.7".
std::string text_of(const Range& range);

}  // namespace crolang::client_address
