#pragma once
/// What the service is asked to do. Everything is owned: who asked is gone by the time it is done.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "crolang/plugin.hpp"
#include "redis-registry/interchange.hpp"

namespace crolang::redis_registry {

struct OwnedClaim {
  explicit OwnedClaim(plugin::Claim claim) : id(claim.id), token(claim.token) {}
  std::string id;
  std::uint64_t token;
};

/// claim and replace.
struct Take {
  OwnedClaim claim;
  std::uint64_t expected;  ///< 0: nobody
  plugin::Claimed answer;
};

struct Announce {
  OwnedClaim claim;
  plugin::Done answer;
};

struct Release {
  OwnedClaim claim;
  plugin::Done answer;
};

struct Probe {
  OwnedClaim incumbent;
  std::string instance;
  std::chrono::milliseconds timeout;
  plugin::Verdict answer;
};

struct Lookup {
  std::vector<std::string> ids;
  plugin::Located answer;
};

/// A lookup that everything else passes.
struct PresenceLookup {
  Lookup question;
};

struct Send {
  std::string instance;
  OwnedClaim to;
  std::string body;
  plugin::YesNo answer;
};

/// What this broker answers to another.
struct Answered {
  std::shared_ptr<const std::string> instance;
  std::variant<ReplyRecord, VerdictRecord> record;
};

/// What Redis knows this broker by from now on.
struct NewCredentials {
  std::string user;
  std::string password;
};

using Request = std::variant<Take, Announce, Release, Probe, Lookup, PresenceLookup, Send, Answered,
                             NewCredentials>;

}  // namespace crolang::redis_registry
