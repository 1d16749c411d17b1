#pragma once
/// What the product does, for the sessions of one worker: gathers admission, relay, presence,
/// probes and sweep, and keeps directory and leases in step with what sessions do. Threads: owning
/// worker only. Time is an argument.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "broker/admission.hpp"
#include "broker/grid.hpp"
#include "broker/ports.hpp"
#include "broker/presence.hpp"
#include "broker/probes.hpp"
#include "broker/relay.hpp"
#include "broker/sweep.hpp"
#include "envelope/envelope.hpp"
#include "modules/clients/clients.hpp"
#include "session/session.hpp"

namespace crolang::broker {

class Broker final : public session::SessionEvents,
                     public AdmissionOutcomes,
                     public modules::AnswerSink {
 public:
  using TimePoint = session::TimePoint;

  Broker(Grid& grid, modules::Clients& clients, LocalSessions& sessions,
         const session::Limits& limits, telemetry::WorkerCounters& counters);

  /// A node is at the door: the outcome goes to LocalSessions::open_transport or refuse_transport,
  /// perhaps before this returns.
  void admit(session::Session& session);
  /// The session is disconnected for good.
  void expel(SessionHandle handle, session::EndReason reason);
  /// Another session holds the id: expels this one if it still stands on that token.
  void expel_holder(SessionHandle handle, std::uint64_t token);
  /// The broker goes down: the session ends so that the node comes back by itself.
  void shut_down(session::Session& session);
  void probe(SessionHandle handle, std::uint64_t token, std::chrono::milliseconds timeout,
             Probes::Reply reply);
  void start_sweeping(std::chrono::milliseconds interval, TimePoint now);

  /// Set by the worker at the start of each of its turns.
  void set_now(TimePoint now) {
    now_ = now;
    relay_.set_now(now);
    presence_.set_now(now);
  }
  /// Does what is due, in each turn.
  void tick();
  TimePoint work_due() const;
  /// Gives up nodes that were waited for too long, once everything that was there has been read.
  void judge_nodes();
  TimePoint nodes_due() const;

  /// What a session has waiting here for answers, in bytes.
  std::size_t waiting_bytes(const session::Session& session) const {
    return relay_.waiting_bytes(session);
  }
  session::Workbench& bench() { return bench_; }
  Admissions& admissions() { return admissions_; }

  // SessionEvents
  void on_connect(session::Session& session) override;
  void on_foreign_namespace(session::Session& session, std::string_view name_space) override;
  void on_disconnect(session::Session& session) override;
  void on_event(session::Session& session, const socketio::Packet& packet) override;
  void on_sign_of_life(session::Session& session) override;
  void on_end(session::Session& session, const session::End& end) override;

  // AdmissionOutcomes
  void on_admitted(SessionHandle handle, std::uint64_t token, RtcLiteral rtc) override;
  void on_refused(SessionHandle handle, Refusal refusal, std::string_view reason) override;
  void on_trouble(SessionHandle handle, Trouble trouble) override;

  /// The registry was told that a node joins, or could not be: it makes up for that by itself.
  void on_answer(const modules::Waiter& waiter, const modules::Answer& answer) override;

 private:
  /// Before the 101 a verdict waits for the CONNECT that it is for; after it, it is applied.
  void decide(session::Session& session, session::Session::Verdict verdict);
  void apply(session::Session& session, session::Session::Verdict verdict);
  void join(session::Session& session);
  void give_up_lease(session::Session& session);

  Grid& grid_;
  LocalSessions& sessions_;
  modules::Clients& clients_;
  session::Workbench bench_;
  envelope::EnvelopeReader reader_;
  Admissions admissions_;
  Relay relay_;
  Presence presence_;
  Probes probes_;
  std::optional<Sweep> sweep_;
  TimePoint now_;
};

}  // namespace crolang::broker
