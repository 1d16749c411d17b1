#pragma once
/// Retries a function until there is enough memory. Only for small operations that must not fail,
/// since another thread would wait for ever: a post, a timer, a notification. Threads: any; it
/// blocks while there is no memory. Errors: those of the function, except std::bad_alloc.

#include <chrono>
#include <new>
#include <thread>

namespace crolang {

/// If it throws std::bad_alloc, the function must have changed nothing.
template <class F>
void until_there_is_memory(F&& function) {
  for (;;) {
    try {
      function();
      return;
    } catch (const std::bad_alloc&) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
}

}  // namespace crolang
