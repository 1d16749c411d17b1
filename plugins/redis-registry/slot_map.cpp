#include "redis-registry/slot_map.hpp"

#include <algorithm>

#include "redis-registry/redis_reply.hpp"

namespace crolang::redis_registry {
namespace {

constexpr unsigned kPolynomial = 0x1021;  // x^16 + x^12 + x^5 + 1
constexpr std::size_t kFirstNode = 2;     // in an entry, behind the first and the last slot

constexpr std::array<std::uint16_t, 256> crc_table() {
  std::array<std::uint16_t, 256> table{};
  for (unsigned byte = 0; byte < table.size(); ++byte) {
    unsigned crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) crc = crc << 1 ^ ((crc & 0x8000u) != 0 ? kPolynomial : 0);
    table[byte] = static_cast<std::uint16_t>(crc);
  }
  return table;
}

constexpr auto kTable = crc_table();

std::string_view hashed_part(std::string_view key) {
  const std::size_t begin = key.find('{');
  if (begin == std::string_view::npos) return key;
  const std::size_t end = key.find('}', begin + 1);
  const bool is_tag = end != std::string_view::npos && end != begin + 1;
  return is_tag ? key.substr(begin + 1, end - begin - 1) : key;
}

bool is_slot(const redisReply& reply) {
  return reply.type == REDIS_REPLY_INTEGER && reply.integer >= 0 &&
         reply.integer < static_cast<long long>(SlotMap::kSlots);
}

/// The address of a node: a name or null, a port, and what else the server says.
std::optional<HostPort> read_node(const redisReply& node, const HostPort& asked) {
  if (node.type != REDIS_REPLY_ARRAY || node.elements < 2) return std::nullopt;
  const redisReply& port = *node.element[1];
  if (port.type != REDIS_REPLY_INTEGER || port.integer < 1 || port.integer > 65535) {
    return std::nullopt;
  }
  // "?" is the name of a node that does not know its own.
  const std::string_view host = text_of(*node.element[0]);
  const bool is_stated = !host.empty() && host != "?";
  return HostPort{is_stated ? std::string(host) : asked.host,
                  static_cast<std::uint16_t>(port.integer)};
}

}  // namespace

Slot slot_of(std::string_view key) {
  unsigned crc = 0;
  for (const char c : hashed_part(key)) {
    const unsigned byte = static_cast<unsigned char>(c);
    crc = (crc << 8 & 0xffffu) ^ kTable[(crc >> 8 ^ byte) & 0xffu];
  }
  return static_cast<Slot>(crc % SlotMap::kSlots);
}

std::optional<SlotMap> SlotMap::read(const redisReply& reply, const HostPort& asked) {
  if (reply.type != REDIS_REPLY_ARRAY) return std::nullopt;
  SlotMap map;
  for (std::size_t i = 0; i < reply.elements; ++i) {
    if (!map.add(*reply.element[i], asked)) return std::nullopt;
  }
  // Ranges come in no particular order, and maps are compared.
  std::vector<HostPort> by_slot;
  std::vector<std::uint16_t> new_index(map.masters_.size(), kNobody);
  for (std::uint16_t& owner : map.owners_) {
    if (owner == kNobody) continue;
    ++map.covered_;
    std::uint16_t& index = new_index[owner];
    if (index == kNobody) {
      index = static_cast<std::uint16_t>(by_slot.size());
      by_slot.push_back(map.masters_[owner]);
    }
    owner = index;
  }
  map.masters_ = std::move(by_slot);
  return map;
}

bool SlotMap::add(const redisReply& range, const HostPort& asked) {
  if (range.type != REDIS_REPLY_ARRAY || range.elements <= kFirstNode) return false;
  const redisReply& first = *range.element[0];
  const redisReply& last = *range.element[1];
  if (!is_slot(first) || !is_slot(last) || first.integer > last.integer) return false;
  // The master comes first, then its replicas.
  const auto master = read_node(*range.element[kFirstNode], asked);
  if (!master) return false;
  const auto index = index_of(*master);
  if (!index) return false;
  std::fill(owners_.begin() + first.integer, owners_.begin() + last.integer + 1, *index);
  return true;
}

std::optional<std::uint16_t> SlotMap::index_of(const HostPort& master) {
  const auto found = std::ranges::find(masters_, master);
  if (found == masters_.end()) {
    if (masters_.size() == kMaxMasters) return std::nullopt;
    masters_.push_back(master);
    return static_cast<std::uint16_t>(masters_.size() - 1);
  }
  return static_cast<std::uint16_t>(found - masters_.begin());
}

}  // namespace crolang::redis_registry
