#pragma once
/// registry/1 over a map that all its instances share: the smallest thing that passes the
/// registry's contract, and so the test of the contract itself. Threads: as the kind demands; one
/// lock for the grid, never held while calling out.

#include <crolang/plugin.hpp>
#include <map>
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
    stopped();
  }

  void claim(plugin::Claim claim, plugin::Claimed answer) override {
    take(claim, std::nullopt, std::move(answer));
  }

  void replace(plugin::Claim claim, plugin::Holder expected, plugin::Claimed answer) override {
    take(claim, expected.token, std::move(answer));
  }

  void announce(plugin::Claim claim, plugin::Done answer) override {
    {
      const std::lock_guard lock(grid().mutex);
      if (Lease* const lease = grid().find(claim)) lease->announced = true;
    }
    answer.done();
  }

  void release(plugin::Claim claim, plugin::Done answer) override {
    {
      const std::lock_guard lock(grid().mutex);
      if (grid().find(claim) != nullptr) grid().leases.erase(std::string(claim.id));
    }
    answer.done();
  }

  void probe(std::string_view id, plugin::Holder incumbent, std::chrono::milliseconds timeout,
             plugin::Verdict answer) override {
    if (const auto events = grid().events_of(incumbent.instance)) {
      events->on_probe({id, incumbent.token}, timeout,
                       [answer = std::move(answer)](plugin::Status status, auto verdict) mutable {
                         if (status == plugin::Status::ok) {
                           answer.verdict(verdict);
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
    for (const Lease& lease : leases) holders.push_back({lease.instance, lease.token});
    answer.located(holders);
  }

  void send(std::string_view instance, plugin::Claim to, std::string_view body,
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

 private:
  struct Lease {
    std::string instance;
    std::uint64_t token = 0;
    bool announced = false;
  };

  struct Grid {
    Lease* find(plugin::Claim claim) {
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
  };

  static Grid& grid() {
    static Grid shared;
    return shared;
  }

  void take(plugin::Claim claim, std::optional<std::uint64_t> expected, plugin::Claimed answer) {
    Lease holder;
    {
      const std::lock_guard lock(grid().mutex);
      auto& lease = grid().leases[std::string(claim.id)];
      if (lease.token == 0 || lease.token == expected) lease = {instance_, claim.token, false};
      holder = lease;
    }
    if (holder.token == claim.token) {
      answer.granted();
    } else {
      answer.held({holder.instance, holder.token});
    }
  }

  std::string instance_;
};

inline constexpr crolang_plugin kMemoryGrid = plugin::make_entry<MemoryGrid>(
    "org.crolang.test.memory-grid", "1.0.0", "leases in memory", plugin::kNoEnv);

}  // namespace crolang::plugin_abi
