/// The types of crolang/registry.h in C++: leases, their holders, answers, and the events of a
/// registry.
#pragma once

#include <crolang/registry.h>

#include <chrono>
#include <concepts>
#include <crolang/sdk/answers.hpp>
#include <crolang/sdk/host.hpp>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace crolang::plugin {

/// The lease of an id that the session identified by `token` claims or holds. `session` and
/// `worker` are stored with it and returned, never compared.
struct Lease {
  std::string_view id;
  std::uint64_t token = 0;
  std::uint64_t session = 0;
  std::uint32_t worker = 0;
};

/// The holder of a lease. An empty instance: no holder.
struct Holder {
  std::string_view instance;
  std::uint64_t token = 0;
  std::uint64_t session = 0;
  std::uint32_t worker = 0;
};

/// The status of an instance of the broker, as JSON.
struct InstanceStatus {
  std::string_view name;
  std::string_view status;
};

/// One entry of the table that all instances share, as views.
struct Entry {
  std::string_view name;
  std::string_view value;
  std::uint64_t expires_at = 0;  ///< ms since 1970-01-01T00:00:00Z; to set one, 0 removes it
};

inline Entry view(crolang_entry entry) noexcept {
  return {view(entry.name), view(entry.value), entry.expires_at};
}
inline Lease view(crolang_lease claim) noexcept {
  return {view(claim.id), claim.token, claim.session, claim.worker};
}
inline crolang_lease raw(Lease claim) noexcept {
  return {raw(claim.id), claim.token, claim.session, claim.worker};
}
inline Holder view(crolang_holder holder) noexcept {
  return {view(holder.instance), holder.token, holder.session, holder.worker};
}
inline crolang_holder raw(Holder holder) noexcept {
  return {raw(holder.instance), holder.token, holder.session, holder.worker};
}

class Claimed : public Answer<std::int32_t, crolang_holder> {
 public:
  using Answer::Answer;
  void granted() noexcept { answer(CROLANG_GRANTED, crolang_holder{}); }
  void held(Holder holder) noexcept { answer(CROLANG_HELD, raw(holder)); }
};

class Probed : public Answer<std::int32_t> {
 public:
  using Answer::Answer;
  void alive() noexcept { answer(CROLANG_ALIVE); }
  void yielded() noexcept { answer(CROLANG_YIELDED); }
  void gone() noexcept { answer(CROLANG_GONE); }
  void unreachable() noexcept { answer(CROLANG_UNREACHABLE); }
  void result(std::int32_t result) noexcept { answer(result); }
};

/// One holder for each id, in the order of the ids.
class Located : public Answer<const crolang_holder*, std::size_t> {
 public:
  using Answer::Answer;
  void located(std::span<const Holder> holders) {
    std::vector<crolang_holder> plain;
    plain.reserve(holders.size());
    for (const Holder& holder : holders) plain.push_back(raw(holder));
    answer(plain.data(), plain.size());
  }
};

/// Each instance at most once, in any order.
class Instances : public Answer<const crolang_instance*, std::size_t> {
 public:
  using Answer::Answer;
  void instances(std::span<const InstanceStatus> instances) {
    std::vector<crolang_instance> plain;
    plain.reserve(instances.size());
    for (const InstanceStatus& each : instances)
      plain.push_back({raw(each.name), raw(each.status)});
    answer(plain.data(), plain.size());
  }
};

class Entries : public Answer<std::int32_t, crolang_str, const crolang_entry*, std::size_t> {
 public:
  using Answer::Answer;
  /// The table still has the version that the broker knows.
  void unchanged(std::string_view version) { answer(CROLANG_UNCHANGED, raw(version), nullptr, 0); }
  void changed(std::string_view version, std::span<const Entry> entries) {
    list(CROLANG_CHANGED, version, entries);
  }
  /// As changed, but entries of the known version were lost: the broker sets again what it knows.
  void lost(std::string_view version, std::span<const Entry> entries) {
    list(CROLANG_ENTRIES_LOST, version, entries);
  }

 private:
  void list(std::int32_t outcome, std::string_view version, std::span<const Entry> entries) {
    std::vector<crolang_entry> plain;
    plain.reserve(entries.size());
    for (const Entry& each : entries) {
      plain.push_back({raw(each.name), raw(each.value), each.expires_at});
    }
    answer(outcome, raw(version), plain.data(), plain.size());
  }
};

/// Notifies the broker of events in the registry. Thread: any. Copy it freely.
class RegistryEvents {
 public:
  RegistryEvents(Host host, const crolang_registry_events* table)
      : host_(std::move(host)), table_(table) {}

  /// A message for a session of this broker. `answered(Status, bool taken)` is called once, on any
  /// thread, possibly at once.
  template <std::invocable<Status, bool> F>
  void on_message(Lease to, std::string_view body, F&& answered) const {
    using Function = std::decay_t<F>;
    const auto answer = [](void* call, crolang_status status, bool taken, crolang_str) {
      run<Function>(call, static_cast<Status>(status), taken);
    };
    table_->on_message(table_->ctx, raw(to), raw(body), answer, keep(std::forward<F>(answered)));
  }

  /// Likewise, without allocating: calls `answered(call, …)`.
  void on_message(Lease to, std::string_view body, crolang_yes_no_fn answered, void* call) const {
    table_->on_message(table_->ctx, raw(to), raw(body), answered, call);
  }

  /// Probes whether the session of this broker that holds the lease is alive. `answered(Status,
  /// int32_t result)` is called once, on any thread, possibly at once.
  template <std::invocable<Status, std::int32_t> F>
  void on_probe(Lease incumbent, std::chrono::milliseconds timeout, F&& answered) const {
    using Function = std::decay_t<F>;
    const auto answer = [](void* call, crolang_status status, std::int32_t result, crolang_str) {
      run<Function>(call, static_cast<Status>(status), result);
    };
    table_->on_probe(table_->ctx, raw(incumbent), static_cast<std::uint32_t>(timeout.count()),
                     answer, keep(std::forward<F>(answered)));
  }

  /// Another token holds the id of this claim.
  void on_lease_lost(Lease claim) const { table_->on_lease_lost(table_->ctx, raw(claim)); }
  void on_unavailable(std::string_view reason) const {
    table_->on_unavailable(table_->ctx, raw(reason));
  }
  void on_available() const { table_->on_available(table_->ctx); }

  /// Instance `from` asks this one a question. `answered(Status, std::string_view text,
  /// std::string_view error)` is called once, on any thread, possibly at once.
  template <std::invocable<Status, std::string_view, std::string_view> F>
  void on_ask(std::string_view from, std::string_view body, std::chrono::milliseconds timeout,
              F&& answered) const {
    using Function = std::decay_t<F>;
    if (!CROLANG_HAS(table_, on_ask) || table_->on_ask == nullptr) {
      answered(Status::invalid, std::string_view(), "this broker does not answer questions");
      return;
    }
    const auto answer = [](void* call, crolang_status status, crolang_str text, crolang_str error) {
      run<Function>(call, static_cast<Status>(status), view(text), view(error));
    };
    table_->on_ask(table_->ctx, raw(from), raw(body), static_cast<std::uint32_t>(timeout.count()),
                   answer, keep(std::forward<F>(answered)));
  }

 private:
  template <class Function>
  struct Waiting {
    Host host;
    Function function;
  };

  template <class F>
  Waiting<std::decay_t<F>>* keep(F&& function) const {
    return new Waiting<std::decay_t<F>>{host_, std::forward<F>(function)};
  }

  template <class Function, class... Values>
  static void run(void* call, Status status, Values... values) noexcept {
    const std::unique_ptr<Waiting<Function>> waiting(static_cast<Waiting<Function>*>(call));
    try {
      waiting->function(status, values...);
    } catch (const std::exception& error) {
      waiting->host.log(LogLevel::error, error.what());
    } catch (...) {
      waiting->host.log(LogLevel::error, "exception of unknown type");
    }
  }

  Host host_;
  const crolang_registry_events* table_;
};

}  // namespace crolang::plugin
