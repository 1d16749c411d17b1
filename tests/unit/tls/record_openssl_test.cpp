/// The record layer against an OpenSSL client.

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <string>
#include <string_view>
#include <tuple>

#include "tls/record_layer.hpp"
#include "unit/tls/openssl_client.hpp"
#include "unit/tls/raw_records.hpp"

namespace crolang::tls {
namespace {

using testing::HandOver;
using testing::kSuites;
using testing::OpensslClient;
using testing::OpensslServer;
using testing::RawKeys;
using testing::secret_of;

using State = RecordReader::State;

OpensslServer& openssl_server() {
  static OpensslServer server;
  return server;
}

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 % 251);
  return text;
}

struct OpensslPeerTest : ::testing::TestWithParam<CipherSuite> {
  OpensslPeerTest() {
    EXPECT_TRUE(reader.start(cipher, GetParam(), secret_of(client.secrets.client), 0));
    EXPECT_TRUE(
        writer.start(cipher, GetParam(), secret_of(client.secrets.server), client.server_sequence));
  }

  /// What the client has sent, in pieces as small as `piece`.
  std::string read(std::size_t piece = 1 << 20) {
    std::string plaintext;
    std::string room(8 * kMaxInnerBytes, '?');
    const std::string ciphertext = client.sent();
    for (std::size_t at = 0; at < ciphertext.size(); at += piece) {
      waiting += ciphertext.substr(at, piece);
      do {
        result = reader.read(cipher, waiting, room);
        plaintext.append(room, 0, result.produced);
        waiting.erase(0, result.consumed);
        if (result.update_requested) writer.answer_key_update();
      } while (result.state == State::output_full);
    }
    return plaintext;
  }

  std::string seal(std::string_view plaintext) {
    std::string out(RecordWriter::max_sealed(plaintext.size()), '?');
    const auto sealed = writer.seal(cipher, plaintext, out);
    EXPECT_EQ(sealed.state, RecordWriter::State::open);
    EXPECT_EQ(sealed.consumed, plaintext.size());
    out.resize(sealed.produced);
    return out;
  }

  std::string received_by_client(std::string_view plaintext) {
    client.arrive(seal(plaintext));
    return client.read();
  }

  OpensslClient client{openssl_server(), GetParam()};
  RecordCipher cipher;
  RecordReader reader;
  RecordWriter writer;
  RecordReader::Result result;
  std::string waiting;
};

INSTANTIATE_TEST_SUITE_P(Suites, OpensslPeerTest, ::testing::ValuesIn(kSuites));

TEST_P(OpensslPeerTest, AgreesOnTheSuiteUnderTest) {
  const SSL_CIPHER* suite = SSL_get_current_cipher(client.ssl());
  EXPECT_EQ(cipher_suite(SSL_CIPHER_get_protocol_id(suite)), GetParam());
  EXPECT_EQ(client.server_sequence, 2u) << "its tickets";
}

TEST_P(OpensslPeerTest, TalksBothWaysAfterTheHandshakeWithTickets) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.write("to the server"));
    EXPECT_EQ(read(), "to the server");
    EXPECT_EQ(received_by_client("to the client"), "to the client");
  }
}

TEST_P(OpensslPeerTest, TalksBothWaysAfterAHandshakeWithoutTickets) {
  OpensslClient other(openssl_server(), GetParam(), HandOver::to_the_record_layer, 0);
  EXPECT_EQ(other.server_sequence, 0u);
  ASSERT_TRUE(writer.start(cipher, GetParam(), secret_of(other.secrets.server), 0));
  other.arrive(seal("to the client"));
  EXPECT_EQ(other.read(), "to the client");
}

TEST_P(OpensslPeerTest, MovesMuchInManyRecords) {
  const std::string much = pattern(1 << 20);
  ASSERT_TRUE(client.write(much));
  EXPECT_EQ(read(), much);
  EXPECT_EQ(received_by_client(much), much);
}

TEST_P(OpensslPeerTest, ReadsByteByByte) {
  const std::string text = pattern(20000);
  ASSERT_TRUE(client.write("first"));
  ASSERT_TRUE(client.key_update(SSL_KEY_UPDATE_REQUESTED));
  ASSERT_TRUE(client.write(text));
  EXPECT_EQ(read(1), "first" + text);
}

TEST_P(OpensslPeerTest, IsReadByteByByte) {
  const std::string text = pattern(300);
  writer.answer_key_update();
  std::string received;
  for (const char byte : seal(text)) {
    client.arrive({&byte, 1});
    received += client.read();
    EXPECT_EQ(client.error, SSL_ERROR_WANT_READ);
  }
  EXPECT_EQ(received, text);
}

TEST_P(OpensslPeerTest, ReadsPaddedRecords) {
  SSL_set_block_padding(client.ssl(), 4096);
  ASSERT_TRUE(client.write("padded"));
  EXPECT_EQ(read(), "padded");
}

TEST_P(OpensslPeerTest, FollowsTheClientsKeyUpdates) {
  for (const int kind : {SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED}) {
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(client.key_update(kind));
      ASSERT_TRUE(client.write("after it"));
      EXPECT_EQ(read(), "after it");
      EXPECT_EQ(result.update_requested, kind == SSL_KEY_UPDATE_REQUESTED);
      EXPECT_EQ(received_by_client("answer"), "answer");
    }
  }
}

TEST_P(OpensslPeerTest, FollowsKeyUpdatesWithoutData) {
  for (int i = 0; i < kMaxRecordsWithoutData; ++i) {
    ASSERT_TRUE(client.key_update(SSL_KEY_UPDATE_REQUESTED));
    ASSERT_EQ(SSL_do_handshake(client.ssl()), 1);
  }
  EXPECT_EQ(read(), "");
  EXPECT_EQ(result.state, State::need_more);
  ASSERT_TRUE(client.write("x"));
  EXPECT_EQ(read(), "x");
  EXPECT_EQ(received_by_client("y"), "y");
}

TEST_P(OpensslPeerTest, ChangesItsKeysByItself) {
  for (int i = 0; i < 3; ++i) {
    writer.answer_key_update();
    EXPECT_EQ(received_by_client("with new keys"), "with new keys");
  }
  ASSERT_TRUE(client.write("the client's stay"));
  EXPECT_EQ(read(), "the client's stay");
}

TEST_P(OpensslPeerTest, SeesTheClientsShutdown) {
  ASSERT_TRUE(client.write("last"));
  SSL_shutdown(client.ssl());
  EXPECT_EQ(read(), "last");
  EXPECT_EQ(result.state, State::closed);
  // RFC 8446 6.1: the other direction stays open.
  EXPECT_EQ(received_by_client("still here"), "still here");
}

TEST_P(OpensslPeerTest, ShutsItsSideDown) {
  std::array<char, kSealedAlertBytes> alert;
  ASSERT_EQ(writer.seal_alert(cipher, Alert::close_notify, alert), alert.size());
  client.arrive({alert.data(), alert.size()});
  EXPECT_EQ(client.read(), "");
  EXPECT_EQ(client.error, SSL_ERROR_ZERO_RETURN);
  EXPECT_EQ(SSL_get_shutdown(client.ssl()), SSL_RECEIVED_SHUTDOWN);
  ASSERT_TRUE(client.write("still here"));
  EXPECT_EQ(read(), "still here");
}

TEST_P(OpensslPeerTest, SendsAlertsThatTheClientKnows) {
  std::array<char, kSealedAlertBytes> alert;
  ASSERT_EQ(writer.seal_alert(cipher, Alert::bad_record_mac, alert), alert.size());
  client.arrive({alert.data(), alert.size()});
  EXPECT_EQ(client.read(), "");
  EXPECT_EQ(client.error, SSL_ERROR_SSL);
  EXPECT_EQ(ERR_GET_REASON(ERR_get_error()), SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
  ERR_clear_error();
}

TEST_P(OpensslPeerTest, SeesTheAlertOfAClientThatCannotReadARecord) {
  std::string record = seal("damaged");
  record.back() = static_cast<char>(record.back() ^ 1);
  client.arrive(record);
  EXPECT_EQ(client.read(), "");
  ERR_clear_error();
  EXPECT_EQ(read(), "");
  EXPECT_EQ(result.state, State::alert_received);
  EXPECT_EQ(result.alert, Alert::bad_record_mac);
}

// ---- the same verdict as OpenSSL's server on what no client should send

struct Wrong {
  const char* name;
  void (*write)(RawKeys& client, std::string& stream);
  Alert ours;
  Alert openssls;
};

void PrintTo(const Wrong& wrong, std::ostream* out) {
  *out << wrong.name;
}

void append(RawKeys& client, std::string& stream, ContentType type, std::string_view content) {
  stream += client.seal(type, content);
}

const Wrong kWrong[] = {
    {"AnEmptyAlert",
     [](RawKeys& client, std::string& stream) { append(client, stream, ContentType::alert, ""); },
     Alert::unexpected_message, Alert::unexpected_message},
    {"HalfAnAlert",
     [](RawKeys& client, std::string& stream) {
       append(client, stream, ContentType::alert, "\x01");
     },
     // RFC 8446 6.2: its length was incorrect.
     Alert::decode_error, Alert::unexpected_message},
    {"TwoAlerts",
     [](RawKeys& client, std::string& stream) {
       append(client, stream, ContentType::alert, testing::from_hex("015a015a"));
     },
     Alert::decode_error, Alert::unexpected_message},
    {"AnEmptyHandshakeRecord",
     [](RawKeys& client, std::string& stream) {
       append(client, stream, ContentType::handshake, "");
     },
     Alert::unexpected_message, Alert::unexpected_message},
    {"TwoKeyUpdatesInOneRecord",
     [](RawKeys& client, std::string& stream) {
       append(client, stream, ContentType::handshake, testing::from_hex("18000001001800000100"));
     },
     Alert::unexpected_message, Alert::unexpected_message},
    {"AKeyUpdateWithAnUnknownRequest",
     [](RawKeys& client, std::string& stream) {
       append(client, stream, ContentType::handshake, testing::from_hex("1800000102"));
     },
     Alert::illegal_parameter, Alert::illegal_parameter},
    {"AKeyUpdateOfTwoBytes",
     [](RawKeys& client, std::string& stream) {
       append(client, stream, ContentType::handshake, testing::from_hex("180000020000"));
     },
     // OpenSSL looks at what the longest message may be first.
     Alert::decode_error, Alert::illegal_parameter},
    {"DataBetweenTheParts",
     [](RawKeys& client, std::string& stream) {
       append(client, stream, ContentType::handshake, testing::from_hex("1800"));
       append(client, stream, ContentType::application_data, "x");
     },
     Alert::unexpected_message, Alert::unexpected_message},
    {"ANewSessionTicket",
     [](RawKeys& client, std::string& stream) {
       append(client, stream, ContentType::handshake, testing::from_hex("0400000100"));
     },
     Alert::unexpected_message, Alert::unexpected_message},
    {"ACertificate",
     [](RawKeys& client, std::string& stream) {
       append(client, stream, ContentType::handshake, testing::from_hex("0b00000400000000"));
     },
     Alert::unexpected_message, Alert::unexpected_message},
    {"ASealedChangeCipherSpec",
     [](RawKeys& client, std::string& stream) {
       append(client, stream, ContentType::change_cipher_spec, "\x01");
     },
     Alert::unexpected_message, Alert::unexpected_message},
    {"AnOpenChangeCipherSpec",
     [](RawKeys&, std::string& stream) { stream += testing::from_hex("140303000101"); },
     Alert::unexpected_message, Alert::unexpected_message},
    {"AnOpenAlert",
     [](RawKeys&, std::string& stream) { stream += testing::from_hex("15030300020100"); },
     Alert::unexpected_message, Alert::unexpected_message},
    {"Zeros",
     [](RawKeys& client, std::string& stream) { stream += client.seal(std::string(9, '\0')); },
     Alert::unexpected_message, Alert::unexpected_message},
    {"AnotherVersion",
     [](RawKeys& client, std::string& stream) {
       stream += client.seal_with_header(testing::from_hex("1703010012"), "x\x17");
     },
     Alert::decode_error, Alert::decode_error},
    {"ARecordThatIsTooLong",
     [](RawKeys& client, std::string& stream) {
       stream += client.seal(std::string(16384 + 300, 'x') + '\x17');
     },
     Alert::record_overflow, Alert::record_overflow},
    {"MoreContentThanARecordMayHave",
     [](RawKeys& client, std::string& stream) {
       stream += client.seal(std::string(16384 + 1, 'x') + '\x17');
     },
     Alert::record_overflow, Alert::record_overflow},
    {"AWrongTag",
     [](RawKeys& client, std::string& stream) {
       stream += client.seal(ContentType::application_data, "x");
       stream.back() = static_cast<char>(stream.back() ^ 1);
     },
     Alert::bad_record_mac, Alert::bad_record_mac},
};

using WrongTest = ::testing::TestWithParam<std::tuple<CipherSuite, Wrong>>;

INSTANTIATE_TEST_SUITE_P(Suites, WrongTest,
                         ::testing::Combine(::testing::ValuesIn(kSuites),
                                            ::testing::ValuesIn(kWrong)),
                         [](const auto& test) {
                           return std::string(std::get<1>(test.param).name) + "_" +
                                  std::to_string(static_cast<int>(std::get<0>(test.param)));
                         });

TEST_P(WrongTest, IsRefusedAsByOpenssl) {
  const auto [suite, wrong] = GetParam();
  OpensslClient connection(openssl_server(), suite, HandOver::none);
  RawKeys client(suite, connection.secrets.client);
  std::string stream = client.seal(ContentType::application_data, "before");
  wrong.write(client, stream);

  RecordCipher cipher;
  RecordReader reader;
  ASSERT_TRUE(reader.start(cipher, suite, secret_of(connection.secrets.client), 0));
  std::string room(2 * kMaxInnerBytes, '?');
  const auto ours = reader.read(cipher, stream, room);
  EXPECT_EQ(room.substr(0, ours.produced), "before");
  EXPECT_EQ(ours.state, State::failed);
  EXPECT_EQ(ours.alert, wrong.ours) << describe(ours.alert);

  connection.server->arrive(stream);
  EXPECT_EQ(connection.server->read(), "before");
  EXPECT_EQ(connection.server->error, SSL_ERROR_SSL);
  ERR_clear_error();
  RawKeys server(suite, connection.secrets.server, connection.server_sequence);
  const auto inner = server.open(connection.server->sent());
  ASSERT_TRUE(inner.has_value());
  ASSERT_EQ(inner->size(), 3u);
  const auto openssls = static_cast<Alert>((*inner)[1]);
  EXPECT_EQ(openssls, wrong.openssls) << describe(openssls);
}

}  // namespace
}  // namespace crolang::tls
