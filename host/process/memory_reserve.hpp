#pragma once
/// Memory that a thread keeps for when an allocation fails: what has been begun has to be undone,
/// and even a destructor may allocate (nlohmann's JSON tree does). It is freed before
/// std::bad_alloc is thrown, so that it is available while the stack unwinds.
///
/// Threads: a reserve belongs to the thread that made it, one per thread. Errors: none; where there
/// is no memory for it, it is missing until the next refill.

#include <cstddef>
#include <memory>

namespace crolang::process {

class MemoryReserve {
 public:
  MemoryReserve() noexcept;
  ~MemoryReserve();
  MemoryReserve(const MemoryReserve&) = delete;
  MemoryReserve& operator=(const MemoryReserve&) = delete;

  /// From now on operator new gives up the reserve of its thread before it throws.
  static void install() noexcept;

  bool is_there() const noexcept { return bytes_ != nullptr; }
  void give_up() noexcept { bytes_.reset(); }
  void refill() noexcept;

 private:
  std::unique_ptr<char[]> bytes_;
};

}  // namespace crolang::process
