#pragma once
/// A question to a webhook's server, and the handler of its reply. Threads: one at a time.
/// Errors: none.

#include <chrono>
#include <memory>

#include "webhook-common/request_content.hpp"

namespace crolang::webhook_common {

class Reply;

/// one_request_for_all: questions with the same content that are open at the same time share a
/// request.
enum class Sharing { one_request_for_all, one_request_each };

/// If it throws while it reads a reply, it is called again with a reply that says so.
struct ReplyHandler {
  virtual ~ReplyHandler() = default;
  virtual void operator()(const Reply& reply) = 0;
};

struct Question {
  using TimePoint = std::chrono::steady_clock::time_point;

  RequestContent content;
  std::chrono::milliseconds limit;
  TimePoint deadline;
  std::unique_ptr<ReplyHandler> handler;
};

}  // namespace crolang::webhook_common
