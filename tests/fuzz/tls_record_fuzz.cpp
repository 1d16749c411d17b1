/// The record layer and an OpenSSL client talk, in writes, records, pieces and rooms of any size,
/// with padding and KeyUpdates of both. Each must read what the other wrote. Then what the client
/// has sent is damaged and read again: nothing may come out that it did not send, in its order.
///
/// Input: a byte for the cipher suite, then the script. The handshake is done once for thousands of
/// inputs.

#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "fuzz/tls_feed.hpp"
#include "tls/record_layer.hpp"
#include "unit/tls/openssl_client.hpp"
#include "unit/tls/raw_records.hpp"

namespace {

using namespace crolang::tls;
using namespace crolang::tls::testing;

using State = RecordReader::State;

/// Passes `bytes` on in at most 64 pieces.
template <class Take>
void in_pieces(std::string_view bytes, std::size_t piece, Take take) {
  piece = std::max(piece + 1, bytes.size() / 64);
  for (std::size_t at = 0; at < bytes.size(); at += piece) take(bytes.substr(at, piece));
}

struct Conversation {
  explicit Conversation(CipherSuite of) : suite(of), client(openssl_server(), of) {
    secret = client.secrets.client;
    require(reader.start(cipher(), suite, secret_of(secret), 0), "no keys");
    require(writer.start(cipher(), suite, secret_of(client.secrets.server), client.server_sequence),
            "no keys");
  }

  CipherSuite suite;
  OpensslClient client;
  RecordReader reader;
  RecordWriter writer;
  // Where the client's direction stands.
  std::string secret;
  std::uint64_t sequence = 0;
  std::size_t without_data = 0;
  std::size_t inputs = 0;
};

/// One input of a conversation.
class Turn {
 public:
  explicit Turn(Conversation& with)
      : c_(with), feed_(with.reader), first_secret_(with.secret), first_sequence_(with.sequence) {}

  void play(Script& script) {
    for (int steps = 0; steps < 100 && script.more(); ++steps) {
      switch (script.next() % 9) {
        case 0:
          client_writes(script.size());
          break;
        case 1:
          client_updates(SSL_KEY_UPDATE_NOT_REQUESTED);
          break;
        case 2:
          client_updates(SSL_KEY_UPDATE_REQUESTED);
          break;
        case 3: {
          const std::size_t size = script.size();
          we_write(size, script.size());
          break;
        }
        case 4:
          c_.writer.answer_key_update();
          break;
        case 5:
          we_read(script.size(), script.size(), script.size());
          break;
        case 6:
          client_reads(script.size(), script.size());
          break;
        case 7:
          SSL_set_block_padding(c_.client.ssl(), script.size() % kMaxContentBytes);
          break;
        case 8:
          return;
      }
    }
  }

  void finish() {
    we_read(to_us_.size(), 4096, 4096);
    require(feed_.state == State::need_more, "the client's bytes ended the connection");
    require(feed_.plaintext == written_by_client_, "we read something else than the client wrote");
    require(feed_.update_requested == requested_, "a request for a KeyUpdate was lost or made up");
    client_reads(to_client_.size(), 4096);
    require(read_by_client_ == written_by_us_, "the client read something else than we wrote");
  }

  /// Reads what the client has sent once more, but damaged.
  void damage(Script& script) {
    if (!script.more() || sent_by_client_.empty()) return;
    std::string stream = sent_by_client_;
    for (int steps = 0; steps < 20 && script.more(); ++steps) change(stream, script);
    RecordReader reader;
    require(reader.start(cipher(), c_.suite, secret_of(first_secret_), first_sequence_), "no keys");
    Feed feed(reader);
    const std::size_t piece = script.size();
    const std::size_t room = script.size();
    in_pieces(stream, piece, [&](std::string_view bytes) { feed.push(bytes, room); });
    require(written_by_client_.starts_with(feed.plaintext), "read what the client did not send");
  }

 private:
  void client_writes(std::size_t size) {
    const std::string_view text = fresh_text(size);
    require(c_.client.write(text), "the client cannot write");
    written_by_client_ += text;
    if (!text.empty()) c_.without_data = 0;
    took_from_client();
  }

  void client_updates(int kind) {
    // As many as we take.
    if (++c_.without_data > kMaxRecordsWithoutData) {
      client_writes(1);
      c_.without_data = 1;
    }
    require(c_.client.key_update(kind), "the client does not update its keys");
    require(SSL_do_handshake(c_.client.ssl()) == 1, "the client does not update its keys");
    requested_ = requested_ || kind == SSL_KEY_UPDATE_REQUESTED;
    took_from_client();
    c_.secret = next_secret(c_.suite, c_.secret);
    c_.sequence = 0;
  }

  void took_from_client() {
    const std::string bytes = c_.client.sent();
    c_.sequence += split_records(bytes).size();
    to_us_ += bytes;
    sent_by_client_ += bytes;
  }

  void we_write(std::size_t size, std::size_t room) {
    const std::string_view text = fresh_text(size);
    std::string out(room + RecordWriter::kMinRoom, '\0');
    std::string_view left = text;
    while (!left.empty()) {
      const auto result = c_.writer.seal(cipher(), left, out);
      require(result.state == RecordWriter::State::open, "the writer has failed");
      require(result.consumed > 0, "the writer makes no progress");
      require(result.produced <= RecordWriter::max_sealed(result.consumed) ||
                  out.size() < kMaxContentBytes,
              "more records than needed");
      to_client_.append(out, 0, result.produced);
      left.remove_prefix(result.consumed);
    }
    written_by_us_ += text;
  }

  void we_read(std::size_t size, std::size_t piece, std::size_t room) {
    std::string_view bytes = to_us_;
    bytes = bytes.substr(0, size);
    in_pieces(bytes, piece, [&](std::string_view some) { feed_.push(some, room); });
    if (feed_.update_requested) c_.writer.answer_key_update();
    to_us_.erase(0, bytes.size());
  }

  void client_reads(std::size_t size, std::size_t piece) {
    std::string_view bytes = to_client_;
    bytes = bytes.substr(0, size);
    in_pieces(bytes, piece, [&](std::string_view some) {
      c_.client.arrive(some);
      read_by_client_ += c_.client.read();
      require(c_.client.error == SSL_ERROR_WANT_READ, "OpenSSL does not take our records");
    });
    to_client_.erase(0, bytes.size());
  }

  static void change(std::string& stream, Script& script) {
    if (stream.empty()) return;
    const std::uint8_t how = script.next();
    const std::size_t at = script.next_below(stream.size());
    const std::size_t size = script.size();
    switch (how % 6) {
      case 0:
        stream[at] = static_cast<char>(stream[at] ^ (1 << (size % 8)));
        break;
      case 1:
        stream.erase(at, size);
        break;
      case 2:
        stream.insert(at, stream.substr(at, size));
        break;
      case 3:
        stream.insert(at, size % 64, static_cast<char>(script.next()));
        break;
      case 4:
        stream.resize(at);
        break;
      case 5: {
        auto records = split_records(stream);
        if (records.size() < 2) break;
        std::swap(records[at % records.size()], records[size % records.size()]);
        stream.clear();
        for (const std::string& record : records) stream += record;
        break;
      }
    }
  }

  Conversation& c_;
  Feed feed_;
  std::string first_secret_;
  std::uint64_t first_sequence_;
  std::string written_by_client_;
  std::string sent_by_client_;
  std::string to_us_;
  std::string written_by_us_;
  std::string to_client_;
  std::string read_by_client_;
  bool requested_ = false;
};

void converse(std::size_t suite, Script& script) {
  constexpr std::size_t kInputs = 5000;
  static std::array<std::unique_ptr<Conversation>, std::size(kSuites)> conversations;
  auto& conversation = conversations[suite];
  if (!conversation || ++conversation->inputs > kInputs) {
    conversation = std::make_unique<Conversation>(kSuites[suite]);
  }
  SSL_set_block_padding(conversation->client.ssl(), 0);
  Turn turn(*conversation);
  turn.play(script);
  turn.finish();
  turn.damage(script);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Script script(data, size);
  converse(script.next() % std::size(kSuites), script);
  return 0;
}
