#pragma once

/// Counts what this thread takes from the heap with new and delete.

#include <cstddef>

namespace crolang::websocket::testing {

struct Allocations {
  std::size_t made = 0;
  std::size_t live = 0;
};

extern constinit thread_local Allocations allocations;

}  // namespace crolang::websocket::testing
