#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "tls/record_layer.hpp"
#include "unit/tls/raw_records.hpp"
#include "unit/tls/rfc8448.hpp"

namespace crolang::tls {
namespace {

using testing::from_hex;
using testing::kSuites;
using testing::RawKeys;
using testing::secret_of;
using testing::some_secret;
using testing::split_records;
namespace rfc8448 = testing::rfc8448;

using State = RecordWriter::State;

const std::string kUpdate = from_hex("1800000100") + '\x16';

/// A writer, and the client that reads from it.
struct RecordWriterTest : ::testing::TestWithParam<CipherSuite> {
  RecordWriterTest() { EXPECT_TRUE(writer.start(cipher, GetParam(), secret_of(secret), 0)); }

  /// The records that `seal` wrote into as much room as it asks for.
  std::vector<std::string> seal(std::string_view plaintext) {
    std::string out(RecordWriter::max_sealed(plaintext.size()), '?');
    result = writer.seal(cipher, plaintext, out);
    EXPECT_EQ(result.state, State::open);
    EXPECT_EQ(result.consumed, plaintext.size());
    return split_records(out.substr(0, result.produced));
  }
  std::string seal_alert(Alert alert) {
    std::array<char, kSealedAlertBytes> out;
    return {out.data(), writer.seal_alert(cipher, alert, out)};
  }

  std::string secret = some_secret(GetParam(), 'w');
  RawKeys client{GetParam(), secret};
  RecordCipher cipher;
  RecordWriter writer;
  RecordWriter::Result result;
};

INSTANTIATE_TEST_SUITE_P(Suites, RecordWriterTest, ::testing::ValuesIn(kSuites));

TEST(RecordWriter, WritesTheServersRecordsOfRfc8448) {
  RecordCipher cipher;
  RecordWriter writer;
  // Behind the record with the ticket.
  ASSERT_TRUE(writer.start(cipher, CipherSuite::aes_128_gcm_sha256,
                           secret_of(from_hex(rfc8448::kServerSecret)), 1));
  std::string out(200, '?');
  const auto result = writer.seal(cipher, from_hex(rfc8448::kPayload), out);
  EXPECT_EQ(out.substr(0, result.produced), from_hex(rfc8448::kServerDataRecord));
  std::array<char, kSealedAlertBytes> alert;
  ASSERT_EQ(writer.seal_alert(cipher, Alert::close_notify, alert), alert.size());
  EXPECT_EQ(std::string(alert.data(), alert.size()), from_hex(rfc8448::kServerAlertRecord));
}

TEST_P(RecordWriterTest, SealsOneRecordForWhatFitsIntoOne) {
  const auto records = seal("content");
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(client.open(records[0]), "content\x17");
}

TEST_P(RecordWriterTest, SealsNoMoreThanTwoToThe14BytesInARecord) {
  const std::string plaintext =
      std::string(kMaxContentBytes, 'a') + std::string(kMaxContentBytes, 'b') + "c";
  const auto records = seal(plaintext);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(client.open(records[0]), std::string(kMaxContentBytes, 'a') + '\x17');
  EXPECT_EQ(client.open(records[1]), std::string(kMaxContentBytes, 'b') + '\x17');
  EXPECT_EQ(client.open(records[2]), "c\x17");
}

TEST_P(RecordWriterTest, SealsNothingForNothing) {
  writer.answer_key_update();
  EXPECT_TRUE(seal("").empty());
}

TEST_P(RecordWriterTest, SealsWhatHasRoom) {
  std::string out(10 + kRecordOverhead, '?');
  result = writer.seal(cipher, std::string_view("0123456789 and more"), out);
  EXPECT_EQ(result.consumed, 10u);
  EXPECT_EQ(result.produced, out.size());
  EXPECT_EQ(client.open(out), "0123456789\x17");
}

TEST_P(RecordWriterTest, SealsNothingWithoutRoomAndGoesOnWithIt) {
  std::string out(kRecordOverhead, '?');
  result = writer.seal(cipher, std::string_view("x"), out);
  EXPECT_EQ(result.state, State::open);
  EXPECT_EQ(result.consumed, 0u);
  EXPECT_EQ(result.produced, 0u);
  EXPECT_EQ(client.open(seal("x").at(0)), "x\x17");
}

TEST_P(RecordWriterTest, ContinuesBehindTheRecordsOfTheHandshake) {
  ASSERT_TRUE(writer.start(cipher, GetParam(), secret_of(secret), 2));
  client.sequence = 2;
  EXPECT_EQ(client.open(seal("x").at(0)), "x\x17");
}

TEST_P(RecordWriterTest, IsOfNoUseWithoutASecretOfItsSuite) {
  EXPECT_FALSE(writer.start(cipher, GetParam(), secret_of("short"), 0));
  std::string out(100, '?');
  result = writer.seal(cipher, std::string_view("x"), out);
  EXPECT_EQ(result.state, State::failed);
  EXPECT_EQ(result.produced, 0u);
  EXPECT_EQ(seal_alert(Alert::close_notify), "");
}

TEST_P(RecordWriterTest, NeverSealsAgainAfterItHasFailed) {
  constexpr std::uint64_t kLast = std::numeric_limits<std::uint64_t>::max();
  ASSERT_TRUE(writer.start(cipher, GetParam(), secret_of(secret), kLast));
  std::string out(100, '?');
  EXPECT_EQ(writer.seal(cipher, std::string_view("x"), out).state, State::failed);
  EXPECT_EQ(writer.seal(cipher, std::string_view("x"), out).produced, 0u);
  EXPECT_EQ(seal_alert(Alert::close_notify), "");
}

// ---- KeyUpdate

TEST_P(RecordWriterTest, AnswersARequestBeforeTheNextData) {
  EXPECT_EQ(client.open(seal("one").at(0)), "one\x17");
  writer.answer_key_update();
  const auto records = seal("two");
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(client.open(records[0]), kUpdate);
  client.update();
  EXPECT_EQ(client.open(records[1]), "two\x17");
}

// RFC 8446 4.6.3: a peer that was silent answers several requests once.
TEST_P(RecordWriterTest, AnswersSeveralRequestsOnce) {
  writer.answer_key_update();
  writer.answer_key_update();
  const auto records = seal("one");
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(client.open(records[0]), kUpdate);
  client.update();
  EXPECT_EQ(client.open(records[1]), "one\x17");
  const auto next = seal("two");
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(client.open(next[0]), "two\x17");
}

TEST_P(RecordWriterTest, WaitsWithAKeyUpdateUntilDataHasRoomBehindIt) {
  writer.answer_key_update();
  std::string out(RecordWriter::kMinRoom - 1, '?');
  EXPECT_EQ(writer.seal(cipher, std::string_view("xy"), out).produced, 0u);
  out.resize(RecordWriter::kMinRoom);
  result = writer.seal(cipher, std::string_view("xy"), out);
  EXPECT_EQ(result.consumed, 1u);
  EXPECT_EQ(result.produced, RecordWriter::kMinRoom);
}

TEST_P(RecordWriterTest, ChangesKeysBeforeTheyHaveSealedTooMuch) {
  const std::uint64_t limit = max_records(GetParam());
  ASSERT_TRUE(writer.start(cipher, GetParam(), secret_of(secret), limit - 1));
  client.sequence = limit - 1;
  const auto records = seal(std::string(kMaxContentBytes, 'a') + "b");
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(client.open(records[0]), std::string(kMaxContentBytes, 'a') + '\x17');
  EXPECT_EQ(client.open(records[1]), kUpdate);
  client.update();
  EXPECT_EQ(client.open(records[2]), "b\x17");
}

TEST(RecordWriter, ChangesKeysWellBeforeTheLimitsOfRfc8446) {
  constexpr std::uint64_t kAesGcm = 23'726'566;  // 2^24.5
  EXPECT_LE(max_records(CipherSuite::aes_128_gcm_sha256), kAesGcm / 2);
  EXPECT_LE(max_records(CipherSuite::aes_256_gcm_sha384), kAesGcm / 2);
  EXPECT_LT(max_records(CipherSuite::chacha20_poly1305_sha256),
            std::numeric_limits<std::uint64_t>::max());
}

// ---- alerts

TEST_P(RecordWriterTest, SealsCloseNotifyAsAWarning) {
  EXPECT_EQ(client.open(seal_alert(Alert::close_notify)), from_hex("010015"));
}

TEST_P(RecordWriterTest, SealsOtherAlertsAsFatal) {
  EXPECT_EQ(client.open(seal_alert(Alert::bad_record_mac)), from_hex("021415"));
}

TEST_P(RecordWriterTest, SealsNothingAfterAnAlert) {
  EXPECT_EQ(seal_alert(Alert::close_notify).size(), kSealedAlertBytes);
  std::string out(100, '?');
  writer.answer_key_update();
  result = writer.seal(cipher, std::string_view("x"), out);
  EXPECT_EQ(result.state, State::ended);
  EXPECT_EQ(result.consumed, 0u);
  EXPECT_EQ(result.produced, 0u);
  EXPECT_EQ(seal_alert(Alert::internal_error), "");
}

TEST_P(RecordWriterTest, StartsAnew) {
  writer.answer_key_update();
  EXPECT_NE(seal_alert(Alert::close_notify), "");
  ASSERT_TRUE(writer.start(cipher, GetParam(), secret_of(secret), 0));
  client.sequence = 0;
  const auto records = seal("x");
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(client.open(records[0]), "x\x17");
}

/// The memory of the writer itself.
TEST_P(RecordWriterTest, OverwritesItsSecretWhenItEnds) {
  const auto memory = [this] {
    return std::string_view(reinterpret_cast<const char*>(&writer), sizeof writer);
  };
  const std::string key = testing::expand_label(GetParam(), secret, "key", key_bytes(GetParam()));
  EXPECT_NE(memory().find(secret), std::string_view::npos);
  EXPECT_NE(memory().find(key), std::string_view::npos);
  EXPECT_NE(seal_alert(Alert::close_notify), "");
  EXPECT_EQ(memory().find(secret), std::string_view::npos);
  EXPECT_EQ(memory().find(key), std::string_view::npos);
}

TEST(RecordWriter, IsOfNoUseBeforeItIsStarted) {
  RecordCipher cipher;
  RecordWriter writer;
  std::string out(100, '?');
  EXPECT_EQ(writer.seal(cipher, std::string_view("x"), out).state, State::failed);
}

TEST(RecordProtocol, NamesAlerts) {
  EXPECT_EQ(describe(Alert::close_notify), "close_notify");
  EXPECT_EQ(describe(Alert::bad_record_mac), "bad_record_mac");
  EXPECT_EQ(describe(static_cast<Alert>(200)), "unknown alert");
}

}  // namespace
}  // namespace crolang::tls
