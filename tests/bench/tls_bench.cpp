/// What a record costs in tls/, beside the same by SSL_write and SSL_read of OpenSSL. The argument
/// is the size of the message; 150 bytes are a relayed message of 100 with its frame.
///
/// `taking_turns`: each record belongs to another of 64 connections, as on a worker whose messages
/// go to many nodes; `in_a_row`: all belong to one.

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tls/record_layer.hpp"
#include "unit/tls/openssl_client.hpp"
#include "unit/tls/raw_records.hpp"

namespace {

using namespace crolang::tls;
using crolang::tls::testing::HandOver;
using crolang::tls::testing::OpensslClient;
using crolang::tls::testing::OpensslServer;
using crolang::tls::testing::secret_of;
using crolang::tls::testing::some_secret;

constexpr CipherSuite kAes128 = CipherSuite::aes_128_gcm_sha256;
constexpr CipherSuite kAes256 = CipherSuite::aes_256_gcm_sha384;
constexpr CipherSuite kChaCha20 = CipherSuite::chacha20_poly1305_sha256;

enum Turns : std::size_t { in_a_row = 1, taking_turns = 64 };

void sizes(benchmark::internal::Benchmark* context) {
  context->Arg(150)->Arg(16384);
}

template <CipherSuite suite, Turns connections>
void seal(benchmark::State& state) {
  RecordCipher cipher;
  std::array<RecordWriter, connections> writers;
  for (std::size_t i = 0; i < connections; ++i) {
    const bool started =
        writers[i].start(cipher, suite, secret_of(some_secret(suite, static_cast<char>(i))), 0);
    if (!started) state.SkipWithError("no keys");
  }
  const std::string plaintext(static_cast<std::size_t>(state.range(0)), 'x');
  std::string out(RecordWriter::max_sealed(plaintext.size()), '\0');
  std::size_t turn = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(writers[++turn % connections].seal(cipher, plaintext, out));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(seal<kAes128, in_a_row>)->Apply(sizes);
BENCHMARK(seal<kAes128, taking_turns>)->Apply(sizes);
BENCHMARK(seal<kAes256, in_a_row>)->Apply(sizes);
BENCHMARK(seal<kAes256, taking_turns>)->Apply(sizes);
BENCHMARK(seal<kChaCha20, in_a_row>)->Apply(sizes);
BENCHMARK(seal<kChaCha20, taking_turns>)->Apply(sizes);

/// 64 records of each connection, read again and again.
template <CipherSuite suite, Turns connections>
void open(benchmark::State& state) {
  constexpr std::size_t kRecords = 64;
  RecordCipher cipher;
  const std::string plaintext(static_cast<std::size_t>(state.range(0)), 'x');
  std::string out(kMaxInnerBytes, '\0');
  std::vector<RecordReader> readers(connections);
  std::vector<TrafficSecret> secrets;
  std::vector<std::string> records;  // first those with number 0, then those with number 1
  std::vector<RecordWriter> writers(connections);
  for (std::size_t i = 0; i < connections; ++i) {
    secrets.push_back(secret_of(some_secret(suite, static_cast<char>(i))));
    const bool started = writers[i].start(cipher, suite, secrets[i], 0);
    if (!started) state.SkipWithError("no keys");
  }
  for (std::size_t i = 0; i < kRecords * connections; ++i) {
    std::string record(RecordWriter::max_sealed(plaintext.size()), '\0');
    record.resize(writers[i % connections].seal(cipher, plaintext, record).produced);
    records.push_back(record);
  }
  std::size_t turn = 0;
  for (auto _ : state) {
    const std::size_t at = turn++ % records.size();
    if (at == 0) {
      state.PauseTiming();
      for (std::size_t i = 0; i < connections; ++i) {
        if (!readers[i].start(cipher, suite, secrets[i], 0)) state.SkipWithError("no keys");
      }
      state.ResumeTiming();
    }
    const auto result = readers[at % connections].read(cipher, records[at], out);
    if (result.produced != plaintext.size()) state.SkipWithError("not opened");
    benchmark::ClobberMemory();
  }
}
BENCHMARK(open<kAes128, in_a_row>)->Apply(sizes);
BENCHMARK(open<kAes128, taking_turns>)->Apply(sizes);
BENCHMARK(open<kAes256, in_a_row>)->Apply(sizes);
BENCHMARK(open<kAes256, taking_turns>)->Apply(sizes);
BENCHMARK(open<kChaCha20, in_a_row>)->Apply(sizes);
BENCHMARK(open<kChaCha20, taking_turns>)->Apply(sizes);

struct Pairs {
  Pairs(CipherSuite suite, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      clients.push_back(std::make_unique<OpensslClient>(server, suite, HandOver::none, 0));
    }
  }
  OpensslServer server;
  std::vector<std::unique_ptr<OpensslClient>> clients;
};

template <CipherSuite suite, Turns connections>
void ssl_write(benchmark::State& state) {
  Pairs pairs(suite, connections);
  const std::string plaintext(static_cast<std::size_t>(state.range(0)), 'x');
  std::size_t turn = 0;
  for (auto _ : state) {
    auto& server = *pairs.clients[++turn % connections]->server;
    if (!server.write(plaintext)) state.SkipWithError("not sealed");
    static_cast<void>(BIO_reset(SSL_get_wbio(server.ssl())));
  }
}
BENCHMARK(ssl_write<kAes128, in_a_row>)->Apply(sizes);
BENCHMARK(ssl_write<kAes128, taking_turns>)->Apply(sizes);
BENCHMARK(ssl_write<kAes256, in_a_row>)->Apply(sizes);
BENCHMARK(ssl_write<kAes256, taking_turns>)->Apply(sizes);
BENCHMARK(ssl_write<kChaCha20, in_a_row>)->Apply(sizes);
BENCHMARK(ssl_write<kChaCha20, taking_turns>)->Apply(sizes);

template <CipherSuite suite, Turns connections>
void ssl_read(benchmark::State& state) {
  constexpr std::size_t kRecords = 64;
  Pairs pairs(suite, connections);
  const std::string plaintext(static_cast<std::size_t>(state.range(0)), 'x');
  std::vector<std::string> records(kRecords * connections);
  std::string out(kMaxContentBytes, '\0');
  std::size_t turn = 0;
  for (auto _ : state) {
    const std::size_t at = turn++ % records.size();
    if (at == 0) {
      state.PauseTiming();
      for (std::size_t i = 0; i < records.size(); ++i) {
        OpensslClient& client = *pairs.clients[i % connections];
        if (!client.write(plaintext)) state.SkipWithError("not sealed");
        records[i] = client.sent();
      }
      state.ResumeTiming();
    }
    auto& server = *pairs.clients[at % connections]->server;
    server.arrive(records[at]);
    if (SSL_read(server.ssl(), out.data(), static_cast<int>(out.size())) !=
        static_cast<int>(plaintext.size())) {
      state.SkipWithError("not opened");
    }
    benchmark::ClobberMemory();
  }
}
BENCHMARK(ssl_read<kAes128, in_a_row>)->Apply(sizes);
BENCHMARK(ssl_read<kAes128, taking_turns>)->Apply(sizes);
BENCHMARK(ssl_read<kAes256, in_a_row>)->Apply(sizes);
BENCHMARK(ssl_read<kAes256, taking_turns>)->Apply(sizes);
BENCHMARK(ssl_read<kChaCha20, in_a_row>)->Apply(sizes);
BENCHMARK(ssl_read<kChaCha20, taking_turns>)->Apply(sizes);

void handle_a_key_update(benchmark::State& state) {
  RecordCipher cipher;
  RecordKeys keys;
  TrafficSecret secret = secret_of(some_secret(kAes256, 's'));
  for (auto _ : state) {
    bool derived = cipher.derivation().advance(kAes256, secret);
    benchmark::DoNotOptimize(derived &= cipher.derivation().derive(kAes256, secret, keys));
  }
}
BENCHMARK(handle_a_key_update);

}  // namespace
