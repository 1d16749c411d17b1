#pragma once
/// What the admin listener serves. Threads: as the functions say. Errors: responses; what a
/// function throws becomes a 500.

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>

#include "admin/guard.hpp"
#include "admin/http/message.hpp"
#include "client_address/address.hpp"

namespace crolang::admin::http {

struct Outcome {
  Response response;
  /// If there is room for one more stream, the connection becomes one: `response` with the events
  /// as its body, until the admission counts no more.
  std::optional<Admitted> stream{};
};

/// Runs on one of the handler threads; may block for a bounded time.
using Task = std::function<Outcome(const std::stop_token&)>;

class Site {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// The loop's thread: must not block.
  virtual std::variant<Outcome, Task> handle(const Request& request,
                                             const client_address::Address& peer,
                                             TimePoint now) = 0;
  /// What has to be answered before there is a request. Any thread.
  virtual Response error(unsigned status, std::string_view sentence) const = 0;
  /// Any thread.
  virtual bool is_current(const Admitted& admitted, TimePoint now) const = 0;

 protected:
  ~Site() = default;
};

}  // namespace crolang::admin::http
