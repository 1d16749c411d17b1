#pragma once
/// The modules as one worker calls them: a function for each question, with the deadline and the
/// late-answer guard of its PendingCalls. Every function returns the answer if it is available at
/// once (valid until the next question), else nullptr, and the waiter's sink gets the answer later
/// on the same worker.
///
/// Threads: owning worker only.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "modules/clients/pending_calls.hpp"
#include "modules/clients/request_headers.hpp"
#include "modules/module_table.hpp"

namespace crolang::modules {

struct NodeFacts {
  std::string_view id;
  std::string_view version;
  std::string_view runtime;
  std::optional<std::string_view> data;
  std::string_view client_address = {};      ///< empty: unknown
  std::string_view tls_client_subject = {};  ///< RFC 4514; empty: it has no certificate
  std::string_view request_headers = {};     ///< as in request_headers.hpp; those that were kept
};

namespace detail {

// base.h: a text's `data` is NULL only where a function says what that means.
inline crolang_str borrow(std::string_view text) {
  return {text.data() == nullptr ? "" : text.data(), text.size()};
}

inline crolang_lease borrow(const Lease& claim) {
  return {borrow(claim.id), claim.token, claim.session, claim.worker};
}

inline crolang_holder borrow(const Holder& holder) {
  return {borrow(holder.instance), holder.token, holder.session, holder.worker};
}

inline std::uint32_t ms(std::chrono::milliseconds time) {
  return static_cast<std::uint32_t>(time.count());
}

inline std::vector<crolang_str> borrow(std::span<const std::string_view> ids) {
  std::vector<crolang_str> texts;
  texts.reserve(ids.size());
  for (const std::string_view id : ids) texts.push_back(borrow(id));
  return texts;
}

}  // namespace detail

class Clients {
 public:
  Clients(const ModuleTable& modules, PendingCalls& calls, std::chrono::milliseconds timeout);

  /// Whether the authentication reads headers of the node's request.
  bool reads_request() const noexcept {
    return (modules_.of<Kind::authentication>().table->flags & CROLANG_READS_REQUEST) != 0;
  }
  /// Those that it reads, of these lines. Valid until the next call; a part of the lines, or a copy
  /// in `scratch`.
  std::string_view headers_read(std::string_view lines, std::string& scratch) const {
    return reads_request() ? headers_.select(lines, scratch) : std::string_view();
  }
  const Answer* authenticate(const Waiter& waiter, const NodeFacts& node);
  const Answer* claim(const Waiter& waiter, const Lease& claim);
  const Answer* replace(const Waiter& waiter, const Lease& claim, const Holder& expected);
  const Answer* announce(const Waiter& waiter, const Lease& claim);
  void release(const Lease& claim);
  const Answer* probe(const Waiter& waiter, std::string_view id, const Holder& incumbent,
                      std::chrono::milliseconds node_timeout);
  /// The incumbent is on this instance: `ask(call)` must ensure that PendingCalls::on_probed is
  /// called.
  template <class Ask>
  const Answer* probe_here(const Waiter& waiter, std::chrono::milliseconds node_timeout,
                           Ask&& ask) {
    static const std::string kNoPlugin;
    return calls_.ask(Question::probe, kNoPlugin, waiter, timeout_ + node_timeout, 0, {},
                      static_cast<Ask&&>(ask));
  }
  const Answer* lookup(const Waiter& waiter, std::span<const std::string_view> ids);
  /// Like lookup, for a node's presence query: has a lower priority than everything else.
  const Answer* presence(const Waiter& waiter, std::span<const std::string_view> ids);
  const Answer* send(const Waiter& waiter, std::string_view instance, const Lease& to,
                     std::string_view body, const Receipt& receipt);
  const Answer* resolve_rtc(const Waiter& waiter, std::string_view node);
  // Hot: per message.
  const Answer* authorize(const Waiter& waiter, std::string_view from, std::string_view to);
  const Answer* check_validity(const Waiter& waiter, std::span<const std::string_view> ids);
  void observe(std::string_view from, std::string_view to, bool receiver_connected);

  /// All instances that have a status.
  const Answer* list_instances(const Waiter& waiter);
  /// Asks another instance, or this one. Question and answer are arbitrary bytes. `longest`: how
  /// long to wait, if that is less than for any other answer.
  const Answer* ask_instance(const Waiter& waiter, std::string_view instance, std::string_view body,
                             std::chrono::milliseconds longest = std::chrono::milliseconds::max());
  /// Whether the registry has a table that all instances share.
  bool shares_entries() const noexcept { return shares_entries(modules_); }
  static bool shares_entries(const ModuleTable& modules) noexcept;
  /// Only if it has one. A change of it: `entry` replaces the one with its name, or removes it.
  const Answer* set_entry(const Waiter& waiter, const Entry& entry);
  /// Only if it has one. All its entries, unless it still has this version.
  const Answer* list_entries(const Waiter& waiter, std::string_view known_version);
  /// Sets the status of this instance, at most CROLANG_MAX_STATUS bytes of JSON.
  void set_status(std::string_view status);

  /// No more questions follow for now. Called at the end of each iteration of the worker's loop.
  void flush();
  /// Callbacks of io/1 have run: the registry is flushed as after questions.
  void note_callbacks() noexcept { ++unflushed_; }
  /// Questions to the registry, and bursts of callbacks, since the last flush; 0 if it has none.
  std::size_t unflushed() const noexcept {
    return modules_.of<Kind::registry>().table->flush == nullptr ? 0 : unflushed_;
  }

  PendingCalls& calls() noexcept { return calls_; }

 private:
  template <class Invoke>
  const Answer* ask_registry(Question question, const Waiter& waiter,
                             std::chrono::milliseconds timeout, std::size_t expected,
                             const Lease& claim, Invoke&& invoke,
                             const Receipt& receipt = kNoReceipt);

  const ModuleTable& modules_;
  PendingCalls& calls_;
  const HeaderSelection headers_;  // that the authentication reads, if it reads any
  const std::chrono::milliseconds timeout_;
  std::size_t unflushed_ = 0;
};

template <class Invoke>
const Answer* Clients::ask_registry(Question question, const Waiter& waiter,
                                    std::chrono::milliseconds timeout, std::size_t expected,
                                    const Lease& claim, Invoke&& invoke, const Receipt& receipt) {
  ++unflushed_;
  const auto& m = modules_.of<Kind::registry>();
  return calls_.ask(
      question, m.plugin_id, waiter, timeout, expected, claim,
      [&](void* call) { invoke(*m.table, m.self, call); }, receipt);
}

inline const Answer* Clients::claim(const Waiter& waiter, const Lease& claim) {
  return ask_registry(Question::claim, waiter, timeout_, 0, claim,
                      [&](const crolang_registry& table, void* self, void* call) {
                        table.claim(self, detail::borrow(claim), detail::ms(timeout_),
                                    &PendingCalls::on_claimed, call);
                      });
}

inline const Answer* Clients::replace(const Waiter& waiter, const Lease& claim,
                                      const Holder& expected) {
  return ask_registry(Question::replace, waiter, timeout_, 0, claim,
                      [&](const crolang_registry& table, void* self, void* call) {
                        table.replace(self, detail::borrow(claim), detail::borrow(expected),
                                      detail::ms(timeout_), &PendingCalls::on_claimed, call);
                      });
}

inline const Answer* Clients::announce(const Waiter& waiter, const Lease& claim) {
  return ask_registry(Question::announce, waiter, timeout_, 0, {},
                      [&](const crolang_registry& table, void* self, void* call) {
                        table.announce(self, detail::borrow(claim), detail::ms(timeout_),
                                       &PendingCalls::on_done, call);
                      });
}

inline void Clients::release(const Lease& claim) {
  ask_registry(Question::release, {}, timeout_, 0, {},
               [&](const crolang_registry& table, void* self, void* call) {
                 table.release(self, detail::borrow(claim), detail::ms(timeout_),
                               &PendingCalls::on_done, call);
               });
}

inline const Answer* Clients::probe(const Waiter& waiter, std::string_view id,
                                    const Holder& incumbent,
                                    std::chrono::milliseconds node_timeout) {
  const auto timeout = timeout_ + node_timeout;
  return ask_registry(Question::probe, waiter, timeout, 0, {},
                      [&](const crolang_registry& table, void* self, void* call) {
                        table.probe(self, detail::borrow(id), detail::borrow(incumbent),
                                    detail::ms(node_timeout), detail::ms(timeout),
                                    &PendingCalls::on_probed, call);
                      });
}

inline const Answer* Clients::lookup(const Waiter& waiter, std::span<const std::string_view> ids) {
  if (ids.size() == 1) {
    const crolang_str id = detail::borrow(ids[0]);
    return ask_registry(Question::lookup, waiter, timeout_, 1, {},
                        [&](const crolang_registry& table, void* self, void* call) {
                          table.lookup(self, &id, 1, detail::ms(timeout_),
                                       &PendingCalls::on_located, call);
                        });
  }
  const auto texts = detail::borrow(ids);
  return ask_registry(Question::lookup, waiter, timeout_, ids.size(), {},
                      [&](const crolang_registry& table, void* self, void* call) {
                        table.lookup(self, texts.data(), texts.size(), detail::ms(timeout_),
                                     &PendingCalls::on_located, call);
                      });
}

inline const Answer* Clients::presence(const Waiter& waiter,
                                       std::span<const std::string_view> ids) {
  const auto texts = detail::borrow(ids);
  return ask_registry(Question::lookup, waiter, timeout_, ids.size(), {},
                      [&](const crolang_registry& table, void* self, void* call) {
                        const bool has_own =
                            CROLANG_HAS(&table, presence) && table.presence != nullptr;
                        (has_own ? table.presence : table.lookup)(self, texts.data(), texts.size(),
                                                                  detail::ms(timeout_),
                                                                  &PendingCalls::on_located, call);
                      });
}

inline const Answer* Clients::send(const Waiter& waiter, std::string_view instance, const Lease& to,
                                   std::string_view body, const Receipt& receipt) {
  return ask_registry(
      Question::send, waiter, timeout_, 0, {},
      [&](const crolang_registry& table, void* self, void* call) {
        table.send(self, detail::borrow(instance), detail::borrow(to), detail::borrow(body),
                   detail::ms(timeout_), &PendingCalls::on_yes_no, call);
      },
      receipt);
}

inline const Answer* Clients::resolve_rtc(const Waiter& waiter, std::string_view node) {
  const auto& m = modules_.of<Kind::rtc_config>();
  return calls_.ask(Question::resolve_rtc, m.plugin_id, waiter, timeout_, 0, {}, [&](void* call) {
    m.table->resolve(m.self, detail::borrow(node), detail::ms(timeout_), &PendingCalls::on_text,
                     call);
  });
}

inline const Answer* Clients::authorize(const Waiter& waiter, std::string_view from,
                                        std::string_view to) {
  const auto& m = modules_.of<Kind::authorization>();
  return calls_.ask(Question::authorize, m.plugin_id, waiter, timeout_, 0, {}, [&](void* call) {
    m.table->authorize(m.self, detail::borrow(from), detail::borrow(to), detail::ms(timeout_),
                       &PendingCalls::on_yes_no, call);
  });
}

inline const Answer* Clients::check_validity(const Waiter& waiter,
                                             std::span<const std::string_view> ids) {
  const auto& m = modules_.of<Kind::validity>();
  const auto texts = detail::borrow(ids);
  return calls_.ask(Question::check_validity, m.plugin_id, waiter, timeout_, ids.size(), {},
                    [&](void* call) {
                      m.table->check(m.self, texts.data(), texts.size(), detail::ms(timeout_),
                                     &PendingCalls::on_flags, call);
                    });
}

inline void Clients::observe(std::string_view from, std::string_view to, bool receiver_connected) {
  for (const auto& m : modules_.of<Kind::observer>()) {
    m.table->on_message(m.self, detail::borrow(from), detail::borrow(to), receiver_connected);
  }
}

inline void Clients::flush() {
  if (std::exchange(unflushed_, 0) == 0) return;
  const auto& m = modules_.of<Kind::registry>();
  if (m.table->flush == nullptr) return;
  calls_.time(Question::flush, m.plugin_id, [&] { m.table->flush(m.self); });
}

}  // namespace crolang::modules
