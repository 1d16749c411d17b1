/// What negotiation insight adds to a message of a negotiation; other messages are not looked at.

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "json/scanner.hpp"
#include "negotiation/table.hpp"

namespace crolang::negotiation {
namespace {

std::string literal_of(std::string_view text) {
  std::string literal;
  json::append_quoted(literal, text);
  return literal;
}

const std::string& candidate() {
  static const std::string json =
      R"({"sdp":"candidate:645241406 1 udp 2113937151 192.0.2.2 40266 typ host generation 0 ufrag 8CqW )"
      R"(network-cost 999","sdpMid":"0","sdpMLineIndex":0})";
  return json;
}

const std::string& offer() {
  static const std::string json = [] {
    std::string sdp = "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
    for (int port = 50000; port < 50011; ++port) {
      sdp += "a=candidate:1467250027 1 udp 2122260223 192.168.0.196 " + std::to_string(port) +
             " typ host generation 0 network-id 1\r\n";
    }
    sdp += "a=ice-ufrag:Zq3h\r\na=ice-pwd:aP5mSoZFQ0Vv1xTnY7ZbJcKe\r\na=setup:actpass\r\n";
    return R"({"type":"offer","sdp":)" + literal_of(sdp) + "}";
  }();
  return json;
}

void count_candidates(benchmark::State& state, const std::string& json) {
  for ([[maybe_unused]] auto iteration : state) {
    Candidates all;
    add_candidates(all, json);
    benchmark::DoNotOptimize(all);
  }
}
BENCHMARK_CAPTURE(count_candidates, candidate, candidate());
BENCHMARK_CAPTURE(count_candidates, offer, offer());

std::vector<std::string> sessions() {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < 20'000; ++i) {
    all.push_back("c0a1f5f2-3f53-4f0e-8d0b-" + std::to_string(100'000'000'000 + i));
  }
  return all;
}

Message message_of(MessageKind kind, Side from, std::string_view session) {
  Message message;
  message.kind = kind;
  message.from = from;
  message.initiator = "3f2b8c1e-7d54-4a90-9b0e-5d1f6a7c2e10";
  message.responder = "a81d0c77-52ef-4b3c-8f61-0e9d4c2b7a35";
  message.session = session;
  message.at = TimePoint(std::chrono::hours(1));
  return message;
}

/// A new negotiation each time, in a full table.
void note_attempt(benchmark::State& state) {
  Table table;
  const auto all = sessions();
  for (const std::string& each : all)
    table.note(message_of(MessageKind::attempt, Side::initiator, each));
  std::size_t next = 0;
  for ([[maybe_unused]] auto iteration : state) {
    const auto noted = table.note(message_of(MessageKind::attempt, Side::initiator, all[next]));
    table.acknowledge(noted.ticket, {Ack::ok});
    if (++next == all.size()) next = 0;
  }
}
BENCHMARK(note_attempt);

void note_candidate(benchmark::State& state) {
  Table table;
  const auto all = sessions();
  constexpr std::size_t kHeld = 5000;
  for (std::size_t i = 0; i < kHeld; ++i) {
    table.note(message_of(MessageKind::attempt, Side::initiator, all[i]));
  }
  std::size_t next = 0;
  for ([[maybe_unused]] auto iteration : state) {
    Message message = message_of(MessageKind::candidates, Side::initiator, all[next]);
    add_candidates(message.candidates, candidate());
    const auto noted = table.note(message);
    table.acknowledge(noted.ticket, {Ack::ok});
    if (++next == kHeld) next = 0;
  }
}
BENCHMARK(note_candidate);

void sweep(benchmark::State& state) {
  Table table;
  for (const std::string& each : sessions()) {
    Message message = message_of(MessageKind::attempt, Side::initiator, each);
    message.at = TimePoint(std::chrono::hours(1));
    table.note(message);
  }
  TimePoint now(std::chrono::hours(1) + kAnswerTime);
  for ([[maybe_unused]] auto iteration : state) {
    state.PauseTiming();
    // A new one, so that there is something to wait for.
    Message message = message_of(MessageKind::attempt, Side::initiator, "s");
    message.at = now;
    table.note(message);
    now = table.sweep_due();
    state.ResumeTiming();
    benchmark::DoNotOptimize(table.sweep(now));
  }
}
BENCHMARK(sweep)->Iterations(500);

}  // namespace
}  // namespace crolang::negotiation
