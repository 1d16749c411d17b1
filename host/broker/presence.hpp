#pragma once
/// Answers ARE_NODES_CONNECTED_TO_BROKER: this instance's nodes from the directory, the others in
/// one look-up. Threads: one Presence per worker, owning worker only.

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/grid.hpp"
#include "broker/ports.hpp"
#include "envelope/envelope.hpp"
#include "modules/clients/clients.hpp"
#include "session/session.hpp"

namespace crolang::broker {

class Presence final : public modules::AnswerSink {
 public:
  Presence(Grid& grid, modules::Clients& clients, LocalSessions& sessions,
           session::Workbench& bench, envelope::EnvelopeReader& reader)
      : grid_(grid), clients_(clients), sessions_(sessions), bench_(bench), reader_(reader) {}

  void on_event(session::Session& asker, const socketio::Packet& packet);
  void on_answer(const modules::Waiter& waiter, const modules::Answer& answer) override;

 private:
  /// A question that waits for the registry.
  struct Waiting {
    session::SessionHandle asker;
    std::uint64_t
        token;  // of the lease it asked under: who has joined anew does not wait for this answer
    socketio::AckId ack;
    std::vector<std::string> ids;
    std::vector<bool> connected;
    std::vector<std::size_t> asked;  // which of ids the registry was asked about
    std::size_t bytes;               // of the question
  };

  template <class Ids>
  void answer(session::Session& asker, const socketio::AckId& ack, const Ids& ids,
              const std::vector<bool>& connected);
  void apply(const modules::Answer& answer, const std::vector<std::size_t>& asked,
             std::vector<bool>& connected) const;

  Grid& grid_;
  modules::Clients& clients_;
  LocalSessions& sessions_;
  session::Workbench& bench_;
  envelope::EnvelopeReader& reader_;
  std::unordered_map<std::uint64_t, Waiting> waiting_;            // by question
  std::unordered_map<std::uint64_t, std::size_t> bytes_waiting_;  // by the asker's token
  std::uint64_t last_question_ = 0;
  std::string text_;
};

}  // namespace crolang::broker
