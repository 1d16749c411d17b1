#include "tls/record_cipher.hpp"

#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include <array>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>

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

using Opened = RecordCipher::Opened;
constexpr CipherSuite kAes128 = CipherSuite::aes_128_gcm_sha256;
constexpr std::uint64_t kLastSequence = std::numeric_limits<std::uint64_t>::max();

// OpenSSL's allocations. It takes these functions before its first one only.
thread_local std::size_t allocations = 0;
const int counts_allocations = CRYPTO_set_mem_functions(
    [](std::size_t size, const char*, int) {
      ++allocations;
      return std::malloc(size);
    },
    [](void* memory, std::size_t size, const char*, int) {
      ++allocations;
      return std::realloc(memory, size);
    },
    [](void* memory, const char*, int) { std::free(memory); });

void set_up(RecordCipher& cipher, RecordKeys& keys, CipherSuite suite, std::string_view secret) {
  ASSERT_TRUE(cipher.derivation().derive(suite, secret_of(secret), keys));
}

std::string seal(RecordCipher& cipher, RecordKeys& keys, ContentType type,
                 std::string_view content) {
  std::string record(content.size() + kRecordOverhead, '?');
  record.resize(cipher.seal(keys, type, content, record));
  return record;
}

/// What `open` says, and what it wrote.
struct Opening {
  Opened opened;
  std::string room;

  std::string content() const { return room.substr(0, opened.content); }
};

Opening open(RecordCipher& cipher, RecordKeys& keys, std::string_view record) {
  Opening opening{{}, std::string(kMaxInnerBytes, '?')};
  opening.opened = cipher.open(keys, record, opening.room);
  return opening;
}

/// A cipher and the two ends of one direction.
struct RecordCipherTest : ::testing::TestWithParam<CipherSuite> {
  RecordCipherTest() { set_up(cipher, keys, GetParam(), secret); }

  std::string secret = some_secret(GetParam(), 'c');
  RawKeys raw{GetParam(), secret};
  RecordCipher cipher;
  RecordKeys keys;
};

INSTANTIATE_TEST_SUITE_P(Suites, RecordCipherTest, ::testing::ValuesIn(kSuites));

// ---- RFC 8448

TEST(RecordCipher, SealsTheClientsRecordsOfRfc8448) {
  RecordCipher cipher;
  RecordKeys keys;
  set_up(cipher, keys, kAes128, from_hex(rfc8448::kClientSecret));
  EXPECT_EQ(seal(cipher, keys, ContentType::application_data, from_hex(rfc8448::kPayload)),
            from_hex(rfc8448::kClientDataRecord));
  EXPECT_EQ(seal(cipher, keys, ContentType::alert, from_hex("0100")),
            from_hex(rfc8448::kClientAlertRecord));
}

TEST(RecordCipher, OpensTheClientsRecordsOfRfc8448) {
  RecordCipher cipher;
  RecordKeys keys;
  set_up(cipher, keys, kAes128, from_hex(rfc8448::kClientSecret));
  const auto data = open(cipher, keys, from_hex(rfc8448::kClientDataRecord));
  EXPECT_EQ(data.opened.type, ContentType::application_data);
  EXPECT_EQ(data.content(), from_hex(rfc8448::kPayload));
  const auto alert = open(cipher, keys, from_hex(rfc8448::kClientAlertRecord));
  EXPECT_EQ(alert.opened.type, ContentType::alert);
  EXPECT_EQ(alert.content(), from_hex("0100"));
}

TEST(RecordCipher, SealsAndOpensTheServersRecordsOfRfc8448) {
  RecordCipher cipher;
  RecordKeys opening;
  RecordKeys sealing;
  set_up(cipher, opening, kAes128, from_hex(rfc8448::kServerSecret));
  set_up(cipher, sealing, kAes128, from_hex(rfc8448::kServerSecret));
  const auto ticket = open(cipher, opening, from_hex(rfc8448::kTicketRecord));
  EXPECT_EQ(ticket.opened.type, ContentType::handshake);
  EXPECT_EQ(seal(cipher, sealing, ContentType::handshake, ticket.content()),
            from_hex(rfc8448::kTicketRecord));
  EXPECT_EQ(open(cipher, opening, from_hex(rfc8448::kServerDataRecord)).content(),
            from_hex(rfc8448::kPayload));
  EXPECT_EQ(seal(cipher, sealing, ContentType::application_data, from_hex(rfc8448::kPayload)),
            from_hex(rfc8448::kServerDataRecord));
  EXPECT_EQ(open(cipher, opening, from_hex(rfc8448::kServerAlertRecord)).content(),
            from_hex("0100"));
  EXPECT_EQ(seal(cipher, sealing, ContentType::alert, from_hex("0100")),
            from_hex(rfc8448::kServerAlertRecord));
}

// ---- sealing

TEST_P(RecordCipherTest, SealsWhatAPeerOpens) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{15}, std::size_t{16},
                                 std::size_t{150}, kMaxContentBytes}) {
    const std::string content(size, 'x');
    const std::string record = seal(cipher, keys, ContentType::application_data, content);
    EXPECT_EQ(record.size(), size + kRecordOverhead);
    EXPECT_EQ(record.substr(0, 5), RawKeys::header(size + 17));
    EXPECT_EQ(raw.open(record), content + '\x17');
  }
}

TEST_P(RecordCipherTest, UsesNoNonceTwice) {
  const std::string first = seal(cipher, keys, ContentType::application_data, "the same");
  const std::string second = seal(cipher, keys, ContentType::application_data, "the same");
  EXPECT_NE(first, second);
  EXPECT_EQ(keys.sequence, 2u);
}

TEST_P(RecordCipherTest, PutsAllBitsOfTheSequenceNumberIntoTheNonce) {
  keys.sequence = 0x0102030405060708;
  raw.sequence = 0x0102030405060708;
  EXPECT_EQ(raw.open(seal(cipher, keys, ContentType::application_data, "x")), "x\x17");
}

TEST_P(RecordCipherTest, SealsNothingWithoutRoomAndUsesNoNonceForIt) {
  std::string room(10 + kRecordOverhead - 1, '?');
  EXPECT_EQ(cipher.seal(keys, ContentType::application_data, std::string_view("0123456789"), room),
            0u);
  EXPECT_EQ(keys.sequence, 0u);
  EXPECT_EQ(room, std::string(room.size(), '?'));
}

TEST_P(RecordCipherTest, SealsNoRecordThatIsTooLong) {
  const std::string content(kMaxContentBytes + 1, 'x');
  std::string room(content.size() + kRecordOverhead, '?');
  EXPECT_EQ(cipher.seal(keys, ContentType::application_data, content, room), 0u);
}

TEST_P(RecordCipherTest, SealsNothingOnceTheSequenceNumbersHaveEnded) {
  keys.sequence = kLastSequence - 1;
  EXPECT_NE(seal(cipher, keys, ContentType::application_data, "x"), "");
  EXPECT_EQ(seal(cipher, keys, ContentType::application_data, "x"), "");
  EXPECT_EQ(keys.sequence, kLastSequence);
}

TEST_P(RecordCipherTest, KeepsConnectionsApartThatTakeTurns) {
  RecordKeys other_keys;
  const std::string other_secret = some_secret(GetParam(), 'o');
  set_up(cipher, other_keys, GetParam(), other_secret);
  RawKeys other(GetParam(), other_secret);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(raw.open(seal(cipher, keys, ContentType::application_data, "one")), "one\x17");
    EXPECT_EQ(raw.open(seal(cipher, keys, ContentType::application_data, "two")), "two\x17");
    EXPECT_EQ(other.open(seal(cipher, other_keys, ContentType::application_data, "three")),
              "three\x17");
  }
}

TEST_P(RecordCipherTest, KeepsKeysApartThatDifferInTheirLastByte) {
  const std::size_t last = key_bytes(GetParam()) - 1;
  const auto seal_with = [&](RecordCipher& by, int last_byte) {
    RecordKeys like;
    like.suite = GetParam();
    like.key = keys.key;
    like.iv = keys.iv;
    like.key[last] = static_cast<std::uint8_t>(last_byte);
    return seal(by, like, ContentType::application_data, "x");
  };
  RecordCipher other;
  EXPECT_NE(seal_with(cipher, 1), seal_with(cipher, 2));
  EXPECT_EQ(seal_with(cipher, 3), seal_with(other, 3));
}

// ---- opening

TEST_P(RecordCipherTest, OpensWhatAPeerSeals) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{15}, std::size_t{16},
                                 std::size_t{150}, kMaxContentBytes}) {
    const std::string content(size, 'x');
    const auto opening = open(cipher, keys, raw.seal(ContentType::application_data, content));
    ASSERT_EQ(opening.opened.kind, Opened::Kind::content);
    EXPECT_EQ(opening.opened.type, ContentType::application_data);
    EXPECT_EQ(opening.content(), content);
  }
}

TEST_P(RecordCipherTest, RemovesPadding) {
  for (const std::size_t padding : {1, 6, 7, 8, 9, 15, 16, 17, 1000}) {
    const auto opening = open(
        cipher, keys, raw.seal(ContentType::application_data, std::string("x\0y\0", 4), padding));
    EXPECT_EQ(opening.opened.type, ContentType::application_data);
    EXPECT_EQ(opening.content(), std::string("x\0y\0", 4)) << padding;
  }
}

TEST_P(RecordCipherTest, RemovesPaddingOfContentThatIsEmpty) {
  const auto opening = open(cipher, keys, raw.seal(ContentType::alert, "", kMaxContentBytes));
  ASSERT_EQ(opening.opened.kind, Opened::Kind::content);
  EXPECT_EQ(opening.opened.type, ContentType::alert);
  EXPECT_EQ(opening.opened.content, 0u);
}

TEST_P(RecordCipherTest, AnswersARecordOfZerosByUnexpectedMessage) {
  for (const std::size_t size : {0, 1, 8, 100}) {
    const auto opening = open(cipher, keys, raw.seal(std::string(size, '\0')));
    EXPECT_EQ(opening.opened.kind, Opened::Kind::failed);
    EXPECT_EQ(opening.opened.alert, Alert::unexpected_message);
  }
}

TEST_P(RecordCipherTest, AnswersAnyChangedBitByBadRecordMac) {
  const std::string record = raw.seal(ContentType::application_data, "content");
  for (std::size_t bit = 0; bit < record.size() * 8; ++bit) {
    std::string changed = record;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    keys.sequence = 0;
    const auto opening = open(cipher, keys, changed);
    EXPECT_EQ(opening.opened.kind, Opened::Kind::failed);
    EXPECT_EQ(opening.opened.alert, Alert::bad_record_mac) << bit;
  }
  keys.sequence = 0;
  EXPECT_EQ(open(cipher, keys, record).content(), "content");
}

TEST_P(RecordCipherTest, AnswersARecordOutOfOrderByBadRecordMac) {
  const std::string first = raw.seal(ContentType::application_data, "first");
  const std::string second = raw.seal(ContentType::application_data, "second");
  EXPECT_EQ(open(cipher, keys, second).opened.alert, Alert::bad_record_mac);
}

TEST_P(RecordCipherTest, LeavesNothingOfWhatIsNotAuthentic) {
  std::string record = raw.seal(ContentType::application_data, "a plaintext to be seen by nobody");
  record.back() = static_cast<char>(record.back() ^ 1);
  const auto opening = open(cipher, keys, record);
  EXPECT_EQ(opening.opened.content, 0u);
  EXPECT_EQ(opening.room.substr(0, 33), std::string(33, '\0'));
  EXPECT_EQ(opening.room.find("plaintext"), std::string::npos);
}

TEST_P(RecordCipherTest, LeavesNoErrorForTheNextCallerOfOpenssl) {
  std::string record = raw.seal(ContentType::application_data, "content");
  record.back() = static_cast<char>(record.back() ^ 1);
  EXPECT_EQ(open(cipher, keys, record).opened.kind, Opened::Kind::failed);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST_P(RecordCipherTest, OpensNothingOnceTheSequenceNumbersHaveEnded) {
  keys.sequence = kLastSequence - 1;
  raw.sequence = kLastSequence - 1;
  EXPECT_EQ(open(cipher, keys, raw.seal(ContentType::application_data, "last")).content(), "last");
  const auto opening = open(cipher, keys, raw.seal(ContentType::application_data, "x"));
  EXPECT_EQ(opening.opened.kind, Opened::Kind::failed);
  EXPECT_EQ(opening.opened.alert, Alert::internal_error);
}

TEST_P(RecordCipherTest, OpensNothingWithoutRoom) {
  const std::string record = raw.seal(ContentType::application_data, "0123456789");
  std::string room(10, '?');
  EXPECT_EQ(cipher.open(keys, record, room).kind, Opened::Kind::failed);
  EXPECT_EQ(room, std::string(10, '?'));
}

TEST_P(RecordCipherTest, AllocatesNothingForARecord) {
  ASSERT_EQ(counts_allocations, 1);
  RecordKeys other_keys;
  set_up(cipher, other_keys, GetParam(), some_secret(GetParam(), 'o'));
  const std::string content(150, 'x');
  const std::string record = raw.seal(ContentType::application_data, content);
  std::array<char, 256> room;
  const std::size_t before = allocations;
  for (RecordKeys* turn : {&keys, &other_keys, &keys}) {
    EXPECT_NE(cipher.seal(*turn, ContentType::application_data, content, room), 0u);
  }
  keys.sequence = 0;
  EXPECT_EQ(cipher.open(keys, record, room).kind, Opened::Kind::content);
  EXPECT_EQ(cipher.open(other_keys, record, room).kind, Opened::Kind::failed);
  EXPECT_EQ(allocations, before);
}

// ---- headers

RecordHeader check(std::string_view header) {
  return check_header(std::span<const char, kRecordHeaderBytes>(header));
}

TEST(RecordHeader, TellsTheLengthOfTheRecordAndTheRoomItNeeds) {
  const RecordHeader header = check(RawKeys::header(0x0123));
  EXPECT_EQ(header.kind, RecordHeader::Kind::valid);
  EXPECT_EQ(header.record, 5u + 0x0123);
  EXPECT_EQ(header.inner_bytes(), 0x0123u - 16);
}

// RFC 8446 5: anything but application_data, since the handshake is over.
TEST(RecordHeader, AnswersAnyOtherOuterTypeByUnexpectedMessage) {
  for (int type = 0; type < 256; ++type) {
    std::string bytes = RawKeys::header(100);
    bytes[0] = static_cast<char>(type);
    const RecordHeader header = check(bytes);
    if (type == 23) {
      EXPECT_EQ(header.kind, RecordHeader::Kind::valid);
    } else {
      EXPECT_EQ(header.kind, RecordHeader::Kind::failed) << type;
      EXPECT_EQ(header.alert, Alert::unexpected_message) << type;
    }
  }
}

TEST(RecordHeader, AnswersAChangeCipherSpecOfCompatibilityModeByUnexpectedMessage) {
  EXPECT_EQ(check(from_hex("1403030001")).alert, Alert::unexpected_message);
}

TEST(RecordHeader, AnswersAnotherVersionByDecodeError) {
  for (const std::string_view version : {"0301", "0302", "0304", "0003", "0403"}) {
    const RecordHeader header = check("\x17" + from_hex(version) + from_hex("0020"));
    EXPECT_EQ(header.kind, RecordHeader::Kind::failed) << version;
    EXPECT_EQ(header.alert, Alert::decode_error) << version;
  }
}

TEST(RecordHeader, AnswersARecordThatIsTooLongByRecordOverflow) {
  EXPECT_EQ(check(RawKeys::header(16384 + 1 + 16)).kind, RecordHeader::Kind::valid);
  // RFC 8446 5.2 allows so many bytes, but 5.4 no inner plaintext of more than 2^14 + 1.
  for (const std::size_t length : {16384 + 1 + 16 + 1, 16384 + 256, 16384 + 257, 65535}) {
    const RecordHeader header = check(RawKeys::header(length));
    EXPECT_EQ(header.kind, RecordHeader::Kind::failed) << length;
    EXPECT_EQ(header.alert, Alert::record_overflow) << length;
  }
}

TEST(RecordHeader, AnswersARecordWithoutRoomForATagByBadRecordMac) {
  EXPECT_EQ(check(RawKeys::header(16)).kind, RecordHeader::Kind::valid);
  for (const std::size_t length : {0, 1, 15}) {
    const RecordHeader header = check(RawKeys::header(length));
    EXPECT_EQ(header.kind, RecordHeader::Kind::failed) << length;
    EXPECT_EQ(header.alert, Alert::bad_record_mac) << length;
  }
}

}  // namespace
}  // namespace crolang::tls
