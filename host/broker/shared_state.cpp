#include "broker/shared_state.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>
#include <optional>
#include <string_view>
#include <utility>

#include "broker/events.hpp"
#include "broker/instance_status.hpp"
#include "broker/lease.hpp"
#include "broker/negotiation_halves.hpp"
#include "broker/negotiation_notes.hpp"
#include "broker/node_questions.hpp"
#include "broker/outcome.hpp"
#include "crolang/until_memory.hpp"
#include "socketio/packet.hpp"
#include "telemetry/log.hpp"
#include "websocket/frame_writer.hpp"
#include "websocket/utf8.hpp"

namespace crolang::broker {
namespace {

// Longer than the round trip to nearly every node. An instance that asks for less still gets the
// result in time: it allows half a second for the round trip.
constexpr std::chrono::milliseconds kShortestProbe{250};
constexpr std::chrono::milliseconds kLongestProbe{60'000};
constexpr crolang_str kNoMemory{"out of memory", 13};

std::string_view view(crolang_str text) {
  return {text.data, text.size};
}

SharedState& shared_of(void* ctx) {
  return *static_cast<SharedState*>(ctx);
}

/// Other instances are trusted, but what they send is delivered to a node only if it is a relayed
/// event.
struct RelayedEvent {
  Relayed type;
  std::string_view literal;
};
std::optional<RelayedEvent> relayed_event(std::string_view text) {
  if (!text.starts_with("42") || !websocket::is_utf8(text)) return std::nullopt;
  thread_local socketio::PacketParser parser;
  const auto packet = parser.parse(text.substr(1));
  const bool is_event = packet && packet->type == socketio::PacketType::event &&
                        packet->name_space == socketio::kMainNamespace && !packet->ack.present() &&
                        packet->event.argument_count == 1 &&
                        packet->event.first_kind == json::Kind::string;
  if (!is_event) return std::nullopt;
  const auto type = relayed_type(packet->event.name);
  if (!type) return std::nullopt;
  return RelayedEvent{*type, packet->event.first_argument};
}

session::Pushed push(SharedState& shared, const Joined& receiver, std::string_view text) {
  session::Outbox* outbox = shared.outboxes.find(receiver.session);
  if (outbox == nullptr) return session::Pushed::gone;
  const auto push_to = [&](session::DirtyList& dirty) {
    return outbox->push(receiver.session.generation,
                        websocket::header_size(text.size()) + text.size(),
                        shared.policy.max_outbox_bytes, dirty, [&](char* out) {
                          out += websocket::write_header(out, websocket::Opcode::text, text.size());
                          std::memcpy(out, text.data(), text.size());
                        });
  };
  // A worker sends everything that it has written in its loop iteration at once.
  if (session::DirtyList* const own = shared.workers.dirty_here()) return push_to(*own);
  session::DirtyList dirty;
  const session::Pushed pushed = push_to(dirty);
  shared.workers.flush(dirty);
  return pushed;
}

/// Runs a function on behalf of a plugin and catches exceptions, which must not cross the C ABI. If
/// there is not enough memory, `otherwise()` answers.
template <class Function, class Otherwise>
void run_or_answer(SharedState& shared, Function&& function, Otherwise&& otherwise) noexcept {
  try {
    function();
  } catch (const std::bad_alloc&) {
    shared.counters.add(telemetry::Counter::out_of_memory);
    otherwise();
  }
}

void accept_remote(SharedState& shared, crolang_lease to, crolang_str body, crolang_yes_no_fn taken,
                   void* call) {
  const auto answer = [&](crolang_status status, bool yes, std::string_view error) {
    taken(call, status, yes, {error.data(), error.size()});
  };
  const auto here = shared.directory.find(view(to.id));
  // Id and token identify the session. If the lease names another session nevertheless, the
  // registry is defective, and the message is not delivered, since it may be for another node.
  if (!here || here->token != to.token || !names(to, here->session)) {
    answer(CROLANG_OK, false, {});
    return;
  }
  const auto [names, is_whole, text] = split_remote_event(view(body));
  const auto event = relayed_event(text);
  if (!event) {
    answer(CROLANG_INVALID, false, "not a relayed event");
    return;
  }
  // Before the node has it, whose answer may be fast.
  negotiation::Ticket ticket;
  if (is_noted(shared, event->type) && (is_whole || changes_state(event->type))) {
    const auto now = std::chrono::steady_clock::now();
    const Kept kept = is_whole ? Kept::whole : Kept::as_copy;
    ticket = names ? note_received(shared, event->type, *names, view(to.id), now)
                   : note_received(shared, event->type, event->literal, kept, now);
  }
  const auto acknowledged = [&](Outcome outcome) {
    if (ticket.is_valid()) note_received_outcome(shared, ticket, outcome);
  };
  switch (push(shared, *here, text)) {
    case session::Pushed::taken:
      shared.counters.add(telemetry::Counter::relayed_remote);
      acknowledged(Outcome::delivered);
      answer(CROLANG_OK, true, {});
      break;
    case session::Pushed::full:
      shared.counters.add(telemetry::Counter::outbox_full);
      acknowledged(Outcome::outbox_full);
      answer(CROLANG_UNAVAILABLE, false, "outbox full");
      break;
    case session::Pushed::gone:
      acknowledged(Outcome::not_connected);
      answer(CROLANG_OK, false, {});
      break;
  }
}

void on_message(void* ctx, crolang_lease to, crolang_str body, crolang_yes_no_fn taken,
                void* call) {
  SharedState& shared = shared_of(ctx);
  run_or_answer(
      shared, [&] { accept_remote(shared, to, body, taken, call); },
      [&] { taken(call, CROLANG_UNAVAILABLE, false, kNoMemory); });
}

void on_probe(void* ctx, crolang_lease incumbent, std::uint32_t timeout_ms,
              crolang_probed_fn answered, void* call) {
  // The timeout comes from another instance: it is clamped, so that it can neither evict a node at
  // once nor probe it for ever.
  const auto timeout =
      std::clamp(std::chrono::milliseconds(timeout_ms), kShortestProbe, kLongestProbe);
  SharedState& shared = shared_of(ctx);
  run_or_answer(
      shared,
      [&] {
        shared.probe(incumbent.token, timeout, [answered, call](std::int32_t result) {
          answered(call, CROLANG_OK, result, {nullptr, 0});
        });
      },
      [&] { answered(call, CROLANG_UNAVAILABLE, CROLANG_UNREACHABLE, kNoMemory); });
}

void on_lease_lost(void* ctx, crolang_lease claim) {
  SharedState& shared = shared_of(ctx);
  const auto known = shared.claims.find(claim.token);
  if (!known) return;
  const SessionHandle session = known->session;
  // If this command were lost, two sessions would hold one id, so this waits for memory as long as
  // necessary.
  until_there_is_memory([&] {
    shared.workers.post(session.worker, DisconnectHolder{session, claim.token});
  });
}

void on_unavailable(void* context, crolang_str reason) {
  SharedState& shared = shared_of(context);
  shared.registry_available.store(false, std::memory_order_relaxed);
  telemetry::log::error(
      "the registry cannot be reached",
      {{"why", view(reason)}, {"variable", shared.modules.of<modules::Kind::registry>().variable}});
}

void on_available(void* context) {
  shared_of(context).registry_available.store(true, std::memory_order_relaxed);
  telemetry::log::info("the registry can be reached again");
}

void on_ask(void* ctx, crolang_str, crolang_str body, std::uint32_t, crolang_text_fn answer,
            void* call) {
  const SharedState& shared = shared_of(ctx);
  const InstanceQuestions::Reply reply(answer, call);
  run_or_answer(
      shared_of(ctx), [&] { shared.questions.answer(view(body), reply); },
      [&] { reply.fail(CROLANG_UNAVAILABLE, view(kNoMemory)); });
}

}  // namespace

SharedState::SharedState(Policy rules, std::string instance_id,
                         const modules::ModuleTable& module_table,
                         session::OutboxTables& outbox_tables, Workers& worker_set, About process)
    : policy(rules),
      instance(std::move(instance_id)),
      about(std::move(process)),
      modules(module_table),
      outboxes(outbox_tables),
      workers(worker_set) {
  if (policy.negotiation_insight) negotiations.emplace();
  questions.add("status", [this](std::string_view, const InstanceQuestions::Reply& reply) {
    reply.text(status_of(*this));
  });
  add_node_questions(*this);
  add_negotiation_questions(*this);
}

void SharedState::probe(std::uint64_t token, std::chrono::milliseconds timeout, ProbeReply reply) {
  const auto known = claims.find(token);
  if (!known) {
    reply(CROLANG_GONE);
    return;
  }
  if (known->stage == Claims::Stage::claiming) {
    reply(CROLANG_UNREACHABLE);
    return;
  }
  workers.post(known->session.worker,
               ProbeSession{known->session, token, timeout, std::move(reply)});
}

crolang_registry_events registry_events(SharedState& shared) {
  return {sizeof(crolang_registry_events),
          &shared,
          &on_message,
          &on_probe,
          &on_lease_lost,
          &on_unavailable,
          &on_available,
          &on_ask};
}

}  // namespace crolang::broker
