#pragma once
/// Makes memory and threads run out, on demand and for the threads of a test's choice. A program
/// that is linked with faults.cpp has its operator new and its pthread_create, also for the plugins
/// that it opens.
/// Threads: any. Errors: none of its own.

#include <cstdint>

namespace crolang::faults {

/// While it lives, what runs out does so for this thread, and for all threads that it starts
/// meanwhile and that these start, to their end.
class Victim {
 public:
  Victim() noexcept;
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;
  ~Victim();

 private:
  const bool before_;
};

/// The opposite, for a test's own code that a victim calls.
class Spared {
 public:
  Spared() noexcept;
  Spared(const Spared&) = delete;
  Spared& operator=(const Spared&) = delete;
  ~Spared();

 private:
  const bool before_;
};

/// `function` of a callback that a victim calls.
template <auto function>
struct Sparing;
template <class... Values, void (*function)(Values...)>
struct Sparing<function> {
  static void call(Values... values) {
    const Spared spared;
    function(values...);
  }
};

/// The victims' allocations from the `first` on (1: the next) to the one before `end` throw
/// std::bad_alloc.
void fail_allocations(std::uint64_t first, std::uint64_t end);
/// That many of the victims' next thread starts fail with EAGAIN.
void fail_thread_starts(unsigned count);
/// Nothing fails any more. How many have.
std::uint64_t heal();

}  // namespace crolang::faults
