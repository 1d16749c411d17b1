/// What a packet costs in socketio/: reading a relayed event, beside a JSON tree of the same, and
/// writing the two answers to it.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "json/scanner.hpp"
#include "socketio/binary.hpp"
#include "socketio/packet.hpp"
#include "socketio/writer.hpp"

namespace {

using namespace crolang;

constexpr std::string_view kEvent = "SOCKET_MSG_EXCHANGE";

/// A relayed message as a node sends it, its payload's text filled up to about this many bytes.
std::string relayed(std::size_t bytes) {
  std::string payload =
      R"({"from":"3f2b8c1e-7d54-4a90-9b0e-5d1f6a7c2e10","to":"a81d0c77-52ef-4b3c-8f61-0e9d4c2b7a35",)"
      R"("channel":"chat","content":")";
  // An escape in every line, as session descriptions have them.
  while (payload.size() + 2 < bytes) payload += R"(a=candidate:1 1 udp 2122260223 x\r\n)";
  payload += R"("})";
  std::string text = R"(2123[")" + std::string(kEvent) + R"(",)";
  json::append_quoted(text, payload);
  return text + "]";
}

void parse(benchmark::State& state) {
  const std::string text = relayed(static_cast<std::size_t>(state.range(0)));
  socketio::PacketParser parser;
  for (auto _ : state) {
    auto packet = parser.parse(text);
    benchmark::DoNotOptimize(packet);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(parse)->Arg(100)->Arg(276)->Arg(1800)->Arg(15000);

void parse_into_a_tree(benchmark::State& state) {
  const std::string text = relayed(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    auto tree = nlohmann::json::parse(std::string_view(text).substr(4), nullptr, false);
    benchmark::DoNotOptimize(tree);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(parse_into_a_tree)->Arg(276)->Arg(1800);

void parse_deep_nesting(benchmark::State& state) {
  const auto depth = static_cast<std::size_t>(state.range(0));
  const std::string text = R"(2["x",)" + std::string(depth, '[') + std::string(depth, ']') + "]";
  socketio::PacketParser parser;
  for (auto _ : state) {
    auto packet = parser.parse(text);
    benchmark::DoNotOptimize(packet);
  }
}
BENCHMARK(parse_deep_nesting)->Arg(100'000);

void write_ack(benchmark::State& state) {
  const socketio::AckId id = socketio::scan_ack_id("123", 0).id;
  std::string_view arguments = R"(["OK"])";
  std::vector<char> out(64);
  for (auto _ : state) {
    benchmark::DoNotOptimize(arguments);
    benchmark::DoNotOptimize(socketio::ack_size(id, arguments));
    benchmark::DoNotOptimize(socketio::write_ack(out.data(), id, arguments));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(write_ack);

void write_event(benchmark::State& state) {
  const std::string literal(static_cast<std::size_t>(state.range(0)), 'x');
  std::vector<char> out(socketio::event_size(kEvent, literal));
  for (auto _ : state) {
    benchmark::DoNotOptimize(socketio::event_size(kEvent, literal));
    benchmark::DoNotOptimize(socketio::write_event(out.data(), kEvent, literal));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(write_event)->Arg(100)->Arg(1800);

void check_placeholders(benchmark::State& state) {
  constexpr std::string_view kValue = R"([{"_placeholder":true,"num":0},{"a":[1,2,"x"]}])";
  for (auto _ : state) benchmark::DoNotOptimize(socketio::placeholders_are_valid(kValue, 1));
}
BENCHMARK(check_placeholders);

}  // namespace
