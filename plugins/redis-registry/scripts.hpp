#pragma once
/// The steps of a lease's life that must not be torn apart, as Lua that runs inside Redis. Each
/// compares the token first: what another token holds is never touched. Every key of a script is
/// named in KEYS.

#include <array>
#include <cstddef>
#include <string_view>

namespace crolang::redis_registry {

enum class Script : std::size_t {
  take,      ///< key; token, token expected or '', value, ttl → 1, or what stands there
  announce,  ///< key; token, value, ttl → 1, or what stands there
  release,   ///< key; token → 1 or 0
  refresh,   ///< keys; ttl, a value for each → the positions, from 1, that another token holds
};

inline constexpr std::size_t kScripts = 4;

std::string_view source(Script script);

}  // namespace crolang::redis_registry
