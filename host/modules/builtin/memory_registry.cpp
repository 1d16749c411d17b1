#include <array>
#include <cstdint>
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
constexpr crolang_holder kNoHolder{};

}  // namespace

class MemoryRegistry {
 public:
  struct Lease {
    std::uint64_t token = 0;
    std::uint64_t session = 0;
    std::uint32_t worker = 0;
    bool announced = false;
  };

  /// Returns the holder of the id afterwards. `expected` == 0: takes the id only if it has no
  /// holder.
  crolang_holder take(crolang_lease claim, std::uint64_t expected) {
    const HashedText id(view(claim.id));
    Shard& shard = shard_of(id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.leases.find(id);
    const Lease wanted{claim.token, claim.session, claim.worker, false};
    if (found == shard.leases.end()) {
      shard.leases.emplace(std::string(id.text), wanted);
      return holder_of(wanted);
    }
    if (found->second.token == expected) found->second = wanted;
    return holder_of(found->second);
  }

  void announce(crolang_lease claim) {
    const HashedText id(view(claim.id));
    Shard& shard = shard_of(id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.leases.find(id);
    if (found != shard.leases.end() && found->second.token == claim.token) {
      found->second.announced = true;
    }
  }

  void release(crolang_lease claim) {
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
    if (found == shard.leases.end() || !found->second.announced) return kNoHolder;
    return holder_of(found->second);
  }

  /// Called before all other functions. Thread: control.
  void bind(std::string_view instance, const crolang_registry_events* events) {
    instance_ = instance;
    events_ = events;
  }
  crolang_str instance() const { return {instance_.data(), instance_.size()}; }
  /// nullptr: the host does not answer questions.
  const crolang_registry_events* events_with_ask() const {
    const bool takes_questions =
        events_ != nullptr && CROLANG_HAS(events_, on_ask) && events_->on_ask != nullptr;
    return takes_questions ? events_ : nullptr;
  }

  void set_status(std::string_view status) {
    const std::lock_guard lock(status_mutex_);
    status_ = status;
  }
  /// Empty: no status was set.
  std::string status() const {
    const std::lock_guard lock(status_mutex_);
    return status_;
  }

 private:
  crolang_holder holder_of(const Lease& lease) const {
    return {instance(), lease.token, lease.session, lease.worker};
  }

  struct Shard {
    std::mutex mutex;  // guards leases
    TextMap<Lease> leases;
  };

  // The map uses the low bits of the same hash.
  Shard& shard_of(const HashedText& id) { return shards_[id.hash >> 58]; }

  std::array<Shard, 64> shards_;
  std::string instance_;
  const crolang_registry_events* events_ = nullptr;
  mutable std::mutex status_mutex_;  // guards status_
  std::string status_;
};

namespace {

MemoryRegistry& registry(void* self) {
  return *static_cast<MemoryRegistry*>(self);
}

crolang_status bind(void* self, crolang_str instance, const crolang_registry_events* events, char*,
                    std::size_t) {
  registry(self).bind(view(instance), events);
  return CROLANG_OK;
}

constexpr std::string_view kNoMemoryText = "out of memory";
constexpr crolang_str kNoMemory{kNoMemoryText.data(), kNoMemoryText.size()};
constexpr std::string_view kTooLongText = "the question is too long";
constexpr crolang_str kTooLong{kTooLongText.data(), kTooLongText.size()};
constexpr std::string_view kNoInstanceText = "no such instance";
constexpr crolang_str kNoInstance{kNoInstanceText.data(), kNoInstanceText.size()};

void answer_take(void* self, crolang_lease claim, std::uint64_t expected, crolang_claimed_fn answer,
                 void* call) {
  crolang_holder holder{};
  try {
    holder = registry(self).take(claim, expected);
  } catch (const std::bad_alloc&) {
    answer(call, CROLANG_UNAVAILABLE, 0, kNoHolder, kNoMemory);
    return;
  }
  if (holder.token == claim.token) {
    answer(call, CROLANG_OK, CROLANG_GRANTED, kNoHolder, kNoError);
  } else {
    answer(call, CROLANG_OK, CROLANG_HELD, holder, kNoError);
  }
}

void claim_lease(void* self, crolang_lease claim, std::uint32_t, crolang_claimed_fn answer,
                 void* call) {
  answer_take(self, claim, 0, answer, call);
}

void replace(void* self, crolang_lease claim, crolang_holder expected, std::uint32_t,
             crolang_claimed_fn answer, void* call) {
  answer_take(self, claim, expected.token, answer, call);
}

void announce(void* self, crolang_lease claim, std::uint32_t, crolang_done_fn answer, void* call) {
  registry(self).announce(claim);
  answer(call, CROLANG_OK, kNoError);
}

void release(void* self, crolang_lease claim, std::uint32_t, crolang_done_fn answer, void* call) {
  registry(self).release(claim);
  answer(call, CROLANG_OK, kNoError);
}

void probe(void*, crolang_str, crolang_holder, std::uint32_t, std::uint32_t,
           crolang_probed_fn answer, void* call) {
  // There is no other instance that could hold a lease.
  answer(call, CROLANG_OK, CROLANG_GONE, kNoError);
}

void lookup(void* self, const crolang_str* ids, std::size_t count, std::uint32_t,
            crolang_located_fn answer, void* call) {
  if (count == 1) {
    const crolang_holder holder = registry(self).holder(ids[0]);
    answer(call, CROLANG_OK, &holder, 1, kNoError);
    return;
  }
  std::vector<crolang_holder> holders;
  try {
    holders.reserve(count);
  } catch (const std::bad_alloc&) {
    answer(call, CROLANG_UNAVAILABLE, nullptr, 0, kNoMemory);
    return;
  }
  for (std::size_t i = 0; i < count; ++i) holders.push_back(registry(self).holder(ids[i]));
  answer(call, CROLANG_OK, holders.data(), holders.size(), kNoError);
}

void send(void*, crolang_str, crolang_lease, crolang_str, std::uint32_t, crolang_yes_no_fn answer,
          void* call) {
  // Every session is on this instance, so a receiver that the host has not found itself is not
  // connected.
  answer(call, CROLANG_OK, false, kNoError);
}

void set_status(void* self, crolang_str status) {
  try {
    registry(self).set_status(view(status));
  } catch (const std::bad_alloc&) {
    // Without memory the previous status stays until the next one is set.
  }
}

void list_instances(void* self, std::uint32_t, crolang_instances_fn answer, void* call) {
  std::string status;
  try {
    status = registry(self).status();
  } catch (const std::bad_alloc&) {
    answer(call, CROLANG_UNAVAILABLE, nullptr, 0, kNoMemory);
    return;
  }
  const crolang_instance here{registry(self).instance(), {status.data(), status.size()}};
  answer(call, CROLANG_OK, &here, status.empty() ? 0 : 1, kNoError);
}

void ask(void* self, crolang_str instance, crolang_str body, std::uint32_t timeout_ms,
         crolang_text_fn answer, void* call) {
  const crolang_str here = registry(self).instance();
  const crolang_registry_events* const events = registry(self).events_with_ask();
  if (body.size > CROLANG_MAX_ASK) {
    answer(call, CROLANG_INVALID, kNoError, kTooLong);
  } else if (view(instance) != view(here) || events == nullptr) {
    answer(call, CROLANG_UNAVAILABLE, kNoError, kNoInstance);
  } else {
    events->on_ask(events->ctx, here, body, timeout_ms, answer, call);
  }
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
                                           nullptr,
                                           &set_status,
                                           &list_instances,
                                           &ask};
  return &kTable;
}

}  // namespace crolang::modules::builtin
