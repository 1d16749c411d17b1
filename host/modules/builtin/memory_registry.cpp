#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <string_view>
#include <utility>
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

  /// False: there are too many already.
  bool set_entry(const crolang_entry& entry, std::uint64_t now) {
    const std::lock_guard lock(entries_mutex_);
    std::erase_if(entries_, [now](const auto& each) { return each.second.expires_at <= now; });
    if (entry.expires_at == 0) {
      if (const auto found = entries_.find(view(entry.name)); found != entries_.end()) {
        entries_.erase(found);
        ++entries_version_;
      }
      return true;
    }
    if (entries_.size() >= CROLANG_MAX_ENTRIES && !entries_.contains(view(entry.name))) {
      return false;
    }
    entries_.insert_or_assign(std::string(view(entry.name)),
                              EntryValue{std::string(view(entry.value)), entry.expires_at});
    ++entries_version_;
    return true;
  }
  struct EntryValue {
    std::string value;
    std::uint64_t expires_at = 0;
  };
  using Entries = std::map<std::string, EntryValue, std::less<>>;
  /// With their version, which is empty before the first entry.
  std::pair<Entries, std::string> entries() const {
    const std::lock_guard lock(entries_mutex_);
    return {entries_, entries_version_ == 0 ? std::string() : std::to_string(entries_version_)};
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
  mutable std::mutex entries_mutex_;  // guards what follows
  Entries entries_;
  std::uint64_t entries_version_ = 0;
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
constexpr std::string_view kTooManyEntriesText = "there are 10000 entries already";
constexpr crolang_str kTooManyEntries{kTooManyEntriesText.data(), kTooManyEntriesText.size()};
constexpr std::string_view kBadEntryText = "the entry's name or value is too long";
constexpr crolang_str kBadEntry{kBadEntryText.data(), kBadEntryText.size()};
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

std::uint64_t unix_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

bool is_allowed(const crolang_entry& entry) {
  return entry.name.size != 0 && entry.name.size <= CROLANG_MAX_ENTRY_NAME &&
         entry.value.size <= CROLANG_MAX_ENTRY_VALUE &&
         view(entry.name).find('\0') == std::string_view::npos;
}

void set_entry(void* self, crolang_entry entry, std::uint32_t, crolang_done_fn answer, void* call) {
  if (!is_allowed(entry)) {
    answer(call, CROLANG_INVALID, kBadEntry);
    return;
  }
  bool is_set = false;
  try {
    is_set = registry(self).set_entry(entry, unix_ms());
  } catch (const std::bad_alloc&) {
    answer(call, CROLANG_UNAVAILABLE, kNoMemory);
    return;
  }
  answer(call, is_set ? CROLANG_OK : CROLANG_INVALID, is_set ? kNoError : kTooManyEntries);
}

void list_entries(void* self, crolang_str known_version, std::uint32_t, crolang_entries_fn answer,
                  void* call) {
  std::pair<MemoryRegistry::Entries, std::string> found;
  std::vector<crolang_entry> entries;
  try {
    found = registry(self).entries();
    entries.reserve(found.first.size());
  } catch (const std::bad_alloc&) {
    answer(call, CROLANG_UNAVAILABLE, CROLANG_UNCHANGED, kNoError, nullptr, 0, kNoMemory);
    return;
  }
  const std::string& version = found.second;
  const crolang_str lent{version.data(), version.size()};
  if (view(known_version) == version) {
    answer(call, CROLANG_OK, CROLANG_UNCHANGED, lent, nullptr, 0, kNoError);
    return;
  }
  for (const auto& [name, entry] : found.first) {
    entries.push_back(
        {{name.data(), name.size()}, {entry.value.data(), entry.value.size()}, entry.expires_at});
  }
  answer(call, CROLANG_OK, CROLANG_CHANGED, lent, entries.data(), entries.size(), kNoError);
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
                                           &ask,
                                           &set_entry,
                                           &list_entries};
  return &kTable;
}

}  // namespace crolang::modules::builtin
