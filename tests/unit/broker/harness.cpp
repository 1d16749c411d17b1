#include "unit/broker/harness.hpp"

#include <utility>

#include "broker/negotiation_notes.hpp"
#include "broker/receipts.hpp"
#include "json/scanner.hpp"
#include "unit/websocket/client_frames.hpp"

namespace crolang::broker::testing {
namespace {

using namespace std::chrono_literals;

/// Server frames are never masked nor fragmented.
std::vector<std::string> decode(std::string_view bytes) {
  std::vector<std::string> messages;
  while (!bytes.empty()) {
    const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes.at(i)); };
    const unsigned opcode = at(0) & 0x0Fu;
    std::size_t size = at(1);
    std::size_t header = 2;
    if (size > 125) {
      const std::size_t extension = size == 126 ? 2 : 8;
      size = 0;
      for (std::size_t i = 0; i < extension; ++i) size = size << 8 | at(header++);
    }
    const std::string_view payload = bytes.substr(header, size);
    if (opcode == 1) {
      messages.emplace_back(payload);
    } else if (opcode == 8 && size == 0) {
      messages.emplace_back("close");
    } else if (opcode == 8) {
      messages.push_back("close " + std::to_string(at(header) << 8 | at(header + 1)));
    } else {
      messages.push_back("opcode " + std::to_string(opcode));
    }
    bytes.remove_prefix(header + size);
  }
  return messages;
}

}  // namespace

Harness::Harness(Policy policy, std::string_view instance)
    : shared(
          policy, std::string(instance), modules.table, outboxes, *this,
          {"1.2.3", std::chrono::sys_days{std::chrono::November / 30 / 2026} + 12h + 34min + 56s}),
      limits{{25s, 20s}, 1'000'000, policy.max_outbox_bytes, 10s},
      calls(hooks(), 65536),
      clients(modules.table, calls, 10s),
      broker(shared, clients, *this, limits, counters),
      // Deadlines of questions are set by the clock.
      now(std::chrono::steady_clock::now()) {
  broker.set_now(now);
}

modules::PendingCalls::Hooks Harness::hooks() {
  return {[this] { ++woken; },
          [this] { return sleeps; },
          [this](const modules::Receipt& receipt) { return redeem_noted(shared, receipt); },
          [this](void* issuer, modules::Redeemed how) {
            session::DirtyList dirty;
            if (how == modules::Redeemed::unsent) dirty.outboxes.push_back(&outbox_of(issuer));
            flush(dirty);
            ++redeemed;
          },
          [this](modules::CallFault fault, Question, const std::string&, std::string_view) {
            // How long a call took depends on the machine.
            if (fault != modules::CallFault::slow) faults.push_back(fault);
          },
          [this](const std::string& id, std::uint64_t token) {
            broker.admissions().release(id, token);
          },
          [this](std::uint64_t asker) {
            if (Node* node = find(SessionHandle::unpacked(asker))) cut(*node);
          }};
}

Node& Harness::request_upgrade(std::string_view query) {
  std::size_t slot = 0;
  while (slot < sessions_.size() && sessions_[slot]) ++slot;
  if (slot == sessions_.size()) sessions_.emplace_back();
  const auto number = static_cast<std::uint32_t>(slot);
  session::Outbox& outbox = outboxes.table(0).ensure(number);
  const SessionHandle handle{number, outbox.open({}), 0};
  upgrade_results_[number] = {};
  sessions_[slot] = std::make_unique<Node>(handle, outbox, Identity::from_query(query));
  return *sessions_[slot];
}

Node& Harness::join(std::string_view id) {
  Node& node = request_upgrade(query_of(id));
  broker.admit(node);
  say(node, "40");
  sent(node);
  return node;
}

void Harness::say(Node& node, std::string_view text) {
  calls.collect();
  std::string bytes = websocket::testing::text(text);
  node.on_received(broker.context(), bytes.size());
  node.receive(broker.context(), bytes, now);
}

std::vector<std::string> Harness::sent(Node& node) {
  std::string bytes;
  node.outbox().flush_with([&](session::Outbox::Wire&, session::ByteQueue& queue) {
    const auto pending = queue.pending();
    bytes.assign(pending.data(), pending.size());
    queue.clear();
  });
  return decode(bytes);
}

void Harness::cut(Node& node) {
  const std::uint32_t slot = node.handle().slot;
  node.drop(broker.context(), session::EndReason::tcp_end);
  node.outbox().close([](const session::Outbox::Wire&) {});
  sessions_[slot].reset();
}

void Harness::run_iteration() {
  do {
    while (!posted_.empty()) {
      Command command = std::move(posted_.front());
      posted_.pop_front();
      broker.execute(std::move(command));
    }
    calls.collect();
  } while (!posted_.empty() || calls.has_arrived());
}

void Harness::settle() {
  run_iteration();
  while (modules.answer_one()) run_iteration();
}

void Harness::pass(std::chrono::milliseconds time) {
  now += time;
  broker.set_now(now);
  broker.tick();
  broker.check_probes();
  run_iteration();
}

Node* Harness::find(SessionHandle handle) {
  if (handle.slot >= sessions_.size()) return nullptr;
  Node* node = sessions_[handle.slot].get();
  return node != nullptr && node->handle() == handle ? node : nullptr;
}

std::optional<std::uint32_t> Harness::visit_joined(std::uint32_t slot, std::uint32_t count,
                                                   const std::function<void(const Node&)>& use) {
  const auto slots = static_cast<std::uint32_t>(sessions_.size());
  std::uint32_t next = slot;
  for (; next < slots && next < slot + count; ++next) {
    const Node* const node = sessions_[next].get();
    if (node != nullptr && node->state() == session::State::joined) use(*node);
  }
  return next == slots ? std::nullopt : std::optional(next);
}

void Harness::open_transport(Node& node) {
  upgrade_results_[node.handle().slot].open = true;
  node.open(broker.context(), now);
}

void Harness::refuse_transport(Node& node, TemporaryFailure failure) {
  upgrade_results_[node.handle().slot].failure = failure;
}

std::optional<std::uint64_t> Harness::bytes_acked_while_queued(Node& node) {
  const auto found = backlogs.find(node.handle().slot);
  if (found == backlogs.end()) return std::nullopt;
  return found->second;
}

void Harness::post(std::uint16_t, Command command) {
  if (!loses_posts) posted_.push_back(std::move(command));
}

void Harness::flush(session::DirtyList& dirty) {
  flushed += dirty.outboxes.size();
  for (session::Outbox* outbox : dirty.outboxes) {
    // Stays queued for sent(), but is in nobody's list any more.
    outbox->flush_with([](session::Outbox::Wire&, session::ByteQueue&) {});
  }
}

std::string query_of(std::string_view id) {
  return "EIO=4&transport=websocket&id=" + std::string(id) + "&version=1.0&runtime=test";
}

std::string literal_of(std::string_view text) {
  std::string literal;
  json::append_quoted(literal, text);
  return literal;
}

std::string event(std::string_view name, std::string_view payload, std::string_view ack) {
  return "42" + std::string(ack) + "[\"" + std::string(name) + "\"," + literal_of(payload) + "]";
}

}  // namespace crolang::broker::testing
