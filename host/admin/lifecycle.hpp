#pragma once
/// What the admin interface can have the process do; program/ implements it.
/// Threads: control. Errors: in the results.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace crolang::admin {

class Lifecycle {
 public:
  enum class Drain : std::uint8_t { begun, already_draining };
  /// As on SIGTERM: the process ends when the last node has left, or after DRAIN_DURATION_MS.
  virtual Drain drain(std::string_view client) = 0;

  enum class Cancel : std::uint8_t {
    cancelled,
    not_draining,
    ended_by_signal,  ///< whoever sent it expects that the process ends
  };
  virtual Cancel cancel_drain(std::string_view client) = 0;

  struct Reload {
    std::vector<std::string> faults;  ///< not empty: nothing was changed
    std::vector<std::string> changed;
    std::vector<std::string> need_restart;
  };
  /// As on SIGHUP.
  virtual Reload reload_configuration(std::string_view client) = 0;

 protected:
  ~Lifecycle() = default;
};

}  // namespace crolang::admin
