#pragma once
/// Carries a message from one node to another: switch → envelope → sender → authorization →
/// receiver → acknowledgement.
///
/// A message whose answers are all there at once goes straight through to a receiver on this
/// instance, without a copy of its own. Else it waits in the sender's backlog, twice at most. At
/// the gate, for its authorization: at most kMaxOpenQuestions of a sender are asked for at once,
/// and answers are applied in the order of arrival. Then, if the receiver is not here, in the lane
/// of this sender and this receiver. Lanes do not wait for each other, and what goes to receivers
/// here waits for none, so order is kept for each receiver and not across them.
///
/// Threads: one Relay per worker, owning worker only. Time is an argument.

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/grid.hpp"
#include "broker/lane.hpp"
#include "broker/locations.hpp"
#include "broker/parcel.hpp"
#include "broker/ports.hpp"
#include "envelope/envelope.hpp"
#include "modules/clients/clients.hpp"
#include "session/session.hpp"

namespace crolang::broker {

inline constexpr std::size_t kMaxOpenQuestions = 16;
/// As many receivers elsewhere a sender may have messages under way to. With more than that, what
/// it sends waits at the gate.
inline constexpr std::size_t kMaxLanes = 256;

class Relay final : public modules::AnswerSink {
 public:
  using TimePoint = session::TimePoint;

  Relay(Grid& grid, modules::Clients& clients, LocalSessions& sessions, session::Workbench& bench,
        envelope::EnvelopeReader& reader)
      : grid_(grid), clients_(clients), sessions_(sessions), bench_(bench), reader_(reader) {}

  /// At the start of each turn of the worker.
  void set_now(TimePoint now) { now_ = now; }

  // Hot: per message. No allocation, no JSON tree, unless an answer has to be waited for or the
  // receiver is elsewhere.
  void on_event(session::Session& sender, Relayed type, const socketio::Packet& packet);
  /// What still waits for this sender is dropped.
  void on_end(session::Session& sender);
  /// Of a sender's messages that are not acknowledged yet.
  std::size_t waiting_bytes(const session::Session& sender) const;

  void on_answer(const modules::Waiter& waiter, const modules::Answer& answer) override;

 private:
  /// What a sender has under way. It exists while there is something, and the session's flag says
  /// so.
  struct Backlog {
    session::SessionHandle session;
    Parcels gate;
    std::vector<Lane> lanes;  // no more than kMaxLanes, so they are found by looking through them
    std::size_t bytes = 0;    // of all parcels

    bool is_closed() const { return !gate.empty() || lanes.size() >= kMaxLanes; }
    Lane* lane_to(std::string_view receiver);
    Lane* lane(std::uint32_t number);
  };

  bool enabled(Relayed type) const;
  bool needs_authorization(Relayed type) const;
  bool may_send(const session::Session& sender, const envelope::Envelope& envelope) const;
  Backlog* backlog_of(const session::Session& sender);

  /// For what does not get as far as being a message.
  void refuse(session::Session& sender, Relayed type, const socketio::AckId& ack, Outcome outcome,
              std::string_view to = {});
  /// delivered: it may be; else why it is not. Nothing if the answer is not there yet.
  std::optional<Outcome> authorize(session::Session& sender, const Message& message,
                                   std::uint32_t number);
  Outcome judge(const session::Session& sender, const Message& message,
                const modules::Answer& authorization) const;
  /// False: the receiver is not here, or earlier messages are still under way to it.
  bool deliver_here(session::Session& sender, const Message& message);
  Outcome deliver(const Message& message, const Joined& receiver);
  enum class Ack : std::uint8_t { owed, given };
  /// Also tells the observers.
  void finish(session::Session& sender, const Message& message, Outcome outcome,
              Ack ack = Ack::owed);
  void acknowledge(session::Session& sender, const Message& message, Outcome outcome,
                   Ack ack = Ack::owed);

  void enqueue(session::Session& sender, const Message& message, std::uint32_t number,
               Parcel::Stage stage);
  /// Lets pass what is decided, and asks for what comes after it.
  void open_gate(session::Session& sender, Backlog& backlog);
  void ask_ahead(session::Session& sender, Backlog& backlog);
  void on_authorization(const session::Session& sender, Backlog& backlog, std::uint32_t number,
                        const modules::Answer& answer);
  void remove_if_empty(session::Session& sender, Backlog& backlog);

  /// The gate's first joins its lane.
  void carry(session::Session& sender, Backlog& backlog);
  /// Moves a lane on until it has to wait, or is no more.
  void advance(session::Session& sender, Backlog& backlog, Lane& lane);
  void hand_over(session::Session& sender, const Backlog& backlog, Lane& lane, Parcel& parcel);
  /// For what is all that the sender has under way; else none.
  modules::Receipt issue_receipt(session::Session& sender, const Backlog& backlog,
                                 const Parcel& parcel) const;
  void on_handed_over(Lane& lane, Parcel& parcel, const modules::Answer& answer);
  void locate(session::Session& sender, Lane& lane);
  void on_located(Lane& lane, const modules::Answer& answer);
  bool deliver_here(Lane& lane);

  Grid& grid_;
  modules::Clients& clients_;
  LocalSessions& sessions_;
  session::Workbench& bench_;
  envelope::EnvelopeReader& reader_;
  TimePoint now_;
  Locations locations_;
  std::unordered_map<std::uint32_t, Backlog> backlogs_;  // by slot
  std::uint32_t last_parcel_ = 0;
  std::uint32_t last_lane_ = 0;
};

}  // namespace crolang::broker
