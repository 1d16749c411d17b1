#include <gtest/gtest.h>

#include <initializer_list>
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
namespace rfc8448 = testing::rfc8448;

using State = RecordReader::State;
constexpr std::uint64_t kLastSequence = std::numeric_limits<std::uint64_t>::max();

const std::string kUpdate = from_hex("1800000100");
const std::string kUpdateRequest = from_hex("1800000101");

/// `+` may evaluate its right side first, and records are numbered as they are sealed.
std::string in_order(std::initializer_list<std::string> records) {
  std::string stream;
  for (const std::string& record : records) stream += record;
  return stream;
}

/// A reader, and the client that writes to it.
struct RecordReaderTest : ::testing::TestWithParam<CipherSuite> {
  RecordReaderTest() { EXPECT_TRUE(reader.start(cipher, GetParam(), secret_of(secret), 0)); }

  RecordReader::Result read(std::string_view input) { return read(input, 4 * kMaxInnerBytes); }
  RecordReader::Result read(std::string_view input, std::size_t room) {
    std::string output(room, '?');
    const auto result = reader.read(cipher, input, output);
    plaintext.append(output, 0, result.produced);
    return result;
  }

  std::string data(std::string_view content, std::size_t padding = 0) {
    return client.seal(ContentType::application_data, content, padding);
  }
  /// The record of a KeyUpdate; what follows it is sealed with the next keys.
  std::string key_update(std::string_view message) {
    const std::string record = client.seal(ContentType::handshake, message);
    client.update();
    return record;
  }
  std::string alert(int level, int number) {
    return client.seal(ContentType::alert,
                       std::string{static_cast<char>(level), static_cast<char>(number)});
  }

  void expect_failed(const RecordReader::Result& result, Alert alert) {
    EXPECT_EQ(result.state, State::failed);
    EXPECT_EQ(result.alert, alert) << describe(result.alert);
    // And it stays so.
    const auto next = read(data("more"));
    EXPECT_EQ(next.state, State::failed);
    EXPECT_EQ(next.alert, alert);
    EXPECT_EQ(next.produced, 0u);
  }

  std::string secret = some_secret(GetParam(), 'r');
  RawKeys client{GetParam(), secret};
  RecordCipher cipher;
  RecordReader reader;
  std::string plaintext;
};

INSTANTIATE_TEST_SUITE_P(Suites, RecordReaderTest, ::testing::ValuesIn(kSuites));

// ---- what a client sends

TEST(RecordReader, ReadsTheClientsRecordsOfRfc8448) {
  RecordCipher cipher;
  RecordReader reader;
  ASSERT_TRUE(reader.start(cipher, CipherSuite::aes_128_gcm_sha256,
                           secret_of(from_hex(rfc8448::kClientSecret)), 0));
  std::string output(100, '?');
  const std::string input =
      from_hex(rfc8448::kClientDataRecord) + from_hex(rfc8448::kClientAlertRecord);
  const auto result = reader.read(cipher, input, output);
  EXPECT_EQ(result.state, State::closed);
  EXPECT_EQ(result.consumed, input.size());
  EXPECT_EQ(output.substr(0, result.produced), from_hex(rfc8448::kPayload));
}

TEST_P(RecordReaderTest, ReadsAllWholeRecords) {
  const std::string input = in_order({data("one "), data("two ", 50), data("three")});
  const auto result = read(input);
  EXPECT_EQ(result.state, State::need_more);
  EXPECT_EQ(result.consumed, input.size());
  EXPECT_EQ(result.needed, kRecordHeaderBytes);
  EXPECT_FALSE(result.update_requested);
  EXPECT_EQ(plaintext, "one two three");
}

TEST_P(RecordReaderTest, LeavesAnIncompleteRecordAndTellsHowMuchItNeeds) {
  const std::string whole = data("whole");
  const std::string half = data("half");
  const auto result = read(whole + half.substr(0, half.size() - 1));
  EXPECT_EQ(result.state, State::need_more);
  EXPECT_EQ(result.consumed, whole.size());
  EXPECT_EQ(result.needed, half.size());
  EXPECT_EQ(plaintext, "whole");
  EXPECT_EQ(read(half).consumed, half.size());
  EXPECT_EQ(plaintext, "wholehalf");
}

TEST_P(RecordReaderTest, NeedsTheHeaderFirst) {
  const std::string record = data("x");
  for (std::size_t size = 0; size < kRecordHeaderBytes; ++size) {
    const auto result = read(record.substr(0, size));
    EXPECT_EQ(result.state, State::need_more);
    EXPECT_EQ(result.consumed, 0u);
    EXPECT_EQ(result.needed, kRecordHeaderBytes);
  }
  EXPECT_EQ(read(record.substr(0, kRecordHeaderBytes)).needed, record.size());
}

TEST_P(RecordReaderTest, ReadsWhatArrivesByteByByte) {
  const std::string input =
      in_order({data("one "), key_update(kUpdateRequest), data("two", 9), alert(1, 0)});
  std::string waiting;
  std::size_t requests = 0;
  State state = State::need_more;
  for (const char byte : input) {
    waiting += byte;
    const auto result = read(waiting);
    EXPECT_LE(waiting.size(), kMaxRecordBytes);
    waiting.erase(0, result.consumed);
    requests += result.update_requested ? 1 : 0;
    state = result.state;
  }
  EXPECT_EQ(state, State::closed);
  EXPECT_EQ(requests, 1u);
  EXPECT_EQ(plaintext, "one two");
}

TEST_P(RecordReaderTest, StopsWhereTheRoomEndsAndGoesOnWithMore) {
  const std::string first = data("first");
  const std::string second = data("second", 3);
  const auto full = read(first + second, 5 + 9);
  EXPECT_EQ(full.state, State::output_full);
  EXPECT_EQ(full.consumed, first.size());
  EXPECT_EQ(full.needed, 10u);  // its content, its type and its padding
  EXPECT_EQ(read(second, 9).state, State::output_full);
  EXPECT_EQ(read(second, 10).state, State::need_more);
  EXPECT_EQ(plaintext, "firstsecond");
}

TEST_P(RecordReaderTest, AlwaysHasRoomForOneRecordInKMaxInnerBytes) {
  const std::string content(kMaxContentBytes, 'x');
  const std::string record = data(content);
  EXPECT_EQ(record.size(), kMaxRecordBytes);
  EXPECT_EQ(read(record, kMaxInnerBytes).consumed, record.size());
  EXPECT_EQ(plaintext, content);
}

TEST_P(RecordReaderTest, ContinuesBehindTheRecordsThatWereReadBefore) {
  client.sequence = 3;
  ASSERT_TRUE(reader.start(cipher, GetParam(), secret_of(secret), 3));
  EXPECT_EQ(read(data("x")).state, State::need_more);
  EXPECT_EQ(plaintext, "x");
}

TEST_P(RecordReaderTest, IsOfNoUseWithoutASecretOfItsSuite) {
  RecordReader other;
  EXPECT_FALSE(other.start(cipher, GetParam(), secret_of("short"), 0));
  std::string output(100, '?');
  const auto result = other.read(cipher, data("x"), output);
  EXPECT_EQ(result.state, State::failed);
  EXPECT_EQ(result.alert, Alert::internal_error);
}

TEST_P(RecordReaderTest, StartsAnew) {
  std::string input;
  for (int i = 1; i < kMaxRecordsWithoutData; ++i) input += data("");
  EXPECT_EQ(read(input).state, State::need_more);
  EXPECT_EQ(read(client.seal(ContentType::handshake, kUpdate.substr(0, 1))).state,
            State::need_more);
  ASSERT_TRUE(reader.start(cipher, GetParam(), secret_of(secret), client.sequence));
  EXPECT_EQ(read(data("")).state, State::need_more);
  EXPECT_EQ(read(data("x")).state, State::need_more);
}

/// The memory of the reader itself.
TEST_P(RecordReaderTest, OverwritesItsSecretWhenItEnds) {
  const auto memory = [this] {
    return std::string_view(reinterpret_cast<const char*>(&reader), sizeof reader);
  };
  const std::string key = testing::expand_label(GetParam(), secret, "key", key_bytes(GetParam()));
  EXPECT_NE(memory().find(secret), std::string_view::npos);
  EXPECT_NE(memory().find(key), std::string_view::npos);
  EXPECT_EQ(read(alert(1, 0)).state, State::closed);
  EXPECT_EQ(memory().find(secret), std::string_view::npos);
  EXPECT_EQ(memory().find(key), std::string_view::npos);
}

// ---- alerts

TEST_P(RecordReaderTest, IgnoresWhatFollowsCloseNotify) {
  const std::string input = in_order({data("last"), alert(1, 0), data("ignored")});
  const auto result = read(input);
  EXPECT_EQ(result.state, State::closed);
  EXPECT_EQ(result.consumed, input.size());
  EXPECT_EQ(plaintext, "last");
  const auto next = read("anything");
  EXPECT_EQ(next.state, State::closed);
  EXPECT_EQ(next.consumed, 8u);
}

TEST_P(RecordReaderTest, TakesCloseNotifyWhateverItsLevel) {
  EXPECT_EQ(read(alert(2, 0)).state, State::closed);
}

TEST_P(RecordReaderTest, TellsWhichAlertHasEndedTheConnection) {
  const auto result = read(in_order({data("x"), alert(2, 42)}));
  EXPECT_EQ(result.state, State::alert_received);
  EXPECT_EQ(result.alert, Alert::bad_certificate);
  EXPECT_EQ(plaintext, "x");
  EXPECT_EQ(read(data("y")).state, State::alert_received);
  EXPECT_EQ(plaintext, "x");
}

// RFC 8446 6: errors whatever the level, unknown ones too.
TEST_P(RecordReaderTest, TakesEveryOtherAlertForAnError) {
  for (int number = 1; number < 256; ++number) {
    if (number == static_cast<int>(Alert::user_canceled)) continue;
    ASSERT_TRUE(reader.start(cipher, GetParam(), secret_of(secret), client.sequence));
    const auto result = read(alert(1, number));
    EXPECT_EQ(result.state, State::alert_received) << number;
    EXPECT_EQ(static_cast<int>(result.alert), number);
  }
}

TEST_P(RecordReaderTest, IgnoresUserCanceled) {
  EXPECT_EQ(read(in_order({alert(1, 90), data("x")})).state, State::need_more);
  EXPECT_EQ(plaintext, "x");
  EXPECT_EQ(read(in_order({alert(1, 90), alert(1, 0)})).state, State::closed);
}

TEST_P(RecordReaderTest, RefusesAnEmptyAlert) {
  expect_failed(read(client.seal(ContentType::alert, "", 3)), Alert::unexpected_message);
}

TEST_P(RecordReaderTest, RefusesPartsOfAnAlert) {
  expect_failed(read(client.seal(ContentType::alert, "\x01")), Alert::decode_error);
}

TEST_P(RecordReaderTest, RefusesTwoAlertsInOneRecord) {
  expect_failed(read(client.seal(ContentType::alert, from_hex("015a0100"))), Alert::decode_error);
}

// ---- KeyUpdate

TEST_P(RecordReaderTest, ReadsOnWithTheNextKeysAfterAKeyUpdate) {
  const auto result = read(in_order(
      {data("one "), key_update(kUpdate), data("two "), key_update(kUpdate), data("three")}));
  EXPECT_EQ(result.state, State::need_more);
  EXPECT_FALSE(result.update_requested);
  EXPECT_EQ(plaintext, "one two three");
}

TEST_P(RecordReaderTest, PassesOnThatAKeyUpdateIsRequested) {
  EXPECT_TRUE(read(in_order({key_update(kUpdateRequest), data("x")})).update_requested);
  EXPECT_FALSE(read(data("y")).update_requested);
  EXPECT_TRUE(read(in_order({key_update(kUpdateRequest), key_update(kUpdate)})).update_requested);
}

TEST_P(RecordReaderTest, PassesItOnAlsoIfTheConnectionThenEnds) {
  const auto result = read(in_order({key_update(kUpdateRequest), alert(1, 0)}));
  EXPECT_EQ(result.state, State::closed);
  EXPECT_TRUE(result.update_requested);
}

TEST_P(RecordReaderTest, RefusesRecordsWithTheOldKeysAfterAKeyUpdate) {
  const std::string update = client.seal(ContentType::handshake, kUpdate);
  expect_failed(read(update + data("x")), Alert::bad_record_mac);
}

TEST_P(RecordReaderTest, TakesAKeyUpdateInParts) {
  const std::string parts =
      in_order({client.seal(ContentType::handshake, kUpdateRequest.substr(0, 2)),
                client.seal(ContentType::handshake, kUpdateRequest.substr(2, 1)),
                client.seal(ContentType::handshake, kUpdateRequest.substr(3))});
  client.update();
  const auto result = read(parts + data("x"));
  EXPECT_EQ(result.state, State::need_more);
  EXPECT_TRUE(result.update_requested);
  EXPECT_EQ(plaintext, "x");
}

TEST_P(RecordReaderTest, ChangesNoKeysBeforeTheLastPart) {
  EXPECT_FALSE(
      read(client.seal(ContentType::handshake, kUpdateRequest.substr(0, 4))).update_requested);
  const std::string last = client.seal(ContentType::handshake, kUpdateRequest.substr(4));
  EXPECT_TRUE(read(last).update_requested);
}

// RFC 8446 5.1: a key change is the end of a record.
TEST_P(RecordReaderTest, RefusesTwoKeyUpdatesInOneRecord) {
  expect_failed(read(key_update(kUpdate + kUpdate)), Alert::unexpected_message);
}

TEST_P(RecordReaderTest, RefusesThePartOfAMessageBehindAKeyUpdate) {
  expect_failed(read(key_update(kUpdate + kUpdate.substr(0, 1))), Alert::unexpected_message);
}

// RFC 8446 5.1: a message in parts is not interleaved with other records.
TEST_P(RecordReaderTest, RefusesDataBetweenTheParts) {
  expect_failed(
      read(in_order({client.seal(ContentType::handshake, kUpdate.substr(0, 3)), data("x")})),
      Alert::unexpected_message);
  EXPECT_EQ(plaintext, "");
}

TEST_P(RecordReaderTest, RefusesAnAlertBetweenTheParts) {
  expect_failed(
      read(in_order({client.seal(ContentType::handshake, kUpdate.substr(0, 3)), alert(1, 0)})),
      Alert::unexpected_message);
}

TEST_P(RecordReaderTest, RefusesAnEmptyPart) {
  expect_failed(read(client.seal(ContentType::handshake, "", 5)), Alert::unexpected_message);
}

TEST_P(RecordReaderTest, RefusesAKeyUpdateOfAnotherLength) {
  expect_failed(read(client.seal(ContentType::handshake, from_hex("180000020000"))),
                Alert::decode_error);
}

TEST_P(RecordReaderTest, RefusesAKeyUpdateWithoutContent) {
  expect_failed(read(client.seal(ContentType::handshake, from_hex("18000000"))),
                Alert::decode_error);
}

TEST_P(RecordReaderTest, RefusesAKeyUpdateWithAnUnknownRequest) {
  expect_failed(read(client.seal(ContentType::handshake, from_hex("1800000102"))),
                Alert::illegal_parameter);
}

// ---- what a client has no reason to send

TEST_P(RecordReaderTest, RefusesEveryOtherHandshakeMessage) {
  for (int type = 0; type < 256; ++type) {
    if (type == 24) continue;
    ASSERT_TRUE(reader.start(cipher, GetParam(), secret_of(secret), client.sequence));
    const auto result = read(client.seal(
        ContentType::handshake, std::string{static_cast<char>(type), '\0', '\0', '\1', '\0'}));
    EXPECT_EQ(result.state, State::failed) << type;
    EXPECT_EQ(result.alert, Alert::unexpected_message) << type;
  }
}

TEST_P(RecordReaderTest, RefusesEveryOtherTypeOfContent) {
  for (int type = 1; type < 256; ++type) {
    if (type >= 21 && type <= 23) continue;
    ASSERT_TRUE(reader.start(cipher, GetParam(), secret_of(secret), client.sequence));
    const auto result = read(client.seal(static_cast<ContentType>(type), "\x01"));
    EXPECT_EQ(result.state, State::failed) << type;
    EXPECT_EQ(result.alert, Alert::unexpected_message) << type;
  }
}

TEST_P(RecordReaderTest, RefusesAChangeCipherSpecAfterTheHandshake) {
  expect_failed(read(data("x") + from_hex("140303000101")), Alert::unexpected_message);
  EXPECT_EQ(plaintext, "x");
}

TEST_P(RecordReaderTest, RefusesAnAlertThatIsNotProtected) {
  expect_failed(read(from_hex("15030300020100")), Alert::unexpected_message);
}

TEST_P(RecordReaderTest, RefusesHttpInTheMiddleOfTls) {
  expect_failed(read("GET / HTTP/1.1\r\n"), Alert::unexpected_message);
}

TEST_P(RecordReaderTest, RefusesARecordWithAnotherVersionThoughItIsAuthentic) {
  const std::string header = from_hex("170301") + RawKeys::header(18).substr(3);
  expect_failed(read(client.seal_with_header(header, "x\x17")), Alert::decode_error);
}

TEST_P(RecordReaderTest, RefusesARecordThatIsTooLongAsSoonAsItIsAnnounced) {
  expect_failed(read(RawKeys::header(16384 + 257)), Alert::record_overflow);
}

TEST_P(RecordReaderTest, RefusesMorePaddingThanARecordMayHave) {
  expect_failed(read(data("x", kMaxInnerBytes - 1)), Alert::record_overflow);
}

TEST_P(RecordReaderTest, RefusesARecordOfZeros) {
  expect_failed(read(client.seal(std::string(20, '\0'))), Alert::unexpected_message);
}

TEST_P(RecordReaderTest, RefusesARecordThatWasChangedAndKeepsWhatCameBefore) {
  std::string changed = in_order({data("good "), data("bad")});
  changed.back() = static_cast<char>(changed.back() ^ 1);
  const auto result = read(changed + data("worse"));
  EXPECT_EQ(result.produced, 5u);
  EXPECT_EQ(plaintext, "good ");
  expect_failed(result, Alert::bad_record_mac);
}

TEST_P(RecordReaderTest, RefusesARecordThatIsRepeated) {
  const std::string record = data("x");
  expect_failed(read(record + record), Alert::bad_record_mac);
}

TEST_P(RecordReaderTest, EndsWithTheSequenceNumbers) {
  client.sequence = kLastSequence - 1;
  ASSERT_TRUE(reader.start(cipher, GetParam(), secret_of(secret), kLastSequence - 1));
  const auto result =
      read(in_order({data("last"), client.seal(ContentType::application_data, "x")}));
  EXPECT_EQ(plaintext, "last");
  expect_failed(result, Alert::internal_error);
}

// ---- records that bring nothing

TEST_P(RecordReaderTest, TakesAsManyKeyUpdatesInARowAsItsLimitSays) {
  std::string input;
  for (int i = 0; i < kMaxRecordsWithoutData; ++i) input += key_update(kUpdateRequest);
  EXPECT_EQ(read(input).state, State::need_more);
  // Data starts the count anew.
  input = data("x");
  for (int i = 0; i < kMaxRecordsWithoutData; ++i) input += key_update(kUpdateRequest);
  EXPECT_EQ(read(input).state, State::need_more);
  expect_failed(read(key_update(kUpdate)), Alert::unexpected_message);
}

TEST_P(RecordReaderTest, RefusesEmptyRecordsWithoutEnd) {
  for (int i = 0; i < kMaxRecordsWithoutData; ++i) {
    EXPECT_EQ(read(data("", 9)).state, State::need_more);
  }
  expect_failed(read(data("")), Alert::unexpected_message);
}

TEST_P(RecordReaderTest, RefusesUserCanceledWithoutEnd) {
  for (int i = 0; i < kMaxRecordsWithoutData; ++i) {
    EXPECT_EQ(read(alert(1, 90)).state, State::need_more);
  }
  expect_failed(read(alert(1, 90)), Alert::unexpected_message);
}

TEST_P(RecordReaderTest, CountsAllThatBringNothingTogether) {
  std::string input;
  for (int i = 0; i < kMaxRecordsWithoutData / 2; ++i)
    input += in_order({data(""), key_update(kUpdate)});
  EXPECT_EQ(read(input).state, State::need_more);
  expect_failed(read(alert(1, 90)), Alert::unexpected_message);
}

TEST_P(RecordReaderTest, TakesCloseNotifyBehindAsManyAsItsLimitSays) {
  std::string input;
  for (int i = 0; i < kMaxRecordsWithoutData; ++i) input += data("");
  EXPECT_EQ(read(input + alert(1, 0)).state, State::closed);
}

}  // namespace
}  // namespace crolang::tls
