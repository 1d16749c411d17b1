// How a worker keeps within the memory of the broker.

#include <algorithm>
#include <functional>
#include <string_view>
#include <vector>

#include "net/worker.hpp"

namespace crolang::net {

using broker::Node;
using process::MemoryBudget;
using session::EndReason;
using telemetry::Counter;

namespace {

constexpr std::size_t kNoteBytesRead = 256 * 1024;

}  // namespace

void Worker::watch_memory() {
  MemoryBudget& memory = host_.memory();
  if (driver_.bytes_read() >= kNoteBytesRead) {
    memory.note(driver_.bytes_read());
    driver_.reset_bytes_read();
  }
  memory.refresh(now_);
  if (relief_.is_due(memory, now_)) try_run([&] { relieve(memory); });
}

void Worker::relieve(MemoryBudget& memory) {
  std::vector<MemoryRelief::Holder> holders;
  driver_.table().for_each([&](DrivenConnection& driven) {
    Connection& connection = driven.connection;
    std::size_t bytes = driven.accounted + connection.outbox().waiting() +
                        driven.transport.tls_bytes(connection.outbox());
    if (const Node* node = connection.node()) bytes += broker_.waiting_bytes(*node);
    if (bytes >= MemoryRelief::kMinHeldBytes) holders.push_back({bytes, connection.handle()});
  });
  std::ranges::sort(holders, std::greater(), &MemoryRelief::Holder::bytes);
  largest_holding_.store(holders.empty() ? 0 : holders.front().bytes, std::memory_order_relaxed);
  const auto outcome = relief_.relieve(
      memory, holders, host_.largest_holding(), [&](const MemoryRelief::Holder& holder) {
        DrivenConnection& driven = driver_.table().at(holder.connection);
        counters_.add(Counter::closed_memory);
        const Node* node = driven.connection.node();
        log_relief(memory, holder, node != nullptr ? node->id() : std::string_view(), now_);
        driver_.end(driven, EndReason::memory);
      });
  driver_.reclaim();
  relief_.return_freed(memory, outcome, now_);
}

}  // namespace crolang::net
