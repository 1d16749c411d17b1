#include "unit/websocket/allocations.hpp"

#include <cstdlib>
#include <new>

namespace crolang::websocket::testing {

constinit thread_local Allocations allocations;

}  // namespace crolang::websocket::testing

using crolang::websocket::testing::allocations;

// In a file of their own: inlined into a caller, the compiler takes malloc and delete for a
// mismatch.

void* operator new(std::size_t bytes) {
  ++allocations.made;
  ++allocations.live;
  if (void* memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}

void* operator new(std::size_t bytes, const std::nothrow_t& /*tag*/) noexcept {
  void* const memory = std::malloc(bytes);
  if (memory == nullptr) return nullptr;
  ++allocations.made;
  ++allocations.live;
  return memory;
}

void operator delete(void* memory) noexcept {
  if (memory != nullptr) --allocations.live;
  std::free(memory);
}

void operator delete(void* memory, const std::nothrow_t& /*tag*/) noexcept {
  operator delete(memory);
}

void operator delete(void* memory, std::size_t /*bytes*/) noexcept {
  operator delete(memory);
}
