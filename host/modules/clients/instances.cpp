// Registry calls that concern instances, not nodes: not on the hot path.
#include <algorithm>

#include "modules/clients/clients.hpp"

namespace crolang::modules {

using detail::borrow;
using detail::ms;

namespace {

constexpr std::string_view kCannotDoThat = "the registry plugin does not support this";

}  // namespace

const Answer* Clients::list_instances(const Waiter& waiter) {
  return ask_registry(
      Question::list_instances, waiter, timeout_, 0, {},
      [&](const crolang_registry& table, void* self, void* call) {
        if (CROLANG_HAS(&table, list_instances) && table.list_instances != nullptr) {
          table.list_instances(self, ms(timeout_), &PendingCalls::on_instances, call);
        } else {
          PendingCalls::on_instances(call, CROLANG_UNAVAILABLE, nullptr, 0, borrow(kCannotDoThat));
        }
      });
}

const Answer* Clients::ask_instance(const Waiter& waiter, std::string_view instance,
                                    std::string_view body, std::chrono::milliseconds longest) {
  const std::chrono::milliseconds timeout = std::min(timeout_, longest);
  return ask_registry(
      Question::ask, waiter, timeout, 0, {},
      [&](const crolang_registry& table, void* self, void* call) {
        if (body.size() > CROLANG_MAX_ASK) {
          PendingCalls::on_text(call, CROLANG_INVALID, {}, borrow("the question is too long"));
        } else if (CROLANG_HAS(&table, ask) && table.ask != nullptr) {
          table.ask(self, borrow(instance), borrow(body), ms(timeout), &PendingCalls::on_text,
                    call);
        } else {
          PendingCalls::on_text(call, CROLANG_UNAVAILABLE, {}, borrow(kCannotDoThat));
        }
      });
}

bool Clients::shares_entries(const ModuleTable& modules) noexcept {
  const crolang_registry* const table = modules.of<Kind::registry>().table;
  return CROLANG_HAS(table, list_entries) && table->set_entry != nullptr &&
         table->list_entries != nullptr;
}

const Answer* Clients::set_entry(const Waiter& waiter, const Entry& entry) {
  return ask_registry(Question::set_entry, waiter, timeout_, 0, {},
                      [&](const crolang_registry& table, void* self, void* call) {
                        table.set_entry(self,
                                        {borrow(entry.name), borrow(entry.value), entry.expires_at},
                                        ms(timeout_), &PendingCalls::on_done, call);
                      });
}

const Answer* Clients::list_entries(const Waiter& waiter, std::string_view known_version) {
  return ask_registry(Question::list_entries, waiter, timeout_, 0, {},
                      [&](const crolang_registry& table, void* self, void* call) {
                        table.list_entries(self, borrow(known_version), ms(timeout_),
                                           &PendingCalls::on_entries, call);
                      });
}

void Clients::set_status(std::string_view status) {
  const auto& m = modules_.of<Kind::registry>();
  if (!CROLANG_HAS(m.table, set_status) || m.table->set_status == nullptr) return;
  ++unflushed_;
  calls_.time(Question::set_status, m.plugin_id,
              [&] { m.table->set_status(m.self, borrow(status)); });
}

}  // namespace crolang::modules
