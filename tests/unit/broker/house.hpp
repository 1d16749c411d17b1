#pragma once
/// A broker's surroundings without sockets, threads or clock: one worker whose sessions are real
/// and whose connections are their outlets. Threads: one.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/broker.hpp"
#include "broker/grid.hpp"
#include "broker/ports.hpp"
#include "modules/clients/clients.hpp"
#include "session/session.hpp"
#include "unit/broker/scripted_modules.hpp"

namespace crolang::broker::testing {

using session::Session;

inline constexpr std::string_view kHere = "here";

class House final : public LocalSessions, public Workers {
 public:
  explicit House(Policy policy = {});

  /// A request of this query is complete, and nothing is decided.
  Session& knock(std::string_view query);
  /// A node that has joined, and has read what it was sent.
  Session& join(std::string_view id);
  /// The node sends this as a text message.
  void say(Session& session, std::string_view text);
  /// What the node was sent since it was last asked about: texts as they are, close frames as
  /// `close` or `close 1001`.
  std::vector<std::string> sent(Session& session);
  /// Its connection breaks. The session is no more.
  void cut(Session& session);

  /// Hands out answers and runs what was posted, and what follows from that.
  void turn();
  /// As turn, with questions that wait for their script answered too.
  void settle();
  void pass(std::chrono::milliseconds time);
  /// When there is something to do next.
  session::TimePoint deadline() const { return std::min(broker.work_due(), broker.nodes_due()); }

  /// What became of the request.
  struct Door {
    bool open = false;
    std::optional<Trouble> trouble;
  };
  Door door(const Session& session) const { return doors_.at(session.handle().slot); }

  // LocalSessions
  Session* find(SessionHandle handle) override;
  void touched(Session& session) override { touched_handles.push_back(session.handle()); }
  void open_transport(Session& session) override;
  void refuse_transport(Session& session, Trouble trouble) override;
  void rest(Session& session) override { rested.push_back(session.handle()); }
  std::optional<Trouble> lack(Session&) override { return lacking; }
  std::optional<std::uint64_t> backlog_progress(Session& session) override;

  // Workers
  void post(std::uint16_t worker, std::function<void(Broker&)> task) override;
  void flush(session::DirtyList& dirty) override;
  std::uint16_t count() const override { return 1; }

  ScriptedModules modules;
  session::OutletGrid outlets{1};
  Grid grid;
  session::Limits limits;
  telemetry::WorkerCounters counters;
  std::vector<modules::CallFault> faults;
  modules::CallDesk desk;
  modules::Clients clients;
  Broker broker;
  session::TimePoint now;
  std::vector<SessionHandle> touched_handles;
  std::vector<SessionHandle> rested;
  std::map<std::uint32_t, std::uint64_t> backlogs;  ///< by slot; absent: no backlog
  std::optional<Trouble> lacking;                   ///< for one more node
  bool loses_posts = false;
  std::size_t flushed = 0;
  std::size_t woken = 0;     ///< by answers
  bool sleeps = false;       ///< the worker does: receipts are redeemed
  std::size_t redeemed = 0;  ///< receipts

 private:
  modules::CallDesk::Hooks hooks();

  std::vector<std::unique_ptr<Session>> sessions_;  // by slot
  std::map<std::uint32_t, Door> doors_;
  std::deque<std::function<void(Broker&)>> posted_;
};

/// The query of a node with this id.
std::string query_of(std::string_view id);

/// The string literal of a JSON text.
std::string literal_of(std::string_view text);

/// `42<ack>["<name>","<payload>"]`.
std::string event(std::string_view name, std::string_view payload, std::string_view ack = {});

}  // namespace crolang::broker::testing
