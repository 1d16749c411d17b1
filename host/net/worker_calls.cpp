// The hooks of a worker's pending calls. Threads: any, unless stated otherwise.
#include "broker/receipts.hpp"
#include "modules/clients/call_faults.hpp"
#include "net/transport.hpp"
#include "net/worker.hpp"

namespace crolang::net {

using session::EndReason;
using session::SessionHandle;
using telemetry::Counter;

modules::PendingCalls::Hooks Worker::call_hooks(Worker& worker) {
  return {
      // Its own thread collects what has arrived before it sleeps.
      [&worker] {
        if (current() != &worker) worker.wake();
      },
      [&worker] { return worker.sleeps_.load(std::memory_order_relaxed); },
      &broker::redeem,
      [&worker](void* issuer, modules::Redeemed how) {
        if (how == modules::Redeemed::unsent) {
          const std::size_t sent = flush(broker::outbox_of(issuer), kNoEpoll);
          worker.shared_.counters.add(Counter::bytes_sent, sent);
        }
        // Counted here, since the worker may sleep for long.
        worker.shared_.counters.add(Counter::ack_ok);
      },
      [&worker](modules::CallFault fault, modules::Question question, const std::string& plugin,
                std::string_view detail) {
        if (const auto counter = modules::counter_of(fault, question)) {
          worker.plugin_faults_.add(*counter);
        }
        const auto now = std::chrono::steady_clock::now();
        modules::log_call_fault(fault, question, plugin, detail, now);
        modules::publish_call_fault(worker.shared_.events, worker.shared_.module_faults, fault,
                                    question, plugin, detail, now);
      },
      [&worker](const std::string& id, std::uint64_t token) {
        worker.broker_.admissions().release(id, token);
      },
      [&worker](std::uint64_t asker) {
        worker.memory_.report(worker.now_);
        DrivenConnection* driven = worker.driver_.table().find(SessionHandle::unpacked(asker));
        if (driven != nullptr) worker.driver_.end(*driven, EndReason::out_of_memory);
      },
      [&worker](modules::Question question, std::chrono::nanoseconds taken) {
        worker.counters_.observe(telemetry::call_latency(kinds::describe(question).kind), taken);
      },
  };
}

}  // namespace crolang::net
