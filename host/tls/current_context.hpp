#pragma once
/// The ServerContext that the next handshake begins with. A renewal replaces it; handshakes and
/// connections keep the one that they began with.
///
/// Threads: any. Errors: none.

#include <memory>
#include <mutex>
#include <utility>

#include "tls/server_context.hpp"

namespace crolang::tls {

class CurrentContext {
 public:
  explicit CurrentContext(std::shared_ptr<const ServerContext> first) noexcept
      : context_(std::move(first)) {}

  std::shared_ptr<const ServerContext> get() const {
    const std::lock_guard lock(mutex_);
    return context_;
  }
  void replace(std::shared_ptr<const ServerContext> next) {
    // The old one is destroyed with the parameter, so after the lock is released.
    const std::lock_guard lock(mutex_);
    context_.swap(next);
  }

 private:
  mutable std::mutex mutex_;  // guards context_
  std::shared_ptr<const ServerContext> context_;
};

}  // namespace crolang::tls
