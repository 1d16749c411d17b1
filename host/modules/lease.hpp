#pragma once
/// The lease of a node's id as passed to the registry. Threads: a plain value, not synchronised.

#include <cstdint>
#include <string_view>

namespace crolang::modules {

struct Lease {
  std::string_view id;
  std::uint64_t token = 0;
  // The session that claims or holds it. Opaque to all but its instance, to which they are passed
  // back.
  std::uint64_t session = 0;
  std::uint32_t worker = 0;
};

}  // namespace crolang::modules
