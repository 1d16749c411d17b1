#include "redis-registry/scripts.hpp"

namespace crolang::redis_registry {
namespace {

// A key that is not a string was not written by a broker, so it counts as foreign. GET fails on it,
// hence pcall.
constexpr std::string_view kTake = R"(
local there = redis.pcall('GET', KEYS[1])
if type(there) == 'table' then
  if string.find(there.err, 'WRONGTYPE', 1, true) then return '' end
  return there
end
if there then
  local token = string.sub(there, 1, 16)
  if token ~= ARGV[1] and token ~= ARGV[2] then return there end
end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
return 1)";

constexpr std::string_view kAnnounce = R"(
local there = redis.pcall('GET', KEYS[1])
if type(there) == 'table' then
  if string.find(there.err, 'WRONGTYPE', 1, true) then return '' end
  return there
end
if there and string.sub(there, 1, 16) ~= ARGV[1] then return there end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1)";

constexpr std::string_view kRelease = R"(
local there = redis.pcall('GET', KEYS[1])
if type(there) ~= 'string' or string.sub(there, 1, 16) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1]))";

constexpr std::string_view kRefresh = R"(
local there = redis.pcall('GET', KEYS[1])
if type(there) == 'table' then
  if string.find(there.err, 'WRONGTYPE', 1, true) then return '' end
  return there
end
if there == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return 1
end
if there then
  local token = string.sub(there, 1, 16)
  if token ~= string.sub(ARGV[1], 1, 16) and token ~= ARGV[3] then return there end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1)";

// Uses the clock of Redis, since those of the brokers may differ. The list itself expires only
// after the longest possible lease, since brokers of one grid may have different TTLs.
constexpr std::string_view kEnlist = R"(
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], 86400000)
return 1)";

}  // namespace

std::string_view source(Script script) {
  switch (script) {
    case Script::take:
      return kTake;
    case Script::announce:
      return kAnnounce;
    case Script::release:
      return kRelease;
    case Script::refresh:
      return kRefresh;
    case Script::enlist:
      return kEnlist;
  }
  return {};
}

}  // namespace crolang::redis_registry
