#pragma once
/// The test vectors of RFC 5769, 2.1 to 2.4.

#include <string_view>

#include "stun/message.hpp"

namespace crolang::stun::rfc5769 {

inline constexpr std::string_view kPassword = "VOkJxbRl1RmTxUk/WvJxBt";

extern const Bytes kRequest;
extern const Bytes kIpv4Response;
extern const Bytes kIpv6Response;

/// Its username is マトリックス, its realm example.org.
extern const Bytes kLongTermRequest;
inline constexpr std::string_view kLongTermUsername = "マトリックス";
/// After SASLprep: the password of the RFC has characters that it maps to these.
inline constexpr std::string_view kLongTermPassword = "TheMatrIX";

}  // namespace crolang::stun::rfc5769
