/// registry/1 in C++: which node is connected to which broker instance.
#pragma once

#include <crolang/registry.h>

#include <chrono>
#include <crolang/sdk/answers.hpp>
#include <crolang/sdk/dispatch.hpp>
#include <crolang/sdk/ids.hpp>
#include <crolang/sdk/registry_events.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace crolang::plugin {

/// Every function's meaning is explained in crolang/registry.h.
class Registry : public virtual Kind {
 public:
  /// Thread: control, once, before the others.
  virtual void bind(std::string_view instance, RegistryEvents events) = 0;
  virtual void claim(Lease claim, Claimed answer) = 0;
  virtual void replace(Lease claim, Holder expected, Claimed answer) = 0;
  virtual void announce(Lease claim, Done answer) = 0;
  virtual void release(Lease claim, Done answer) = 0;
  virtual void probe(std::string_view id, Holder incumbent, std::chrono::milliseconds timeout,
                     Probed answer) = 0;
  virtual void lookup(const Ids& ids, Located answer) = 0;
  virtual void send(std::string_view instance, Lease to, std::string_view body, YesNo answer) = 0;
  /// The worker has no more questions for the moment.
  virtual void flush() {}
  /// Like lookup, for a node's presence query: has a lower priority than everything else.
  virtual void presence(const Ids& ids, Located answer) { lookup(ids, std::move(answer)); }
  /// Sets the status of this instance.
  virtual void set_status(std::string_view) {}
  /// Lists all instances that have a status, including this one.
  virtual void list_instances(Instances answer) {
    answer.fail(Status::unavailable, "this registry does not list instances");
  }
  /// Asks another instance, or this one, a question.
  virtual void ask(std::string_view, std::string_view, Text answer) {
    answer.fail(Status::unavailable, "this registry does not forward questions");
  }
  /// Adds an entry to the table that all instances share, or replaces or removes it. A plugin that
  /// overrides this overrides list_entries too; the broker does not call the defaults.
  virtual void set_entry(Entry, Done answer) {
    answer.fail(Status::unavailable, "this registry shares no entries");
  }
  /// Lists the entries, unless the table still has this version.
  virtual void list_entries(std::string_view, Entries answer) {
    answer.fail(Status::unavailable, "this registry shares no entries");
  }
};

namespace detail {

template <class P>
struct Module<P, Registry> {
  static constexpr const char* kind = CROLANG_REGISTRY;

  static crolang_status bind(void* self, crolang_str name, const crolang_registry_events* events,
                             char* error, std::size_t error_size) noexcept {
    return run_refusable(error, error_size, [&] {
      auto& to = instance<P>(self);
      to.template as<Registry>().bind(view(name), RegistryEvents(to.host, events));
    });
  }

  static void claim(void* self, crolang_lease wanted, std::uint32_t timeout_ms,
                    crolang_claimed_fn answer, void* call) noexcept {
    dispatch<P, Registry, &Registry::claim>(self, Claimed(answer, call, timeout_ms), view(wanted));
  }

  static void replace(void* self, crolang_lease wanted, crolang_holder expected,
                      std::uint32_t timeout_ms, crolang_claimed_fn answer, void* call) noexcept {
    dispatch<P, Registry, &Registry::replace>(self, Claimed(answer, call, timeout_ms), view(wanted),
                                              view(expected));
  }

  static void announce(void* self, crolang_lease held, std::uint32_t timeout_ms,
                       crolang_done_fn answer, void* call) noexcept {
    dispatch<P, Registry, &Registry::announce>(self, Done(answer, call, timeout_ms), view(held));
  }

  static void release(void* self, crolang_lease held, std::uint32_t timeout_ms,
                      crolang_done_fn answer, void* call) noexcept {
    dispatch<P, Registry, &Registry::release>(self, Done(answer, call, timeout_ms), view(held));
  }

  static void probe(void* self, crolang_str id, crolang_holder incumbent,
                    std::uint32_t node_timeout_ms, std::uint32_t timeout_ms,
                    crolang_probed_fn answer, void* call) noexcept {
    dispatch<P, Registry, &Registry::probe>(self, Probed(answer, call, timeout_ms), view(id),
                                            view(incumbent),
                                            std::chrono::milliseconds(node_timeout_ms));
  }

  static void lookup(void* self, const crolang_str* ids, std::size_t count,
                     std::uint32_t timeout_ms, crolang_located_fn answer, void* call) noexcept {
    dispatch<P, Registry, &Registry::lookup>(self, Located(answer, call, timeout_ms),
                                             Ids(ids, count));
  }

  static void send(void* self, crolang_str name, crolang_lease to, crolang_str body,
                   std::uint32_t timeout_ms, crolang_yes_no_fn answer, void* call) noexcept {
    dispatch<P, Registry, &Registry::send>(self, YesNo(answer, call, timeout_ms), view(name),
                                           view(to), view(body));
  }

  static void flush(void* self) noexcept {
    run_logged<P>(self, [](auto& to) { to.template as<Registry>().flush(); });
  }

  static void presence(void* self, const crolang_str* ids, std::size_t count,
                       std::uint32_t timeout_ms, crolang_located_fn answer, void* call) noexcept {
    dispatch<P, Registry, &Registry::presence>(self, Located(answer, call, timeout_ms),
                                               Ids(ids, count));
  }

  static void set_status(void* self, crolang_str status) noexcept {
    run_logged<P>(self, [&](auto& to) { to.template as<Registry>().set_status(view(status)); });
  }

  static void list_instances(void* self, std::uint32_t timeout_ms, crolang_instances_fn answer,
                             void* call) noexcept {
    dispatch<P, Registry, &Registry::list_instances>(self, Instances(answer, call, timeout_ms));
  }

  static void ask(void* self, crolang_str name, crolang_str body, std::uint32_t timeout_ms,
                  crolang_text_fn answer, void* call) noexcept {
    dispatch<P, Registry, &Registry::ask>(self, Text(answer, call, timeout_ms), view(name),
                                          view(body));
  }

  static void set_entry(void* self, crolang_entry entry, std::uint32_t timeout_ms,
                        crolang_done_fn answer, void* call) noexcept {
    dispatch<P, Registry, &Registry::set_entry>(self, Done(answer, call, timeout_ms), view(entry));
  }

  static void list_entries(void* self, crolang_str known_version, std::uint32_t timeout_ms,
                           crolang_entries_fn answer, void* call) noexcept {
    dispatch<P, Registry, &Registry::list_entries>(self, Entries(answer, call, timeout_ms),
                                                   view(known_version));
  }

  /// Whether the plugin overrides list_entries. A private override cannot be seen, but only an
  /// override can be private.
  static constexpr bool shares_entries() {
    if constexpr (requires { &P::list_entries; }) {
      return !std::is_same_v<decltype(&P::list_entries), decltype(&Registry::list_entries)>;
    } else {
      return true;
    }
  }

  static constexpr crolang_registry table{sizeof(crolang_registry),
                                          &bind,
                                          &claim,
                                          &replace,
                                          &announce,
                                          &release,
                                          &probe,
                                          &lookup,
                                          &send,
                                          &flush,
                                          &presence,
                                          &set_status,
                                          &list_instances,
                                          &ask,
                                          shares_entries() ? &set_entry : nullptr,
                                          shares_entries() ? &list_entries : nullptr};
};

}  // namespace detail

}  // namespace crolang::plugin
