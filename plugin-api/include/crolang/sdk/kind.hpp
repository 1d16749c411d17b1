/// What all kinds of modules have in common: stop, reload, and Serial, which lets kinds that are
/// asked rarely do without locks.
#pragma once

#include <concepts>
#include <utility>

namespace crolang::plugin {

class Authentication;
class RtcConfig;
class Validity;

/// Call it once everything open is answered and the plugin's threads have ended. Thread: any.
class Stopped {
 public:
  Stopped(void (*function)(void*), void* call) noexcept : function_(function), call_(call) {}
  Stopped(Stopped&& other) noexcept
      : function_(std::exchange(other.function_, nullptr)), call_(other.call_) {}
  Stopped& operator=(Stopped&&) = delete;
  Stopped(const Stopped&) = delete;
  ~Stopped() { (*this)(); }
  void operator()() noexcept {
    if (const auto function = std::exchange(function_, nullptr)) function(call_);
  }

 private:
  void (*function_)(void*);
  void* call_;
};

/// What all kinds have in common.
class Kind {
 public:
  Kind() = default;
  Kind(const Kind&) = delete;
  Kind& operator=(const Kind&) = delete;
  virtual ~Kind() = default;
  /// No more questions will be asked. Answer open ones with Status::cancelled and end the plugin's
  /// threads. The broker waits for functions that run in Host::run_blocking: make them return soon.
  virtual void stop(Stopped stopped) { stopped(); }
  /// The configuration was read again: Host::env returns the new values of variables that are
  /// declared CROLANG_RELOADABLE, and files that variables name may have changed. Questions
  /// continue on other threads. Exceptions are logged.
  virtual void reload() {}
};

template <class K>
concept ColdKind =
    std::same_as<K, Authentication> || std::same_as<K, RtcConfig> || std::same_as<K, Validity>;

/// Derive from Serial<Authentication> instead of Authentication to have the handler run on the
/// control thread, never twice at once. For kinds that are asked rarely; it still must not block.
template <ColdKind K>
class Serial : public K {};

}  // namespace crolang::plugin
