#pragma once
/// The steps of a lease's life that must be atomic, as Lua that runs inside Redis. Each compares
/// the token first: a key that holds another token is never changed. Each has one key, which is in
/// KEYS.

#include <crolang/enum_count.hpp>
#include <cstddef>
#include <string_view>

namespace crolang::redis_registry {

enum class Script : std::size_t {
  take,      ///< key; token, expected token or '', value, ttl → 1, or the present value
  announce,  ///< key; token, value, ttl → 1, or the present value
  release,   ///< key; token → 1 or 0
  refresh,   ///< key; value, ttl, token to replace or '' → 1, or the present value
  enlist,    ///< key of the list; instance, ttl → 1
  /// key of the entries; name and a zero byte, value, time of expiry in ms since 1970 or '' to
  /// remove it, a random number → 1, or 0 if there are too many
  set_entry,
};

inline constexpr std::size_t kScripts = enum_count<Script>();

std::string_view source(Script script);

}  // namespace crolang::redis_registry
