#include "process/memory_reserve.hpp"

#include <new>

namespace crolang::process {
namespace {

constexpr std::size_t kBytes = 256 * 1024;

thread_local MemoryReserve* own = nullptr;

[[noreturn]] void on_shortage() {
  if (own != nullptr) own->give_up();
  throw std::bad_alloc();
}

}  // namespace

MemoryReserve::MemoryReserve() noexcept {
  refill();
  own = this;
}

MemoryReserve::~MemoryReserve() {
  own = nullptr;
}

void MemoryReserve::install() noexcept {
  std::set_new_handler(&on_shortage);
}

void MemoryReserve::refill() noexcept {
  if (!bytes_) bytes_.reset(new (std::nothrow) char[kBytes]);
}

}  // namespace crolang::process
