/// What a relayed message costs in websocket/: all of it, and its parts apart.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "websocket/frame_parser.hpp"
#include "websocket/frame_writer.hpp"
#include "websocket/handshake.hpp"
#include "websocket/mask.hpp"
#include "websocket/utf8.hpp"

namespace {

using namespace crolang::websocket;

constexpr MaskKey kKey = {'\x37', '\x1f', '\x6d', '\x21'};
constexpr std::size_t kNoLimit = std::size_t{1} << 30;

std::string repeated(std::string_view piece, std::size_t bytes) {
  std::string text;
  while (text.size() + piece.size() <= bytes) text += piece;
  return text;
}

std::string ascii(std::size_t bytes) {
  return repeated("x", bytes);
}
std::string cyrillic(std::size_t bytes) {
  return repeated("жук ", bytes);
}
std::string one_accent(std::size_t bytes) {
  return repeated("x", bytes / 2) + "é" + ascii(bytes / 2);
}

std::string client_frame(std::string payload) {
  std::string frame(kMaxHeaderBytes, '\0');
  frame.resize(write_header(frame.data(), Opcode::text, payload.size()));
  frame[1] = static_cast<char>(frame[1] | '\x80');
  frame.append(kKey.data(), kKey.size());
  unmask(payload, kKey);
  return frame + payload;
}

void sizes(benchmark::internal::Benchmark* context) {
  context->Arg(100)->Arg(276)->Arg(2000)->Arg(65536);
}

template <auto make_text>
void parse_text_frame(benchmark::State& state) {
  const std::string frame = client_frame(make_text(static_cast<std::size_t>(state.range(0))));
  std::string input = frame;
  FrameParser parser;
  for (auto _ : state) {
    // The parser unmasks in place, so the frame has to be laid out anew each time.
    std::memcpy(input.data(), frame.data(), frame.size());
    benchmark::DoNotOptimize(parser.next(input, kNoLimit));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(frame.size()));
}
BENCHMARK(parse_text_frame<ascii>)->Apply(sizes);
BENCHMARK(parse_text_frame<one_accent>)->Apply(sizes);
BENCHMARK(parse_text_frame<cyrillic>)->Apply(sizes);

void unmask_and_see_ascii(benchmark::State& state) {
  std::string text = ascii(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(unmask(text, kKey));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(unmask_and_see_ascii)->Apply(sizes);

template <auto make_text>
void check_utf8(benchmark::State& state) {
  const std::string text = make_text(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(is_utf8(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(check_utf8<ascii>)->Apply(sizes);
BENCHMARK(check_utf8<one_accent>)->Apply(sizes);
BENCHMARK(check_utf8<cyrillic>)->Apply(sizes);

void write_a_header(benchmark::State& state) {
  char header[kMaxHeaderBytes];
  std::size_t payload = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(payload);
    benchmark::DoNotOptimize(write_header(header, Opcode::text, payload));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(write_a_header)->Apply(sizes);

void accept_a_key(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(accept_key("dGhlIHNhbXBsZSBub25jZQ=="));
}
BENCHMARK(accept_a_key);

}  // namespace
