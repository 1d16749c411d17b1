#include "unit/broker/house.hpp"

#include <utility>

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

House::House(Policy policy)
    : grid(policy, std::string(kHere), modules.table, outlets, *this),
      limits{{25s, 20s}, 1'000'000, policy.max_outbox_bytes, 10s},
      desk(hooks(), 65536),
      clients(modules.table, desk, 10s),
      broker(grid, clients, *this, limits, counters),
      // Deadlines of questions are set by the clock.
      now(std::chrono::steady_clock::now()) {
  broker.set_now(now);
}

modules::CallDesk::Hooks House::hooks() {
  return {[this] { ++woken; },
          [this] { return sleeps; },
          [this](session::DirtyList& dirty) {
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
          [this](const SessionHandle& session) {
            if (Session* starved = find(session)) cut(*starved);
          }};
}

Session& House::knock(std::string_view query) {
  std::size_t slot = 0;
  while (slot < sessions_.size() && sessions_[slot]) ++slot;
  if (slot == sessions_.size()) sessions_.emplace_back();
  const auto number = static_cast<std::uint32_t>(slot);
  session::Outlet& outlet = outlets.table(0).ensure(number);
  const SessionHandle handle{number, outlet.open({}), 0};
  doors_[number] = {};
  sessions_[slot] = std::make_unique<Session>(handle, outlet, session::Identity::from_query(query));
  return *sessions_[slot];
}

Session& House::join(std::string_view id) {
  Session& session = knock(query_of(id));
  broker.admit(session);
  say(session, "40");
  sent(session);
  return session;
}

void House::say(Session& session, std::string_view text) {
  desk.collect();
  std::string bytes = websocket::testing::text(text);
  session.heard(broker.bench(), bytes.size());
  session.receive(broker.bench(), bytes, now);
}

std::vector<std::string> House::sent(Session& session) {
  std::string bytes;
  session.outlet().flush_with([&](session::Outlet::Wire&, session::ByteQueue& queue) {
    const auto pending = queue.pending();
    bytes.assign(pending.data(), pending.size());
    queue.clear();
  });
  return decode(bytes);
}

void House::cut(Session& session) {
  const std::uint32_t slot = session.handle().slot;
  session.drop(broker.bench(), session::EndReason::tcp_end);
  session.outlet().close([](const session::Outlet::Wire&) {});
  sessions_[slot].reset();
}

void House::turn() {
  do {
    while (!posted_.empty()) {
      const auto task = std::move(posted_.front());
      posted_.pop_front();
      task(broker);
    }
    desk.collect();
  } while (!posted_.empty() || desk.has_arrived());
}

void House::settle() {
  turn();
  while (modules.answer_one()) turn();
}

void House::pass(std::chrono::milliseconds time) {
  now += time;
  broker.set_now(now);
  broker.tick();
  broker.judge_nodes();
  turn();
}

Session* House::find(SessionHandle handle) {
  if (handle.slot >= sessions_.size()) return nullptr;
  Session* session = sessions_[handle.slot].get();
  return session != nullptr && session->handle() == handle ? session : nullptr;
}

void House::open_transport(Session& session) {
  doors_[session.handle().slot].open = true;
  session.open(broker.bench(), now);
}

void House::refuse_transport(Session& session, Trouble trouble) {
  doors_[session.handle().slot].trouble = trouble;
}

std::optional<std::uint64_t> House::backlog_progress(Session& session) {
  const auto found = backlogs.find(session.handle().slot);
  if (found == backlogs.end()) return std::nullopt;
  return found->second;
}

void House::post(std::uint16_t, std::function<void(Broker&)> task) {
  if (!loses_posts) posted_.push_back(std::move(task));
}

void House::flush(session::DirtyList& dirty) {
  flushed += dirty.outlets.size();
  for (session::Outlet* outlet : dirty.outlets) {
    // Stays queued for sent(), but is in nobody's list any more.
    outlet->flush_with([](session::Outlet::Wire&, session::ByteQueue&) {});
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
