#pragma once
/// Requests to the service. They own their data, since the caller's views are valid during the call
/// only.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "crolang/plugin.hpp"
#include "redis-registry/endpoint.hpp"
#include "redis-registry/leases.hpp"
#include "redis-registry/peer_format.hpp"
#include "redis-registry/tls_transport.hpp"

namespace crolang::redis_registry {

struct OwnedLease {
  explicit OwnedLease(plugin::Lease claim)
      : id(claim.id), token(claim.token), address{claim.session, claim.worker} {}
  plugin::Lease lent() const { return {id, token, address.session, address.worker}; }
  std::string id;
  std::uint64_t token;
  SessionAddress address;
};

/// To claim an id, or replace its holder.
struct Take {
  OwnedLease claim;
  std::uint64_t expected;  ///< 0: no holder
  plugin::Claimed answer;
  /// In a cluster, once it has come to a wrong server: until when it may be sent to another one.
  std::optional<std::chrono::steady_clock::time_point> latest{};
};

struct Announce {
  OwnedLease claim;
  plugin::Done answer;
  std::optional<std::chrono::steady_clock::time_point> latest{};  ///< as above
};

struct Release {
  OwnedLease claim;
  plugin::Done answer;
};

struct Probe {
  OwnedLease incumbent;
  std::string instance;
  std::chrono::milliseconds timeout;
  plugin::Probed answer;
};

struct Lookup {
  std::vector<std::string> ids;
  plugin::Located answer;
};

/// A lookup with the lowest priority.
struct PresenceLookup {
  Lookup question;
};

struct Send {
  std::string instance;
  OwnedLease to;
  std::string body;
  plugin::YesNo answer;
};

struct SetStatus {
  std::string status;
};

struct ListInstances {
  plugin::Instances answer;
};

struct Ask {
  std::string instance;
  std::string body;
  plugin::Text answer;
};

/// A change of the table that all brokers share. expires_at 0: removes the entry.
struct SetEntry {
  std::string name;
  std::string value;
  std::uint64_t expires_at;
  plugin::Done answer;
};

struct ListEntries {
  std::string known_version;
  plugin::Entries answer;
};

/// An AnswerRecord.
struct OwnedAnswer {
  std::uint64_t request;
  plugin::Status status;
  std::string text;
};

/// This broker's answer to another.
struct Answered {
  std::shared_ptr<const std::string> instance;
  std::variant<ReplyRecord, ProbeResultRecord, OwnedAnswer> record;
};

/// An open message of a worker link, whose peer does not listen.
struct Unreached {
  std::uint64_t request;
  std::string id;
  std::uint64_t token;
};

/// A worker link asks whether the receivers' leases stand.
struct CheckReceivers {
  std::uint32_t worker_link;
  std::vector<Unreached> unreached;
};

/// A worker link has seen that another master serves a slot.
struct OutdatedSlots {};

/// How this broker identifies itself to Redis from now on.
struct NewAccess {
  Login login;
  Login sentinel;
  TlsContext tls;  ///< for the next connection; null: without TLS
};

using Request = std::variant<Take, Announce, Release, Probe, Lookup, PresenceLookup, Send, Answered,
                             NewAccess, SetStatus, ListInstances, Ask, SetEntry, ListEntries,
                             CheckReceivers, OutdatedSlots>;

}  // namespace crolang::redis_registry
