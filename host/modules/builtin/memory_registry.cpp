#include <array>
#include <mutex>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "crolang/keyed_hash.hpp"
#include "modules/builtin/builtin.hpp"

namespace crolang::modules::builtin {
namespace {

std::string_view view(crolang_str text) {
  return {text.data, text.size};
}

constexpr crolang_str kNoError{nullptr, 0};
constexpr crolang_holder kNobody{{nullptr, 0}, 0};

}  // namespace

class MemoryRegistry {
 public:
  struct Lease {
    std::uint64_t token = 0;
    bool announced = false;
  };

  /// Returns the token that holds the id afterwards. `expected` == 0: only an id that nobody holds
  /// is taken.
  std::uint64_t take(crolang_claim claim, std::uint64_t expected) {
    const HashedText id(view(claim.id));
    Shard& shard = shard_of(id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.leases.find(id);
    if (found == shard.leases.end()) {
      shard.leases.emplace(std::string(id.text), Lease{claim.token, false});
      return claim.token;
    }
    if (found->second.token == expected) found->second = Lease{claim.token, false};
    return found->second.token;
  }

  void announce(crolang_claim claim) {
    const HashedText id(view(claim.id));
    Shard& shard = shard_of(id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.leases.find(id);
    if (found != shard.leases.end() && found->second.token == claim.token) {
      found->second.announced = true;
    }
  }

  void release(crolang_claim claim) {
    const HashedText id(view(claim.id));
    Shard& shard = shard_of(id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.leases.find(id);
    if (found != shard.leases.end() && found->second.token == claim.token) {
      shard.leases.erase(found);
    }
  }

  crolang_holder holder(crolang_str id) {
    const HashedText key(view(id));
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.leases.find(key);
    if (found == shard.leases.end() || !found->second.announced) return kNobody;
    return {instance(), found->second.token};
  }

  void set_instance(std::string_view instance) { instance_ = instance; }
  crolang_str instance() const { return {instance_.data(), instance_.size()}; }

 private:
  struct Shard {
    std::mutex mutex;  // guards leases
    TextMap<Lease> leases;
  };

  // The map uses the low bits of the same hash.
  Shard& shard_of(const HashedText& id) { return shards_[id.hash >> 58]; }

  std::array<Shard, 64> shards_;
  std::string instance_;
};

namespace {

MemoryRegistry& registry(void* self) {
  return *static_cast<MemoryRegistry*>(self);
}

crolang_status bind(void* self, crolang_str instance, const crolang_registry_events*, char*,
                    std::size_t) {
  registry(self).set_instance(view(instance));
  return CROLANG_OK;
}

constexpr std::string_view kNoMemoryText = "no memory left";
constexpr crolang_str kNoMemory{kNoMemoryText.data(), kNoMemoryText.size()};

void answer_take(void* self, crolang_claim claim, std::uint64_t expected, crolang_claimed answer,
                 void* op) {
  std::uint64_t held_by = 0;
  try {
    held_by = registry(self).take(claim, expected);
  } catch (const std::bad_alloc&) {
    answer(op, CROLANG_UNAVAILABLE, 0, kNobody, kNoMemory);
    return;
  }
  if (held_by == claim.token) {
    answer(op, CROLANG_OK, CROLANG_GRANTED, kNobody, kNoError);
  } else {
    answer(op, CROLANG_OK, CROLANG_HELD, {registry(self).instance(), held_by}, kNoError);
  }
}

void claim_lease(void* self, crolang_claim claim, std::uint32_t, crolang_claimed answer, void* op) {
  answer_take(self, claim, 0, answer, op);
}

void replace(void* self, crolang_claim claim, crolang_holder expected, std::uint32_t,
             crolang_claimed answer, void* op) {
  answer_take(self, claim, expected.token, answer, op);
}

void announce(void* self, crolang_claim claim, std::uint32_t, crolang_done answer, void* op) {
  registry(self).announce(claim);
  answer(op, CROLANG_OK, kNoError);
}

void release(void* self, crolang_claim claim, std::uint32_t, crolang_done answer, void* op) {
  registry(self).release(claim);
  answer(op, CROLANG_OK, kNoError);
}

void probe(void*, crolang_str, crolang_holder, std::uint32_t, std::uint32_t, crolang_verdict answer,
           void* op) {
  // There is no other instance that could hold anything.
  answer(op, CROLANG_OK, CROLANG_GONE, kNoError);
}

void lookup(void* self, const crolang_str* ids, std::size_t count, std::uint32_t,
            crolang_located answer, void* op) {
  if (count == 1) {
    const crolang_holder holder = registry(self).holder(ids[0]);
    answer(op, CROLANG_OK, &holder, 1, kNoError);
    return;
  }
  std::vector<crolang_holder> holders;
  try {
    holders.reserve(count);
  } catch (const std::bad_alloc&) {
    answer(op, CROLANG_UNAVAILABLE, nullptr, 0, kNoMemory);
    return;
  }
  for (std::size_t i = 0; i < count; ++i) holders.push_back(registry(self).holder(ids[i]));
  answer(op, CROLANG_OK, holders.data(), holders.size(), kNoError);
}

void send(void*, crolang_str, crolang_claim, crolang_str, std::uint32_t, crolang_yes_no answer,
          void* op) {
  // Every session is on this instance, so whom the host did not find itself is not there.
  answer(op, CROLANG_OK, false, kNoError);
}

}  // namespace

MemoryRegistry* make_memory_registry() {
  return new MemoryRegistry;
}

void destroy_memory_registry(MemoryRegistry* registry) {
  delete registry;
}

const crolang_registry* memory_registry_table() noexcept {
  static constexpr crolang_registry kTable{sizeof(crolang_registry),
                                           &bind,
                                           &claim_lease,
                                           &replace,
                                           &announce,
                                           &release,
                                           &probe,
                                           &lookup,
                                           &send,
                                           nullptr,
                                           nullptr};
  return &kTable;
}

}  // namespace crolang::modules::builtin
