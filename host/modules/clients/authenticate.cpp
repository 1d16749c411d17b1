#include <atomic>

#include "modules/clients/clients.hpp"
#include "modules/clients/request_headers.hpp"
#include "telemetry/log.hpp"

namespace crolang::modules {

using detail::borrow;
using detail::ms;

namespace {

/// The object that `request` of a crolang_connecting_node points to.
struct AskedRequest {
  std::string_view headers;
  mutable HeaderList list;
  const std::string& plugin_id;
  bool is_read;
};

const AskedRequest& request_of(const void* asked) {
  const auto& request = *static_cast<const AskedRequest*>(asked);
  static std::atomic<bool> told{false};
  if (!request.is_read && !told.exchange(true, std::memory_order_relaxed)) {
    telemetry::log::warning(
        "authentication plugin reads headers without declaring CROLANG_READS_REQUEST: it gets none",
        {{"plugin", request.plugin_id}});
  }
  return request;
}

HeaderSelection selection_of(const ModuleTable& modules) {
  const auto& m = modules.of<Kind::authentication>();
  const bool asks = m.table != nullptr && CROLANG_HAS(m.table, headers) &&
                    m.table->headers != nullptr && (m.table->flags & CROLANG_READS_REQUEST) != 0;
  const crolang_str names = asks ? m.table->headers(m.self) : crolang_str{nullptr, 0};
  return names.data == nullptr ? HeaderSelection::all()
                               : HeaderSelection::of({names.data, names.size});
}

}  // namespace

Clients::Clients(const ModuleTable& modules, PendingCalls& calls, std::chrono::milliseconds timeout)
    : modules_(modules), calls_(calls), headers_(selection_of(modules)), timeout_(timeout) {}

const Answer* Clients::authenticate(const Waiter& waiter, const NodeFacts& node) {
  const auto& m = modules_.of<Kind::authentication>();
  const AskedRequest request{node.request_headers, HeaderList(node.request_headers), m.plugin_id,
                             reads_request()};
  const crolang_connecting_node lent{
      sizeof lent,
      borrow(node.id),
      borrow(node.version),
      borrow(node.runtime),
      node.data ? borrow(*node.data) : crolang_str{nullptr, 0},
      borrow(node.client_address),
      borrow(node.tls_client_subject),
      &request,
      [](const void* asked, const char* name, crolang_str* value) {
        const auto found = find_header(request_of(asked).headers, name);
        if (found) *value = borrow(*found);
        return found.has_value();
      },
      [](const void* asked, std::size_t index, crolang_str* name, crolang_str* value) {
        const auto found = request_of(asked).list.at(index);
        if (!found) return false;
        *name = borrow(found->name);
        *value = borrow(found->value);
        return true;
      }};
  return calls_.ask(Question::authenticate, m.plugin_id, waiter, timeout_, 0, {}, [&](void* call) {
    m.table->authenticate(m.self, &lent, ms(timeout_), &PendingCalls::on_authenticated, call);
  });
}

}  // namespace crolang::modules
