/// What it costs to read a payload's envelope, beside the same done with a JSON tree.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "envelope/envelope.hpp"
#include "json/scanner.hpp"

namespace {

using crolang::envelope::EnvelopeReader;

std::string literal_of(std::string_view text) {
  std::string literal;
  crolang::json::append_quoted(literal, text);
  return literal;
}

/// Relayed content, 276 bytes as a literal.
const std::string& message_literal() {
  static const std::string literal = literal_of(
      R"({"from":"3f2b8c1e-7d54-4a90-9b0e-5d1f6a7c2e10","to":"a81d0c77-52ef-4b3c-8f61-0e9d4c2b7a35",)"
      R"("channel":"chat","content":")" +
      std::string(276 - 139, 'x') + R"("})");
  return literal;
}

/// A connection attempt with a session description as browsers write it, 1.9 kB as a literal.
const std::string& offer_literal() {
  static const std::string literal = [] {
    std::string sdp =
        "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
        "a=group:BUNDLE 0\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n"
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n";
    for (int port = 50000; port < 50011; ++port) {
      sdp += "a=candidate:1467250027 1 udp 2122260223 192.168.0.196 " + std::to_string(port) +
             " typ host generation 0 network-id 1\r\n";
    }
    sdp +=
        "a=ice-ufrag:Zq3h\r\na=ice-pwd:aP5mSoZFQ0Vv1xTnY7ZbJcKe\r\na=ice-options:trickle\r\n"
        "a=fingerprint:sha-256 "
        "1A:2B:3C:4D:5E:6F:70:81:92:A3:B4:C5:D6:E7:F8:09:1A:2B:3C:4D:5E:6F:70:81:92:A3:B4:C5:D6:"
        "E7:F8:09\r\n"
        "a=setup:actpass\r\na=mid:0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n";
    const nlohmann::ordered_json payload = {
        {"platformFrom", "BROWSER_CHROME"},
        {"versionFrom", "1.4.2"},
        {"from", "3f2b8c1e-7d54-4a90-9b0e-5d1f6a7c2e10"},
        {"to", "a81d0c77-52ef-4b3c-8f61-0e9d4c2b7a35"},
        {"sessionId", "c0a1f5f2-3f53-4f0e-8d0b-27c8a91a5d44"},
        {"sessionDescription", {{"type", "offer"}, {"sdp", sdp}}}};
    return literal_of(payload.dump());
  }();
  return literal;
}

std::string presence_literal(std::size_t count) {
  nlohmann::json ids = nlohmann::json::array();
  for (std::size_t i = 0; i < count; ++i) {
    ids.push_back("3f2b8c1e-7d54-4a90-9b0e-" + std::to_string(100000000000 + i));
  }
  return literal_of(nlohmann::json{{"ids", ids}}.dump());
}

void count_bytes(benchmark::State& state, const std::string& literal) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(literal.size()));
  state.counters["literal"] = static_cast<double>(literal.size());
}

void read_envelope(benchmark::State& state, const std::string& literal) {
  EnvelopeReader reader;
  for ([[maybe_unused]] auto iteration : state) {
    auto envelope = reader.read(literal);
    benchmark::DoNotOptimize(envelope);
  }
  count_bytes(state, literal);
}

/// With the members of a negotiation.
void read_negotiation(benchmark::State& state, const std::string& literal) {
  EnvelopeReader reader;
  for ([[maybe_unused]] auto iteration : state) {
    crolang::envelope::NegotiationMembers members;
    auto envelope = reader.read(literal, members);
    benchmark::DoNotOptimize(envelope);
    benchmark::DoNotOptimize(members);
  }
  count_bytes(state, literal);
}

void read_envelope_with_a_tree(benchmark::State& state, const std::string& literal) {
  for ([[maybe_unused]] auto iteration : state) {
    const auto payload = nlohmann::json::parse(literal).get<std::string>();
    const auto object = nlohmann::json::parse(payload);
    std::string to = object["to"].get<std::string>();
    benchmark::DoNotOptimize(to);
  }
  count_bytes(state, literal);
}

void read_ids(benchmark::State& state) {
  const std::string literal = presence_literal(static_cast<std::size_t>(state.range(0)));
  EnvelopeReader reader;
  for ([[maybe_unused]] auto iteration : state) {
    auto ids = reader.read_ids(literal, 1000);
    benchmark::DoNotOptimize(ids);
  }
  count_bytes(state, literal);
}

BENCHMARK_CAPTURE(read_envelope, message, message_literal());
BENCHMARK_CAPTURE(read_envelope, offer, offer_literal());
BENCHMARK_CAPTURE(read_negotiation, offer, offer_literal());
BENCHMARK(read_ids)->Arg(1)->Arg(100);
BENCHMARK_CAPTURE(read_envelope_with_a_tree, message, message_literal());
BENCHMARK_CAPTURE(read_envelope_with_a_tree, offer, offer_literal());

}  // namespace
