#include "redis-registry/scripts.hpp"

namespace crolang::redis_registry {
namespace {

// A key that holds no string is nobody's lease, so it counts as foreign: pcall, since GET fails on
// it.
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
local lost = {}
for i = 1, #KEYS do
  local there = redis.pcall('GET', KEYS[i])
  if type(there) == 'table' and not string.find(there.err, 'WRONGTYPE', 1, true) then return there end
  local mine = ARGV[i + 1]
  if there == mine then
    redis.call('PEXPIRE', KEYS[i], ARGV[1])
  elseif not there or (type(there) == 'string' and string.sub(there, 1, 16) == string.sub(mine, 1, 16)) then
    redis.call('SET', KEYS[i], mine, 'PX', ARGV[1])
  else
    lost[#lost + 1] = i
  end
end
return lost)";

constexpr std::array<std::string_view, kScripts> kSources{kTake, kAnnounce, kRelease, kRefresh};

}  // namespace

std::string_view source(Script script) {
  return kSources[static_cast<std::size_t>(script)];
}

}  // namespace crolang::redis_registry
