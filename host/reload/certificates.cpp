#include "reload/certificates.hpp"

#include <utility>

namespace crolang::reload {
namespace {

std::string subject_of(const tls::CertificatePair& pair) {
  if (!pair.subject.empty()) return pair.subject;
  std::string names;
  for (const std::string& name : pair.names) names += (names.empty() ? "" : ", ") + name;
  return names;
}

}  // namespace

Certificates::Certificates(tls::ServerFiles files, tls::TicketKeys::TimePoint now)
    : files_(std::move(files)),
      tickets_(std::make_shared<tls::TicketKeys>(now)),
      watch_(files_.names()) {}

Certificates::Reading Certificates::read(tls::WallTime now) {
  Reading reading;
  reading.states = watch_.look();
  reading.files = tls::load_files(files_, tickets_, now);
  for (const tls::CertificatePair& pair : reading.files.pairs) {
    if (auto warning = tls::expiry_warning(pair, now)) {
      reading.files.warnings.push_back(*std::move(warning));
    }
  }
  if (!reading.files.faults.empty()) watch_.mark_read(reading.states);
  return reading;
}

void Certificates::use(Reading reading) {
  current_.replace(std::move(reading.files.context));
  pairs_ = std::move(reading.files.pairs);
  watch_.mark_read(std::move(reading.states));
}

std::string Certificates::subjects() const {
  std::string all;
  for (const tls::CertificatePair& pair : pairs_) {
    all += (all.empty() ? "" : ", ") + subject_of(pair);
  }
  return all;
}

}  // namespace crolang::reload
