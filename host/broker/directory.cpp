#include "broker/directory.hpp"

namespace crolang::broker {

void Directory::insert(std::string_view id, Joined joined) {
  Shard& s = shard(HashedText(id));
  const std::lock_guard lock(s.mutex);
  s.nodes.insert_or_assign(std::string(id), joined);
}

void Directory::erase(std::string_view id, std::uint64_t token) {
  const HashedText key(id);
  Shard& s = shard(key);
  const std::lock_guard lock(s.mutex);
  const auto found = s.nodes.find(key);
  if (found != s.nodes.end() && found->second.token == token) s.nodes.erase(found);
}

std::optional<Joined> Directory::find(std::string_view id) const {
  const HashedText key(id);
  const Shard& s = shard(key);
  const std::lock_guard lock(s.mutex);
  const auto found = s.nodes.find(key);
  if (found == s.nodes.end()) return std::nullopt;
  return found->second;
}

std::size_t Directory::size() const {
  std::size_t sum = 0;
  for (const Shard& s : shards_) {
    const std::lock_guard lock(s.mutex);
    sum += s.nodes.size();
  }
  return sum;
}

std::vector<Directory::Entry> Directory::all() const {
  std::vector<Entry> entries;
  for (const Shard& s : shards_) {
    const std::lock_guard lock(s.mutex);
    for (const auto& [id, joined] : s.nodes) entries.push_back(Entry{id, joined.session});
  }
  return entries;
}

void Claims::insert(std::uint64_t token, Claim claim) {
  Shard& s = shard(token);
  const std::lock_guard lock(s.mutex);
  s.claims.insert_or_assign(token, claim);
}

void Claims::set_stage(std::uint64_t token, Stage stage) {
  Shard& s = shard(token);
  const std::lock_guard lock(s.mutex);
  const auto found = s.claims.find(token);
  if (found != s.claims.end()) found->second.stage = stage;
}

void Claims::erase(std::uint64_t token) {
  Shard& s = shard(token);
  const std::lock_guard lock(s.mutex);
  s.claims.erase(token);
}

std::optional<Claims::Claim> Claims::find(std::uint64_t token) const {
  const Shard& s = shard(token);
  const std::lock_guard lock(s.mutex);
  const auto found = s.claims.find(token);
  if (found == s.claims.end()) return std::nullopt;
  return found->second;
}

}  // namespace crolang::broker
