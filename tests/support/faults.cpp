#include "support/faults.hpp"

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <utility>

namespace crolang::faults {
namespace {

thread_local constinit bool t_victim = false;

std::atomic<std::uint64_t> g_allocations{0};  // of victims, since fail_allocations
std::atomic<std::uint64_t> g_first{0};        // 0: none fails
std::atomic<std::uint64_t> g_end{0};
std::atomic<unsigned> g_thread_starts{0};  // that are to fail
std::atomic<std::uint64_t> g_failed{0};

bool fails_to_allocate() noexcept {
  if (!t_victim || g_first == 0) return false;
  const std::uint64_t number = ++g_allocations;
  if (number < g_first || number >= g_end) return false;
  ++g_failed;
  return true;
}

bool fails_to_start() noexcept {
  if (!t_victim) return false;
  unsigned left = g_thread_starts;
  while (left > 0 && !g_thread_starts.compare_exchange_weak(left, left - 1)) {
  }
  if (left == 0) return false;
  ++g_failed;
  return true;
}

struct Start {
  void* (*function)(void*);
  void* argument;
};

void* run_victim(void* given) {
  const Start start = *static_cast<Start*>(given);
  std::free(given);
  t_victim = true;
  return start.function(start.argument);
}

}  // namespace

Victim::Victim() noexcept : before_(std::exchange(t_victim, true)) {}
Victim::~Victim() {
  t_victim = before_;
}
Spared::Spared() noexcept : before_(std::exchange(t_victim, false)) {}
Spared::~Spared() {
  t_victim = before_;
}

void fail_allocations(std::uint64_t first, std::uint64_t end) {
  g_first = 0;
  g_allocations = 0;
  g_end = end;
  g_first = first;
}

void fail_thread_starts(unsigned count) {
  g_thread_starts = count;
}

std::uint64_t heal() {
  g_first = 0;
  g_thread_starts = 0;
  return g_failed.exchange(0);
}

}  // namespace crolang::faults

void* operator new(std::size_t size) {
  void* const memory =
      crolang::faults::fails_to_allocate() ? nullptr : std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new[](std::size_t size) {
  return operator new(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return crolang::faults::fails_to_allocate() ? nullptr : std::malloc(size == 0 ? 1 : size);
}
void* operator new[](std::size_t size, const std::nothrow_t& nothrow) noexcept {
  return operator new(size, nothrow);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*function)(void*), void* argument) {
  using crolang::faults::Start;
  static const auto real =
      reinterpret_cast<decltype(&pthread_create)>(::dlsym(RTLD_NEXT, "pthread_create"));
  if (crolang::faults::fails_to_start()) return EAGAIN;
  if (!crolang::faults::t_victim) return real(thread, attributes, function, argument);
  auto* const start = static_cast<Start*>(std::malloc(sizeof(Start)));
  if (start == nullptr) return EAGAIN;
  *start = {function, argument};
  const int error = real(thread, attributes, &crolang::faults::run_victim, start);
  if (error != 0) std::free(start);
  return error;
}
