#pragma once
/// registry/1 over a map that all its instances share: the smallest thing that passes the
/// registry's contract, and so the test of the contract itself. Threads: as the kind demands; one
/// lock for the grid, never held while calling out.

#include <crolang/plugin.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace crolang::plugin_abi {

class MemoryGrid final : public plugin::Registry {
 public:
  void bind(std::string_view instance, plugin::RegistryEvents events) override {
    instance_ = instance;
    const std::lock_guard lock(grid().mutex);
    grid().instances.emplace(instance_, std::move(events));
  }

  void stop(plugin::Stopped stopped) override {
    const std::lock_guard lock(grid().mutex);
    grid().instances.erase(instance_);
    grid().statuses.erase(instance_);
    stopped();
  }

  void claim(plugin::Lease claim, plugin::Claimed answer) override {
    take(claim, std::nullopt, std::move(answer));
  }

  void replace(plugin::Lease claim, plugin::Holder expected, plugin::Claimed answer) override {
    take(claim, expected.token, std::move(answer));
  }

  void announce(plugin::Lease claim, plugin::Done answer) override {
    {
      const std::lock_guard lock(grid().mutex);
      if (Lease* const lease = grid().find(claim)) lease->announced = true;
    }
    answer.done();
  }

  void release(plugin::Lease claim, plugin::Done answer) override {
    {
      const std::lock_guard lock(grid().mutex);
      if (grid().find(claim) != nullptr) grid().leases.erase(std::string(claim.id));
    }
    answer.done();
  }

  void probe(std::string_view id, plugin::Holder incumbent, std::chrono::milliseconds timeout,
             plugin::Probed answer) override {
    if (const auto events = grid().events_of(incumbent.instance)) {
      events->on_probe({id, incumbent.token, incumbent.session, incumbent.worker}, timeout,
                       [answer = std::move(answer)](plugin::Status status, auto result) mutable {
                         if (status == plugin::Status::ok) {
                           answer.result(result);
                         } else {
                           answer.fail(status);
                         }
                       });
    } else {
      answer.unreachable();
    }
  }

  void lookup(const plugin::Ids& ids, plugin::Located answer) override {
    std::vector<Lease> leases;
    {
      const std::lock_guard lock(grid().mutex);
      for (const std::string_view id : ids) {
        const auto found = grid().leases.find(id);
        const bool visible = found != grid().leases.end() && found->second.announced;
        leases.push_back(visible ? found->second : Lease{});
      }
    }
    std::vector<plugin::Holder> holders;
    for (const Lease& lease : leases) holders.push_back(holder_of(lease));
    answer.located(holders);
  }

  void send(std::string_view instance, plugin::Lease to, std::string_view body,
            plugin::YesNo answer) override {
    if (const auto events = grid().events_of(instance)) {
      events->on_message(to, body,
                         [answer = std::move(answer)](plugin::Status status, bool taken) mutable {
                           if (status == plugin::Status::ok) {
                             answer.decide(taken);
                           } else {
                             answer.fail(status);
                           }
                         });
    } else {
      answer.no();
    }
  }

  void set_status(std::string_view status) override {
    const std::lock_guard lock(grid().mutex);
    grid().statuses.insert_or_assign(instance_, std::string(status));
  }

  void list_instances(plugin::Instances answer) override {
    std::map<std::string, std::string, std::less<>> statuses;
    {
      const std::lock_guard lock(grid().mutex);
      statuses = grid().statuses;
    }
    std::vector<plugin::InstanceStatus> instances;
    for (const auto& [name, status] : statuses) instances.push_back({name, status});
    answer.instances(instances);
  }

  void ask(std::string_view instance, std::string_view body, plugin::Text answer) override {
    const auto events = grid().events_of(instance);
    if (body.size() > CROLANG_MAX_ASK) {
      answer.fail(plugin::Status::invalid, "the question is too long");
    } else if (!events) {
      answer.fail(plugin::Status::unavailable, "no such instance");
    } else {
      // Whoever does not answer in time is what the deadline of a real way is for; here it is a
      // timer of the host.
      const auto open = std::make_shared<Open>(std::move(answer));
      const auto timeout = open->answer->deadline();
      host_.post_after(timeout, [open] { open->settle(plugin::Status::timeout, {}, {}); });
      events->on_ask(instance_, body, timeout,
                     [open](plugin::Status status, std::string_view text, std::string_view error) {
                       open->settle(status, text, error);
                     });
    }
  }

  void set_entry(plugin::Entry entry, plugin::Done answer) override {
    const bool is_allowed = !entry.name.empty() && entry.name.size() <= CROLANG_MAX_ENTRY_NAME &&
                            entry.value.size() <= CROLANG_MAX_ENTRY_VALUE;
    bool has_room = true;
    if (is_allowed) {
      const std::lock_guard lock(grid().mutex);
      const std::string name(entry.name);
      has_room = grid().entries.contains(name) || grid().entries.size() < CROLANG_MAX_ENTRIES;
      if (entry.expires_at == 0) {
        grid().entries.erase(name);
      } else if (has_room) {
        grid().entries[name] = {std::string(entry.value), entry.expires_at};
      }
      ++grid().entries_version;
    }
    if (!is_allowed || (!has_room && entry.expires_at != 0)) {
      answer.fail(plugin::Status::invalid, "too long, or too many");
    } else {
      answer.done();
    }
  }

  void list_entries(std::string_view known_version, plugin::Entries answer) override {
    std::map<std::string, std::pair<std::string, std::uint64_t>, std::less<>> copy;
    std::string version;
    {
      const std::lock_guard lock(grid().mutex);
      copy = grid().entries;
      if (grid().entries_version != 0) version = std::to_string(grid().entries_version);
    }
    if (version == known_version) {
      answer.unchanged(version);
      return;
    }
    std::vector<plugin::Entry> entries;
    for (const auto& [name, each] : copy) entries.push_back({name, each.first, each.second});
    answer.changed(version, entries);
  }

  explicit MemoryGrid(plugin::Host host) : host_(std::move(host)) {}

 private:
  struct Lease {
    std::string instance;
    std::uint64_t token = 0;
    std::uint64_t session = 0;
    std::uint32_t worker = 0;
    bool announced = false;
  };

  /// A question that is answered by whoever is first.
  struct Open {
    explicit Open(plugin::Text asked) : answer(std::move(asked)) {}
    void settle(plugin::Status status, std::string_view text, std::string_view error) {
      std::optional<plugin::Text> first;
      {
        const std::lock_guard lock(mutex);
        first.swap(answer);
      }
      if (first) first->pass_on(status, text, error);
    }
    std::mutex mutex;  // guards answer
    std::optional<plugin::Text> answer;
  };

  static plugin::Holder holder_of(const Lease& lease) {
    return {lease.instance, lease.token, lease.session, lease.worker};
  }

  struct Grid {
    Lease* find(plugin::Lease claim) {
      const auto found = leases.find(claim.id);
      if (found == leases.end() || found->second.token != claim.token) return nullptr;
      return &found->second;
    }

    std::optional<plugin::RegistryEvents> events_of(std::string_view instance) {
      const std::lock_guard lock(mutex);
      const auto found = instances.find(instance);
      if (found == instances.end()) return std::nullopt;
      return found->second;
    }

    std::mutex mutex;  // guards what follows
    std::map<std::string, Lease, std::less<>> leases;
    std::map<std::string, plugin::RegistryEvents, std::less<>> instances;
    std::map<std::string, std::string, std::less<>> statuses;
    std::map<std::string, std::pair<std::string, std::uint64_t>, std::less<>> entries;
    std::uint64_t entries_version = 0;
  };

  static Grid& grid() {
    static Grid shared;
    return shared;
  }

  void take(plugin::Lease claim, std::optional<std::uint64_t> expected, plugin::Claimed answer) {
    Lease holder;
    {
      const std::lock_guard lock(grid().mutex);
      auto& lease = grid().leases[std::string(claim.id)];
      if (lease.token == 0 || lease.token == expected) {
        lease = {instance_, claim.token, claim.session, claim.worker, false};
      }
      holder = lease;
    }
    if (holder.token == claim.token) {
      answer.granted();
    } else {
      answer.held(holder_of(holder));
    }
  }

  const plugin::Host host_;
  std::string instance_;
};

inline constexpr crolang_plugin kMemoryGrid = plugin::make_entry<MemoryGrid>(
    "org.crolang.test.memory-grid", "1.0.0", "leases in memory", plugin::kNoEnv);

}  // namespace crolang::plugin_abi
