#pragma once
/// The certificates that PORT is served with: read at the start, and again when their files have
/// changed or somebody asks for it. What cannot be used replaces nothing, and connections keep the
/// certificates that they began with.
///
/// Threads: one; current() is shared with the workers. Errors: sentences; the constructor throws
/// std::runtime_error if the system has no random bytes, read std::bad_alloc, with nothing changed.

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "reload/file_watch.hpp"
#include "tls/current_context.hpp"
#include "tls/server_files.hpp"
#include "tls/ticket_keys.hpp"

namespace crolang::reload {

class Certificates {
 public:
  Certificates(tls::ServerFiles files, tls::TicketKeys::TimePoint now);

  /// The content of the files.
  struct Reading {
    tls::LoadedFiles files;  ///< with warnings about an end of validity that is near
    FileWatch::States states;
  };
  /// Reads all files and changes nothing. With faults, they count as read until they change.
  Reading read(tls::WallTime now);
  /// `reading` must be without faults.
  void use(Reading reading);

  /// To be called every few seconds: whether the files have changed since they were read last.
  FileWatch::Change check_files() { return watch_.check(); }
  /// To be called every few minutes.
  void rotate_ticket_keys(tls::TicketKeys::TimePoint now) { tickets_->rotate(now); }

  // Once there is something in use:

  /// Lives as long as this object.
  const tls::CurrentContext& current() const { return current_; }
  const std::vector<tls::CertificatePair>& pairs() const { return pairs_; }
  /// "CN=a.example, CN=b.example"; of a certificate without a subject its names.
  std::string subjects() const;
  tls::WallTime end_of_validity() const { return current_.get()->end_of_validity(); }

 private:
  const tls::ServerFiles files_;
  const std::shared_ptr<tls::TicketKeys> tickets_;
  FileWatch watch_;
  tls::CurrentContext current_{nullptr};
  std::vector<tls::CertificatePair> pairs_;
};

}  // namespace crolang::reload
