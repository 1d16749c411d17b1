#include "tls/ssl_stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "unit/tls/handshake_ends.hpp"

namespace crolang::tls {
namespace {

using testing::Client;
using testing::ClientSetup;
using testing::connect;
using testing::Issued;
using testing::make_server;
using testing::self_signed;
using testing::Server;
using ::testing::StartsWith;

using State = SslStream::State;
using std::string_view_literals::operator""sv;

class SslStreamTest : public ::testing::TestWithParam<int> {
 protected:
  static std::shared_ptr<const ServerContext> context() {
    static const Issued issued = self_signed({});
    return make_server(
        {.certificates = {&issued}, .options = {.record_layer = RecordLayerChoice::openssl}});
  }

  void SetUp() override {
    connect(client_, server_);
    ASSERT_EQ(server_.state, Handshake::State::done);
    ASSERT_FALSE(server_.is_compact());
  }

  SslStream::Read read(std::string_view ciphertext) {
    std::string into(ciphertext.size() + 16 * 1024, '\0');
    const auto result = server_.stream().read(ciphertext, into, out_);
    plaintext_.append(into, 0, result.produced);
    return result;
  }

  Client client_{{.version = GetParam()}};
  Server server_{context()};
  std::string out_;
  std::string plaintext_;
};

INSTANTIATE_TEST_SUITE_P(Versions, SslStreamTest, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) {
                           return version.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

TEST_P(SslStreamTest, AMegabyteGoesEachWay) {
  std::string text;
  for (int i = 0; text.size() < 1 << 20; ++i) text += std::to_string(i) + ' ';
  const auto result = read(client_.send(text));
  EXPECT_EQ(result.state, State::open);
  EXPECT_FALSE(result.unfinished);
  EXPECT_EQ(plaintext_, text);
  ASSERT_TRUE(server_.stream().write(text, out_));
  EXPECT_EQ(client_.receive(out_), text);
}

TEST_P(SslStreamTest, BytesMayComeOneByOne) {
  const std::string ciphertext = client_.send("slowly");
  for (const char c : ciphertext) {
    const auto result = read({&c, 1});
    EXPECT_EQ(result.state, State::open);
    EXPECT_EQ(result.consumed, 1U);
  }
  EXPECT_EQ(plaintext_, "slowly");
}

TEST_P(SslStreamTest, WhatHasNoRoomIsReadLater) {
  std::string ciphertext = client_.send("first ");
  ciphertext += client_.send("second");
  std::string_view left = ciphertext;
  std::string text;
  std::array<char, 4> room{};
  for (;;) {
    const auto result = server_.stream().read(left, room, out_);
    text.append(room.data(), result.produced);
    left.remove_prefix(result.consumed);
    if (!result.unfinished) break;
  }
  EXPECT_EQ(text, "first second");
  EXPECT_TRUE(left.empty());
}

TEST_P(SslStreamTest, NothingIsWrittenForNothing) {
  EXPECT_TRUE(server_.stream().write({}, out_));
  EXPECT_EQ(out_, "");
}

TEST_P(SslStreamTest, CloseNotifyEndsEachDirectionByItself) {
  std::string ciphertext = client_.send("the last");
  SSL_shutdown(client_.ssl());
  ciphertext += client_.end().sent();
  EXPECT_EQ(read(ciphertext).state, State::closed);
  EXPECT_EQ(plaintext_, "the last");
  ASSERT_TRUE(server_.stream().write("an answer"sv, out_));
  server_.stream().close_notify(out_);
  const std::size_t size = out_.size();
  server_.stream().close_notify(out_);
  EXPECT_EQ(out_.size(), size);
  EXPECT_FALSE(server_.stream().write("too late"sv, out_));
  EXPECT_EQ(client_.receive(out_), "an answer");
  EXPECT_EQ(client_.end().error, SSL_ERROR_ZERO_RETURN);
}

TEST_P(SslStreamTest, ADamagedRecordFailsWithAnAlert) {
  std::string ciphertext = client_.send("text");
  ciphertext.back() = static_cast<char>(ciphertext.back() ^ 1);
  EXPECT_EQ(read(ciphertext).state, State::failed);
  EXPECT_THAT(server_.stream().failure(), StartsWith("the client has broken the TLS protocol: "));
  EXPECT_EQ(client_.receive(out_), "");
  EXPECT_EQ(client_.end().error, SSL_ERROR_SSL);
  EXPECT_FALSE(server_.stream().write("text"sv, out_));
  EXPECT_EQ(read("more").state, State::failed);
}

TEST_P(SslStreamTest, AnAlertOfTheClientIsNoViolation) {
  std::string ciphertext;
  ASSERT_TRUE(server_.stream().write("text"sv, ciphertext));
  ciphertext.back() = static_cast<char>(ciphertext.back() ^ 1);
  EXPECT_EQ(client_.receive(ciphertext), "");
  const auto result = read(client_.end().sent());
  EXPECT_EQ(result.state, State::alert_received);
  EXPECT_EQ(result.alert, Alert::bad_record_mac);
  EXPECT_THAT(server_.stream().failure(),
              StartsWith("the client has ended the connection by an alert: "));
  EXPECT_FALSE(server_.stream().write("text"sv, out_));
  EXPECT_EQ(read("more").state, State::failed);
}

TEST_P(SslStreamTest, ARenegotiationIsRefused) {
  if (GetParam() != TLS1_2_VERSION) return;
  SSL_renegotiate(client_.ssl());
  SSL_do_handshake(client_.ssl());
  EXPECT_EQ(read(client_.end().sent()).state, State::failed);
  EXPECT_EQ(server_.stream().failure(),
            "the client has asked for a renegotiation, which is refused");
}

TEST_P(SslStreamTest, KeyUpdatesWithoutDataAreTakenUpToALimit) {
  if (GetParam() != TLS1_3_VERSION) return;
  const auto update_keys = [this](int times) {
    for (int i = 0; i < times; ++i) {
      SSL_key_update(client_.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED);
      SSL_do_handshake(client_.ssl());
    }
    return client_.end().sent();
  };
  EXPECT_EQ(read(update_keys(32)).state, State::open);
  EXPECT_EQ(read(client_.send("text")).state, State::open);
  EXPECT_EQ(read(update_keys(32)).state, State::open);
  const std::string flood = update_keys(1000);
  const auto result = read(flood);
  EXPECT_EQ(result.state, State::failed);
  EXPECT_LT(result.consumed, 100U);
  EXPECT_EQ(server_.stream().failure(),
            "the client has sent more than 32 records in a row without data");
}

TEST_P(SslStreamTest, DataBetweenKeyUpdatesIsReadAndAnswered) {
  if (GetParam() != TLS1_3_VERSION) return;
  for (int i = 0; i < 100; ++i) {
    SSL_key_update(client_.ssl(), SSL_KEY_UPDATE_REQUESTED);
    ASSERT_EQ(read(client_.send("text")).state, State::open);
    ASSERT_TRUE(server_.stream().write("answer"sv, out_));
    EXPECT_EQ(client_.receive(out_), "answer");
    out_.clear();
  }
}

TEST_P(SslStreamTest, DataBehindSeveralKeyUpdatesIsRead) {
  if (GetParam() != TLS1_3_VERSION) return;
  constexpr int kAsks = SSL_KEY_UPDATE_REQUESTED;
  constexpr int kTells = SSL_KEY_UPDATE_NOT_REQUESTED;
  enum class Arrive { each, together };
  for (const Arrive arrive : {Arrive::each, Arrive::together}) {
    for (const auto& kinds : std::vector<std::vector<int>>{
             {kAsks, kTells}, {kAsks, kAsks}, {kAsks, kAsks, kTells}, {kTells, kAsks, kAsks}}) {
      for (const int kind : kinds) {
        SSL_key_update(client_.ssl(), kind);
        SSL_do_handshake(client_.ssl());
        if (arrive == Arrive::each) {
          ASSERT_EQ(read(client_.end().sent()).state, State::open);
        }
      }
      plaintext_.clear();
      ASSERT_EQ(read(client_.send("text")).state, State::open);
      EXPECT_EQ(plaintext_, "text");
      ASSERT_TRUE(server_.stream().write("answer"sv, out_));
      EXPECT_EQ(client_.receive(out_), "answer");
      out_.clear();
    }
  }
}

TEST_P(SslStreamTest, AnIdleOneHoldsAtMost16Kilobytes) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer has an allocator of its own";
#endif
  constexpr std::size_t kStreams = 32;
  std::vector<std::unique_ptr<Server>> servers;
  servers.reserve(kStreams);
  const auto shared = context();
  std::size_t used = 0;
  for (std::size_t i = 0; i < kStreams; ++i) {
    const std::size_t before = mallinfo2().uordblks;
    {
      Client client({.version = GetParam()});
      auto server = std::make_unique<Server>(shared);
      connect(client, *server);
      server->receive(client.send("some text"));
      client.receive(server->send("some text"));
      servers.push_back(std::move(server));
    }
    used += mallinfo2().uordblks - before;
  }
  EXPECT_LE(used / kStreams, 16 * 1024U);
}

}  // namespace
}  // namespace crolang::tls
