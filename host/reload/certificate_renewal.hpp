#pragma once
/// Renews the certificates of a running broker: reads their files again when they have changed,
/// warns before they expire, and rotates the keys of session tickets. Nobody is disconnected.
///
/// Threads: control. Errors: in the log, each once until the files change again, and in a counter.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "plugin_host/host_services.hpp"
#include "reload/certificates.hpp"
#include "telemetry/metrics.hpp"

namespace crolang::reload {

class CertificateRenewal {
 public:
  /// How often the files are looked at, and how soon once more when they have changed.
  static constexpr std::chrono::seconds kInterval{5};
  static constexpr std::chrono::seconds kSettling{1};
  /// After files that could not be used, since the reason may pass: a clock, a disk, a limit.
  static constexpr std::chrono::minutes kRetry{5};
  /// How often an end of validity is reported that is less than 14 days away.
  static constexpr std::chrono::hours kReportInterval{24};

  using WallClock = std::function<tls::WallTime()>;

  /// Begins to look. Some of `certificates` must be in use; the references must outlive the object.
  CertificateRenewal(Certificates& certificates, plugin_host::ControlExecutor& control,
                     telemetry::SharedCounters& counters,
                     WallClock now = std::chrono::system_clock::now);
  CertificateRenewal(const CertificateRenewal&) = delete;
  CertificateRenewal& operator=(const CertificateRenewal&) = delete;
  ~CertificateRenewal();

  /// For SIGHUP: reads the files now, whether they have changed or not, and counts a failure.
  Certificates::Reading read();
  /// `reading` must be without faults.
  void use(Certificates::Reading reading);

 private:
  void arm(std::chrono::milliseconds delay);
  void check();
  void renew();
  void report_expiry(tls::WallTime now) const;
  /// When report_expiry is due after `now`.
  tls::WallTime next_report(tls::WallTime now) const;

  Certificates& certificates_;
  plugin_host::ControlExecutor& control_;
  telemetry::SharedCounters& counters_;
  const WallClock now_;
  tls::WallTime next_report_;
  std::optional<tls::WallTime> retry_at_;  // after a reading with faults
  std::vector<std::string> faults_;        // of the last reading that check has made
  std::uint64_t timer_ = 0;
};

}  // namespace crolang::reload
