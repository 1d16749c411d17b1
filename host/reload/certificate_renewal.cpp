#include "reload/certificate_renewal.hpp"

#include <algorithm>
#include <utility>

#include "telemetry/log.hpp"

namespace crolang::reload {

namespace log = telemetry::log;
using telemetry::Counter;

CertificateRenewal::CertificateRenewal(Certificates& certificates,
                                       plugin_host::ControlExecutor& control,
                                       telemetry::SharedCounters& counters, WallClock now)
    : certificates_(certificates),
      control_(control),
      counters_(counters),
      now_(std::move(now)),
      next_report_(next_report(now_())) {
  arm(kInterval);
}

CertificateRenewal::~CertificateRenewal() {
  control_.cancel(timer_);
}

Certificates::Reading CertificateRenewal::read() {
  Certificates::Reading reading = certificates_.read(now_());
  if (!reading.files.faults.empty()) {
    counters_.add(Counter::certificates_not_renewed);
    retry_at_ = now_() + kRetry;
  }
  return reading;
}

void CertificateRenewal::use(Certificates::Reading reading) {
  certificates_.use(std::move(reading));
  retry_at_.reset();
  faults_.clear();
  counters_.add(Counter::certificates_renewed);
  // Of an end that is near the reading has a warning.
  next_report_ = next_report(now_());
  log::info("certificate files reloaded",
            {{"subjects", certificates_.subjects()},
             {"valid_until", tls::text_of(certificates_.end_of_validity())}});
}

void CertificateRenewal::arm(std::chrono::milliseconds delay) {
  timer_ = control_.post_after(delay, [this] { check(); });
}

void CertificateRenewal::check() {
  // First, since the rest may throw.
  arm(kInterval);
  certificates_.rotate_ticket_keys(std::chrono::steady_clock::now());
  switch (certificates_.check_files()) {
    case FileWatch::Change::none:
      if (retry_at_ && now_() >= *retry_at_) renew();
      break;
    case FileWatch::Change::recent:
      control_.cancel(timer_);
      arm(kSettling);
      break;
    case FileWatch::Change::settled:
      faults_.clear();
      renew();
      break;
  }
  const tls::WallTime now = now_();
  if (now < next_report_) return;
  next_report_ = next_report(now);
  report_expiry(now);
}

void CertificateRenewal::renew() {
  Certificates::Reading reading = read();
  const tls::LoadedFiles& files = reading.files;
  // Of a reading that is repeated.
  if (!files.faults.empty() && files.faults == faults_) return;
  for (const std::string& warning : files.warnings) log::warning(warning);
  for (const std::string& fault : files.faults) log::error(fault);
  if (files.faults.empty()) {
    use(std::move(reading));
  } else {
    faults_ = files.faults;
    log::error("the certificate files cannot be used, the previous ones stay in use",
               {{"faults", static_cast<std::uint64_t>(files.faults.size())}});
  }
}

void CertificateRenewal::report_expiry(tls::WallTime now) const {
  for (const tls::CertificatePair& pair : certificates_.pairs()) {
    const auto sentence = tls::expiry_warning(pair, now);
    if (!sentence) continue;
    if (now < pair.end_of_validity) {
      log::warning(*sentence);
    } else {
      log::error(*sentence);
    }
  }
}

tls::WallTime CertificateRenewal::next_report(tls::WallTime now) const {
  tls::WallTime next = now + kReportInterval;
  for (const tls::CertificatePair& pair : certificates_.pairs()) {
    for (const tls::WallTime due :
         {pair.end_of_validity - tls::kExpiryWarning, pair.end_of_validity}) {
      if (due > now) next = std::min(next, due);
    }
  }
  return next;
}

}  // namespace crolang::reload
