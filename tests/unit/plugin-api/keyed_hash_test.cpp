#include "crolang/keyed_hash.hpp"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "support/colliding_ids.hpp"

namespace crolang {
namespace {

/// The key of the paper: the bytes 0 to 15.
HashKey paper_key() {
  HashKey key;
  std::array<unsigned char, 16> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(i);
  std::memcpy(&key, bytes.data(), sizeof key);
  return key;
}

/// The bytes 0, 1, 2, …
std::string counting(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i);
  return text;
}

/// What OpenSSL makes of it.
std::uint64_t openssl_siphash(const HashKey& key, std::string_view text, unsigned rounds,
                              unsigned last_rounds) {
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(
      EVP_MAC_fetch(nullptr, "SIPHASH", nullptr), &EVP_MAC_free);
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(
      EVP_MAC_CTX_new(mac.get()), &EVP_MAC_CTX_free);
  std::size_t size = 8;
  const std::array<OSSL_PARAM, 4> params{
      OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
      OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_C_ROUNDS, &rounds),
      OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_D_ROUNDS, &last_rounds), OSSL_PARAM_construct_end()};
  EXPECT_EQ(EVP_MAC_init(context.get(), reinterpret_cast<const unsigned char*>(&key), sizeof key,
                         params.data()),
            1);
  EXPECT_EQ(EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(text.data()),
                           text.size()),
            1);
  std::uint64_t value = 0;
  EXPECT_EQ(
      EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(&value), &size, sizeof value),
      1);
  return value;
}

// The paper's example, and the first two of its table of test vectors.
TEST(Siphash, GivesThePublishedValues) {
  EXPECT_EQ((siphash<2, 4>(paper_key(), counting(15))), 0xa129ca6149be45e5u);
  EXPECT_EQ((siphash<2, 4>(paper_key(), "")), 0x726fdb47dd0e0e31u);
  EXPECT_EQ((siphash<2, 4>(paper_key(), counting(1))), 0x74f839c593dc67fdu);
}

TEST(Siphash, AgreesWithOpensslForEveryLengthAndBothNumbersOfRounds) {
  const HashKey random = HashKey::random();
  for (const HashKey& key : {paper_key(), random}) {
    for (std::size_t size = 0; size <= 300; ++size) {
      const std::string text = counting(size);
      EXPECT_EQ((siphash<1, 3>(key, text)), openssl_siphash(key, text, 1, 3)) << size;
      EXPECT_EQ((siphash<2, 4>(key, text)), openssl_siphash(key, text, 2, 4)) << size;
    }
  }
}

TEST(HashKey, IsDrawnAnew) {
  const HashKey one = HashKey::random();
  const HashKey other = HashKey::random();
  EXPECT_NE(one.first, other.first);
  EXPECT_NE(one.second, other.second);
  EXPECT_NE(detail::kProcessKey.first, 0u);
  EXPECT_NE(detail::kProcessKey.second, 0u);
}

TEST(KeyedHash, IsTheSameHoweverTheTextIsHanded) {
  const std::string id = "bob";
  EXPECT_EQ(KeyedHash{}(id), KeyedHash{}(std::string_view("bob")));
  EXPECT_EQ(KeyedHash{}(id), KeyedHash{}(HashedText("bob")));
}

TEST(TextMap, FindsByWhatIsNoString) {
  TextMap<int> map{{"bob", 1}};
  EXPECT_EQ(map.find(std::string_view("bob"))->second, 1);
  EXPECT_EQ(map.find(HashedText("bob"))->second, 1);
  EXPECT_EQ(map.find(HashedText("eve")), map.end());
}

class CollidingIdsTest : public ::testing::Test {
 protected:
  // Once, since finding them takes a second or two.
  static const std::vector<std::string>& found() {
    static const std::vector<std::string> ids = testing::colliding_ids(2000);
    return ids;
  }
  const std::vector<std::string>& ids = found();
};

TEST_F(CollidingIdsTest, CollideUnderStdHash) {
  std::set<std::size_t> values;
  for (const std::string& id : ids) values.insert(std::hash<std::string>{}(id));
  EXPECT_EQ(values.size(), 1u);
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size());
}

TEST_F(CollidingIdsTest, AreSpreadByTheKeyedHash) {
  std::set<std::size_t> values;
  for (const std::string& id : ids) values.insert(KeyedHash{}(id));
  EXPECT_EQ(values.size(), ids.size());
}

// A shard is chosen by the high bits of the hash, a bucket by the remainder of all of it.
TEST_F(CollidingIdsTest, LeaveNoBucketAndNoShardFullerThanOthersDo) {
  TextMap<int> map;
  std::array<std::size_t, 256> shards{};
  for (const std::string& id : ids) {
    map.emplace(id, 0);
    ++shards[KeyedHash{}(id) >> 56];
  }
  std::size_t longest = 0;
  for (std::size_t i = 0; i < map.bucket_count(); ++i) {
    longest = std::max(longest, map.bucket_size(i));
  }
  // As many balls as bins: 16 in one come up once in ten thousand million draws.
  EXPECT_LE(longest, 16u);
  // 8 on the average, with a deviation of 3.
  EXPECT_LE(*std::ranges::max_element(shards), 40u);
}

}  // namespace
}  // namespace crolang
