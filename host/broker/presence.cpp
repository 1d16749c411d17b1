#include "broker/presence.hpp"

#include <utility>

#include "json/scanner.hpp"

namespace crolang::broker {

using session::Session;
using socketio::AckStatus;

namespace {

// What one worker keeps for nodes that ask faster than the registry answers.
constexpr std::size_t kMaxWaiting = 4096;

}  // namespace

void Presence::on_event(Session& asker, const socketio::Packet& packet) {
  bench_.counters.add(telemetry::Counter::presence_queries);
  const bool usable =
      packet.event.argument_count > 0 && packet.event.first_kind == json::Kind::string;
  const auto ids =
      usable ? reader_.read_ids(packet.event.first_argument, grid_.policy.max_presence_ids)
             : std::nullopt;
  if (!ids) {
    asker.ack(bench_, packet.ack, AckStatus::error);
    return;
  }
  // Nobody would hear the answer.
  if (!packet.ack.present()) return;
  std::vector<bool> connected(ids->size());
  std::vector<std::size_t> elsewhere;
  std::vector<std::string_view> unknown;
  for (std::size_t i = 0; i < ids->size(); ++i) {
    connected[i] = grid_.directory.find((*ids)[i]).has_value();
    if (connected[i]) continue;
    elsewhere.push_back(i);
    unknown.push_back((*ids)[i]);
  }
  if (unknown.empty()) {
    answer(asker, packet.ack, *ids, connected);
    return;
  }
  const std::size_t bytes = packet.event.first_argument.size();
  const auto already = bytes_waiting_.find(asker.token());
  const std::size_t with_these = bytes + (already == bytes_waiting_.end() ? 0 : already->second);
  if (waiting_.size() >= kMaxWaiting || with_these > grid_.policy.max_outbox_bytes) {
    asker.ack(bench_, packet.ack, AckStatus::error);
    return;
  }
  const std::uint64_t question = ++last_question_;
  const modules::Answer* found = clients_.lookup({this, asker.handle(), question}, unknown);
  if (found != nullptr) {
    if (!found->could_ask()) {
      asker.ack(bench_, packet.ack, AckStatus::error);
      return;
    }
    apply(*found, elsewhere, connected);
    answer(asker, packet.ack, *ids, connected);
    return;
  }
  Waiting waiting{asker.handle(),       asker.token(),        packet.ack, {},
                  std::move(connected), std::move(elsewhere), bytes};
  waiting.ids.assign(ids->begin(), ids->end());
  waiting_.emplace(question, std::move(waiting));
  bytes_waiting_[asker.token()] = with_these;
}

void Presence::on_answer(const modules::Waiter& waiter, const modules::Answer& found) {
  const auto node = waiting_.extract(waiter.tag);
  if (node.empty()) return;
  Waiting& waiting = node.mapped();
  const auto bytes = bytes_waiting_.find(waiting.token);
  bytes->second -= waiting.bytes;
  if (bytes->second == 0) bytes_waiting_.erase(bytes);
  Session* asker = sessions_.find(waiting.asker);
  if (asker == nullptr || asker->token() != waiting.token) return;
  // Many late answers at once would not be held back by reading less from the asker.
  const bool is_behind = asker->outlet().waiting() > grid_.policy.max_outbox_bytes;
  if (!found.could_ask() || is_behind) {
    asker->ack(bench_, waiting.ack, AckStatus::error);
  } else {
    apply(found, waiting.asked, waiting.connected);
    answer(*asker, waiting.ack, waiting.ids, waiting.connected);
  }
  sessions_.touched(*asker);
}

void Presence::apply(const modules::Answer& found, const std::vector<std::size_t>& asked,
                     std::vector<bool>& connected) const {
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const std::string& instance = found.holders[i].instance;
    // Who is said to be here was not in the directory, and so has not joined.
    connected[asked[i]] = !instance.empty() && instance != grid_.instance;
  }
}

template <class Ids>
void Presence::answer(Session& asker, const socketio::AckId& ack, const Ids& ids,
                      const std::vector<bool>& connected) {
  text_ = R"({"results":[)";
  for (std::size_t i = 0; i < ids.size(); ++i) {
    text_ += i == 0 ? R"({"id":)" : R"(,{"id":)";
    json::append_quoted(text_, ids[i]);
    text_ += connected[i] ? R"(,"connected":true})" : R"(,"connected":false})";
  }
  text_ += "]}";
  asker.ack_text(bench_, ack, text_);
}

}  // namespace crolang::broker
