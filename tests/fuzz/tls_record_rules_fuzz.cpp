/// Records of any type, content and padding, sealed with a client's keys, are read by our reader
/// and by OpenSSL's server. Both must read the same and come to the same end.
///
/// Input: a byte for the cipher suite, then the script. What the two refuse costs a handshake.
///
/// Where the two may differ (OpenSSL 3.0):
/// - We refuse a record or a handshake message at its first wrong byte, OpenSSL when it has its
/// body
///   or its header. So more is sent before the comparison.
/// - OpenSSL takes more padding than RFC 8446 5.4 allows, alerts between the parts of a message
/// whose
///   header it has, which 5.1 forbids, and at most four user_canceled in a row. So a script has
///   none of these.

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "fuzz/tls_feed.hpp"
#include "tls/record_layer.hpp"
#include "unit/tls/openssl_client.hpp"
#include "unit/tls/raw_records.hpp"

namespace {

using namespace crolang::tls;
using namespace crolang::tls::testing;

using State = RecordReader::State;

struct Comparison {
  explicit Comparison(CipherSuite suite)
      : openssl(openssl_server(), suite, HandOver::none), client(suite, openssl.secrets.client) {
    require(reader.start(cipher(), suite, secret_of(openssl.secrets.client), 0), "no keys");
  }

  OpensslClient openssl;
  RawKeys client;
  RecordReader reader;
};

/// What a script has had.
struct Sent {
  int canceled = 0;
  std::size_t bytes_of_parts = 0;  ///< of handshake messages
};

/// Sealed with the client's keys: whatever a script says.
std::string record(RawKeys& client, Script& script, Sent& sent) {
  static constexpr std::string_view kMessages[] = {
      {"\x18\0\0\1\0", 5}, {"\x18\0\0\1\1", 5},     {"\x18\0\0\1\2", 5}, {"\x18\0\0\2\0\0", 6},
      {"\1\0\0\1\0", 5},   {"\x18\0\0\1\0\x18", 6}, {"\x05\0\0\0", 4}};
  const std::uint8_t choice = script.next();
  const std::size_t padding = choice & 0x80 ? script.size() % 8192 : 0;
  switch (choice % 8) {
    case 0:
    case 1: {
      const std::size_t size = script.size() % 8192;
      return client.seal(ContentType::application_data, fresh_text(size), padding);
    }
    case 2: {
      const std::string record = client.seal(ContentType::handshake, kMessages[choice / 8 % 2]);
      client.update();
      return record;
    }
    case 3: {
      const std::string_view message = kMessages[script.next() % std::size(kMessages)];
      const std::size_t from = script.next() % message.size();
      const std::string_view part = message.substr(from, script.next() % 8);
      sent.bytes_of_parts += part.size();
      return client.seal(ContentType::handshake, part, padding);
    }
    case 4: {
      std::string alert(script.next() % 4, '\1');
      for (char& byte : alert) byte = static_cast<char>(script.next());
      if (alert.size() == 2 && static_cast<Alert>(alert[1]) == Alert::user_canceled) {
        if (sent.canceled >= 4) alert[1] = '\0';
        ++sent.canceled;
      }
      const bool is_wanted = sent.bytes_of_parts < 4;
      return client.seal(is_wanted ? ContentType::alert : ContentType::application_data, alert,
                         padding);
    }
    case 5: {
      // Alerts and handshake messages of any bytes are of little use, and have their own cases.
      const auto type = static_cast<ContentType>(script.next());
      const bool is_wanted = type != ContentType::alert && type != ContentType::handshake;
      return client.seal(is_wanted ? type : ContentType::application_data,
                         fresh_text(script.next()), padding);
    }
    case 6: {
      std::string header = RawKeys::header(script.next_below(1 << 16));
      if (choice & 0x40) header[script.next() % 3] = static_cast<char>(script.next());
      return header;
    }
    case 7: {
      std::string record = client.seal(ContentType::application_data, fresh_text(9), padding);
      if (choice & 0x40) {
        record[script.next_below(record.size())] ^= static_cast<char>(script.next());
      }
      return record;
    }
  }
  return {};
}

State end_of_openssl(OpensslClient& openssl) {
  switch (openssl.server->error) {
    case SSL_ERROR_WANT_READ:
      return State::need_more;
    case SSL_ERROR_ZERO_RETURN:
      return State::closed;
    case SSL_ERROR_SYSCALL:
      // So it calls a close_notify of another level than a warning behind a user_canceled.
      if (SSL_get_shutdown(openssl.server->ssl()) == SSL_RECEIVED_SHUTDOWN) return State::closed;
      break;
  }
  const int reason = ERR_GET_REASON(ERR_peek_last_error());
  return reason >= SSL_AD_REASON_OFFSET ? State::alert_received : State::failed;
}

/// What both sides make of more bytes.
class Reading {
 public:
  explicit Reading(Comparison& of) : ours(of.reader), c_(of) {}

  void push(std::string_view bytes) {
    ours.push(bytes, 4096);
    push_to_openssl(bytes);
  }
  void push_to_openssl(std::string_view bytes) {
    c_.openssl.server->arrive(bytes);
    openssls += c_.openssl.server->read();
    end = end_of_openssl(c_.openssl);
    static_cast<void>(c_.openssl.server->sent());
  }
  void require_the_same() const {
    if (ours.state != end) {
      const std::string_view alert = describe(ours.alert);
      const char* reason = ERR_reason_error_string(ERR_peek_last_error());
      std::fprintf(stderr, "ours: %d %.*s, OpenSSL's: %d %s\n", static_cast<int>(ours.state),
                   static_cast<int>(alert.size()), alert.data(), static_cast<int>(end),
                   reason == nullptr ? "" : reason);
      fail("the two have come to another end");
    }
    require(ours.plaintext == openssls, "the two have read something else");
  }

  Feed ours;
  std::string openssls;
  State end = State::need_more;

 private:
  Comparison& c_;
};

void compare(std::size_t suite, Script& script) {
  static std::array<std::unique_ptr<Comparison>, std::size(kSuites)> comparisons;
  auto& comparison = comparisons[suite];
  if (!comparison) comparison = std::make_unique<Comparison>(kSuites[suite]);
  RawKeys& client = comparison->client;
  ERR_clear_error();

  // Data first, so that all counts of records without it begin anew.
  std::string stream = client.seal(ContentType::application_data, "first");
  Sent sent;
  for (int records = 0; records < 20 && script.more(); ++records) {
    stream += record(client, script, sent);
  }
  Reading reading(*comparison);
  reading.push(stream);
  const std::string last = client.seal(ContentType::application_data, "last");
  if (reading.ours.state == State::failed && reading.end == State::need_more) {
    // If it reads the last record, then it has taken what we refused.
    reading.push_to_openssl(last);
    reading.push_to_openssl(std::string(2 * kMaxRecordBytes, '\0'));
    reading.require_the_same();
  } else {
    reading.require_the_same();
    reading.push(last);
    reading.require_the_same();
  }
  ERR_clear_error();
  // The next input needs a connection on which nothing is incomplete.
  if (reading.end != State::need_more || !reading.ours.is_between_records()) comparison.reset();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Script script(data, size);
  compare(script.next() % std::size(kSuites), script);
  return 0;
}
