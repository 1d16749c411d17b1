#pragma once
/// Handles the nodes of one worker: combines admission, relay, presence, probes and validity check,
/// and updates directory and leases when sessions join, leave and end.
/// Threads: owning worker only. Time is an argument.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "broker/admission.hpp"
#include "broker/command.hpp"
#include "broker/instance_status.hpp"
#include "broker/module_questions.hpp"
#include "broker/node.hpp"
#include "broker/node_log.hpp"
#include "broker/ports.hpp"
#include "broker/presence.hpp"
#include "broker/probes.hpp"
#include "broker/relay.hpp"
#include "broker/session_expiry.hpp"
#include "broker/shared_state.hpp"
#include "broker/validity_check.hpp"
#include "envelope/envelope.hpp"
#include "modules/clients/clients.hpp"
#include "session/session.hpp"

namespace crolang::broker {

class Broker final : public session::SessionEvents,
                     public AdmissionOutcomes,
                     public modules::AnswerSink {
 public:
  using TimePoint = session::TimePoint;

  Broker(SharedState& shared, modules::Clients& clients, LocalSessions& sessions,
         const session::Limits& limits, telemetry::WorkerCounters& counters);

  /// Starts the admission of a node. The result goes to LocalSessions::open_transport or
  /// refuse_transport, possibly before this returns.
  void admit(Node& node);
  /// Executes a command that another thread has posted by Workers::post.
  void execute(Command command);
  /// The broker is shutting down: ends the session in such a way that the node reconnects.
  void shut_down(Node& node);
  void start_validity_checks(std::chrono::milliseconds interval, TimePoint now);
  void start_status_reports(TimePoint now);

  /// At the start of each iteration of the worker's loop.
  void set_now(TimePoint now) {
    now_ = now;
    admissions_.set_now(now);
    relay_.set_now(now);
    presence_.set_now(now);
  }
  /// Runs the tasks that are due. Called in each iteration of the worker's loop.
  void tick();
  TimePoint work_due() const;
  /// Ends probes whose deadline has passed. Call it only after all received data has been read.
  void check_probes();
  TimePoint probes_due() const;

  /// The memory used by a node's messages that wait for answers, in bytes.
  std::size_t waiting_bytes(const Node& node) const { return relay_.waiting_bytes(node); }
  session::SessionContext& context() { return context_; }
  Admissions& admissions() { return admissions_; }

  // SessionEvents
  void on_connect(session::Session& session) override;
  void on_foreign_namespace(session::Session& session, std::string_view name_space) override;
  void on_disconnect(session::Session& session) override;
  void on_event(session::Session& session, const socketio::Packet& packet) override;
  void on_activity(session::Session& session) override;
  void on_end(session::Session& session, const session::End& end) override;

  // AdmissionOutcomes
  void on_admitted(SessionHandle handle, std::uint64_t token, RtcLiteral rtc,
                   std::optional<TimePoint> until) override;
  void on_refused(SessionHandle handle, Refusal refusal, std::string_view reason) override;
  void on_failure(SessionHandle handle, TemporaryFailure failure) override;

  /// The registry has announced a lease, or has failed to; in that case it retries by itself.
  void on_answer(const modules::Waiter& waiter, const modules::Answer& answer) override;

 private:
  /// Keeps the result for the node's CONNECT if it has no 101 yet, else applies it.
  void on_admission_result(Node& node, AdmissionResult result);
  node_log::LoggedNode logged(const Node& node) const;
  void apply(Node& node, AdmissionResult result);
  void join(Node& node);
  void give_up_lease(Node& node);
  /// Limits how long the node may stay: by its authentication, if that is valid until then, and by
  /// its age.
  void limit_stay(const Node& node, std::optional<TimePoint> until);
  void end_expired();
  void execute_one(ProbeSession& command);
  void execute_one(const DisconnectHolder& command);
  void execute_one(const DisconnectSession& command);
  void execute_one(AskModule& command);

  SharedState& shared_;
  LocalSessions& sessions_;
  modules::Clients& clients_;
  session::SessionContext context_;
  envelope::EnvelopeReader reader_;
  Admissions admissions_;
  Relay relay_;
  Presence presence_;
  Probes probes_;
  std::optional<ValidityCheck> validity_check_;
  std::optional<StatusReports> status_reports_;
  ModuleQuestions module_questions_;
  SessionExpiry expiry_;
  TimePoint now_;
};

}  // namespace crolang::broker
