#pragma once
/// For the few small things that must not be lost, since somebody would wait for them for ever:
/// what is posted, a timer, a signal that is waited for. Threads: any; it waits while there is no
/// memory, when nothing else would come of it either. Errors: those of the function but
/// std::bad_alloc.

#include <chrono>
#include <new>
#include <thread>

namespace crolang::plugin_host {

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

}  // namespace crolang::plugin_host
