#include "redis-registry/scripts.hpp"

#include "crolang/plugin.h"

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

// The table is a sorted set, by the time at which an entry expires. A member is a name, a zero byte
// and a value. The last one, which never expires, is the version: a zero byte, a number that is
// chosen when the table is created, a dot, how often it was changed, a dot, and a number that is
// different for each change, since a failover may lose the last ones. Reads all members, since a
// name is not enough to find one; that takes about 3 ms if there are ten thousand.
constexpr std::string_view kSetEntry = R"(
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 60000)
local members = redis.call('ZRANGE', KEYS[1], 0, -1)
local version, old, count = nil, {}, 0
for _, member in ipairs(members) do
  if string.sub(member, 1, 1) == '\0' then
    version = member
  elseif string.sub(member, 1, #ARGV[1]) == ARGV[1] then
    old[#old + 1] = member
  else
    count = count + 1
  end
end
if ARGV[3] ~= '' and count >= 10000 then return 0 end
for _, member in ipairs(old) do redis.call('ZREM', KEYS[1], member) end
if ARGV[3] ~= '' then redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1] .. ARGV[2]) end
local epoch, changes = ARGV[4], '0'
if version then
  redis.call('ZREM', KEYS[1], version)
  local e, c = string.match(version, '^%z([^.]*)%.(%d+)%.')
  if e then epoch, changes = e, c end
end
changes = string.format('%.0f', tonumber(changes) + 1)
redis.call('ZADD', KEYS[1], '+inf', '\0' .. epoch .. '.' .. changes .. '.' .. ARGV[4])
redis.call('PEXPIRE', KEYS[1], 31708800000)
return 1)";
static_assert(CROLANG_MAX_ENTRIES == 10000, "as in the script");

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
    case Script::set_entry:
      return kSetEntry;
  }
  return {};
}

}  // namespace crolang::redis_registry
