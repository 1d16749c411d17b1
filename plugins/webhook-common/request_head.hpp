#pragma once
/// Writes the header of each HTTP request of a webhook: a constant part, the length, and the
/// signature. Time is an argument. Threads: one at a time. Errors: the constructor throws if
/// OpenSSL has no random numbers; write throws std::bad_alloc.

#include <chrono>
#include <string>
#include <utility>

#include "webhook-common/request_queue.hpp"
#include "webhook-common/signer.hpp"
#include "webhook-common/url.hpp"

namespace crolang::webhook_common {

class RequestHead {
 public:
  RequestHead(const Url& url, Signer signer);

  /// A line `User-Agent: …` of the request's own replaces the broker's. Gives the request an id if
  /// it is signed and has none: a request that is sent again keeps its id.
  std::string write(Request& request, std::chrono::sys_seconds now);

  void renew(Signer signer) noexcept { signer_ = std::move(signer); }

 private:
  const std::string before_user_agent_;
  const std::string after_user_agent_;
  Signer signer_;
  RequestIds ids_;
};

}  // namespace crolang::webhook_common
