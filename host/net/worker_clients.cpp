// What a worker's connections ask of it when a request has named the client.

#include <string>
#include <utility>

#include "client_address/forwarded.hpp"
#include "net/request_log.hpp"
#include "net/worker.hpp"

namespace crolang::net {

using broker::Node;
using session::SessionHandle;

std::optional<RequestFault> Worker::limit_client(SessionHandle handle,
                                                 std::string_view header_lines) {
  if (!accept_policy_.limits_addresses()) return std::nullopt;
  DrivenConnection& driven = driver_.table().at(handle);
  const client_address::Address& client = driven.connection.client();
  if (driven.is_limited) {
    if (client_address::names_client(header_lines)) warn_of_missing_proxy(client, now_);
    return std::nullopt;
  }
  CountedConnection counted;
  const auto fault = fault_of(accept_policy_.admit(client, now_, counted), counters_);
  driver_.keep_counted(handle, std::move(counted));
  driven.is_limited = accept_policy_.limits(client);
  return fault;
}

void Worker::keep_request(SessionHandle handle, broker::Identity& identity,
                          std::string_view header_lines) {
  std::string scratch;
  const std::string_view read = clients_.headers_read(header_lines, scratch);
  const std::string subject = driver_.take_tls_client_subject(handle);
  if (!read.empty() || !subject.empty()) identity.keep_request(read, subject);
}

std::optional<std::uint32_t> Worker::visit_joined(std::uint32_t slot, std::uint32_t count,
                                                  const std::function<void(const Node&)>& use) {
  const std::uint32_t next = driver_.table().visit(slot, count, [&](DrivenConnection& driven) {
    if (driven.connection.is_joined()) use(*driven.connection.node());
  });
  return next == driver_.table().slots() ? std::nullopt : std::optional(next);
}

void Worker::admit(Node& node) {
  driver_.gauges().sessions.fetch_add(1, std::memory_order_relaxed);
  broker_.admit(node);
}

}  // namespace crolang::net
