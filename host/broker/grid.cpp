#include "broker/grid.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>
#include <string_view>
#include <thread>
#include <utility>

#include "broker/broker.hpp"
#include "broker/events.hpp"
#include "socketio/packet.hpp"
#include "telemetry/log.hpp"
#include "websocket/frame_writer.hpp"
#include "websocket/utf8.hpp"

namespace crolang::broker {
namespace {

// Longer than the round trip to nearly every node. An instance that asks for less hears the verdict
// all the same: it allows half a second for the way.
constexpr std::chrono::milliseconds kShortestProbe{250};
constexpr std::chrono::milliseconds kLongestProbe{60'000};
constexpr std::chrono::milliseconds kWaitForMemory{10};
constexpr crolang_str kNoMemory{"no memory left", 14};

std::string_view view(crolang_str text) {
  return {text.data, text.size};
}

Grid& grid_of(void* ctx) {
  return *static_cast<Grid*>(ctx);
}

/// Other instances are trusted to be brokers, but what they send goes to a node only if it is what
/// a broker sends.
bool is_relayed_event(std::string_view text) {
  if (!text.starts_with("42") || !websocket::is_utf8(text)) return false;
  thread_local socketio::PacketParser parser;
  const auto packet = parser.parse(text.substr(1));
  return packet && packet->type == socketio::PacketType::event &&
         packet->name_space == socketio::kMainNamespace && !packet->ack.present() &&
         relayed_type(packet->event.name).has_value() && packet->event.argument_count == 1 &&
         packet->event.first_kind == json::Kind::string;
}

session::Pushed push(Grid& grid, const Joined& receiver, std::string_view text) {
  session::Outlet* outlet = grid.outlets.find(receiver.session);
  if (outlet == nullptr) return session::Pushed::gone;
  session::DirtyList dirty;
  const session::Pushed pushed =
      outlet->push(receiver.session.generation, websocket::header_size(text.size()) + text.size(),
                   grid.policy.max_outbox_bytes, dirty, [&](char* out) {
                     out += websocket::write_header(out, websocket::Opcode::text, text.size());
                     std::memcpy(out, text.data(), text.size());
                   });
  grid.workers.flush(dirty);
  return pushed;
}

/// Runs what a plugin calls: nothing may be thrown through the C ABI. What there is no memory for
/// is told by `otherwise()`.
template <class Function, class Otherwise>
void answer_in_any_case(Grid& grid, Function&& function, Otherwise&& otherwise) noexcept {
  try {
    function();
  } catch (const std::bad_alloc&) {
    grid.counters.add(telemetry::Counter::out_of_memory);
    otherwise();
  }
}

void hand_over(Grid& grid, crolang_claim to, crolang_str body, crolang_yes_no taken, void* op) {
  const auto answer = [&](crolang_status status, bool yes, std::string_view error) {
    taken(op, status, yes, {error.data(), error.size()});
  };
  const auto here = grid.directory.find(view(to.id));
  if (!here || here->token != to.token) {
    answer(CROLANG_OK, false, {});
    return;
  }
  if (!is_relayed_event(view(body))) {
    answer(CROLANG_INVALID, false, "not a relayed event");
    return;
  }
  switch (push(grid, *here, view(body))) {
    case session::Pushed::taken:
      grid.counters.add(telemetry::Counter::relayed_remote);
      answer(CROLANG_OK, true, {});
      break;
    case session::Pushed::full:
      grid.counters.add(telemetry::Counter::outbox_full);
      answer(CROLANG_UNAVAILABLE, false, "outbox full");
      break;
    case session::Pushed::gone:
      answer(CROLANG_OK, false, {});
      break;
  }
}

void on_message(void* ctx, crolang_claim to, crolang_str body, crolang_yes_no taken, void* op) {
  Grid& grid = grid_of(ctx);
  answer_in_any_case(
      grid, [&] { hand_over(grid, to, body, taken, op); },
      [&] { taken(op, CROLANG_UNAVAILABLE, false, kNoMemory); });
}

void on_probe(void* ctx, crolang_claim incumbent, std::uint32_t timeout_ms, crolang_verdict verdict,
              void* op) {
  // Another instance's patience is not this one's: nobody is evicted at once, or watched for ever.
  const auto timeout =
      std::clamp(std::chrono::milliseconds(timeout_ms), kShortestProbe, kLongestProbe);
  Grid& grid = grid_of(ctx);
  answer_in_any_case(
      grid,
      [&] {
        grid.probe(incumbent.token, timeout, [verdict, op](std::int32_t answer) {
          verdict(op, CROLANG_OK, answer, {nullptr, 0});
        });
      },
      [&] { verdict(op, CROLANG_UNAVAILABLE, CROLANG_UNREACHABLE, kNoMemory); });
}

void on_lost(void* ctx, crolang_claim claim) {
  Grid& grid = grid_of(ctx);
  const auto known = grid.claims.find(claim.token);
  if (!known) return;
  const SessionHandle session = known->session;
  // Else two sessions would hold one id: this waits for memory as long as it takes.
  for (bool posted = false; !posted;) {
    answer_in_any_case(
        grid,
        [&] {
          grid.workers.post(session.worker, [session, token = claim.token](Broker& broker) {
            broker.expel_holder(session, token);
          });
          posted = true;
        },
        [] { std::this_thread::sleep_for(kWaitForMemory); });
  }
}

void on_unavailable(void* context, crolang_str reason) {
  const Grid& grid = grid_of(context);
  telemetry::log::fault("the registry cannot be reached",
                        {{"why", view(reason)}, {"variable", grid.modules.registry.variable}});
}

void on_available(void*) {
  telemetry::log::info("the registry can be reached again");
}

}  // namespace

void Grid::probe(std::uint64_t token, std::chrono::milliseconds timeout,
                 std::function<void(std::int32_t)> reply) {
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
               [session = known->session, token, timeout, answer = std::move(reply)](
                   Broker& broker) { broker.probe(session, token, timeout, answer); });
}

crolang_registry_events registry_events(Grid& grid) {
  return {sizeof(crolang_registry_events),
          &grid,
          &on_message,
          &on_probe,
          &on_lost,
          &on_unavailable,
          &on_available};
}

}  // namespace crolang::broker
