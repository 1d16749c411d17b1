#include "redis-registry/tls_transport.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>
#include <utility>

#include "unit/tls/certificates.hpp"

namespace crolang::redis_registry {
namespace {

using std::chrono_literals::operator""h;
using testing::HasSubstr;
using tls::testing::Issued;
using tls::testing::pem;
using tls::testing::Profile;
using tls::testing::ScratchDirectory;
using Status = Transport::Status;

/// A client and, at the other end of a socket pair, a server of OpenSSL. Neither blocks.
class TlsTransportTest : public testing::Test {
 protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()), 0);
    ::fcntl(ends_[1], F_SETFL, O_NONBLOCK);
  }
  void TearDown() override { ::close(ends_[1]); }

  void serve(const Issued& as, const Issued* clients_of = nullptr) {
    context_.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(context_.get(), as.certificate.get());
    SSL_CTX_use_PrivateKey(context_.get(), as.key.get());
    if (clients_of != nullptr) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), clients_of->certificate.get());
      SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                         nullptr);
    }
    server_.reset(SSL_new(context_.get()));
    SSL_set_fd(server_.get(), ends_[1]);
    SSL_set_accept_state(server_.get());
  }

  void call(const std::string& host, TlsFiles files) {
    if (files.authorities.empty()) files.authorities = authority_file_;
    client_ = std::make_unique<TlsTransport>(Socket(ends_[0]), make_tls_context(files), host);
  }

  /// Alternately, until the client is done or has failed.
  Status connect() {
    for (int i = 0; i < 20; ++i) {
      const Status status = client_->connect();
      if (status == Status::done || status == Status::failed) return status;
      SSL_do_handshake(server_.get());
    }
    return Status::wants_read;
  }

  std::string fault_for(const Profile& profile, const std::string& host) {
    serve(tls::testing::issue(profile, authority_));
    call(host, {});
    EXPECT_EQ(connect(), Status::failed);
    return client_->fault();
  }

  std::array<int, 2> ends_{};
  const ScratchDirectory directory_;
  const Issued authority_ = tls::testing::self_signed(tls::testing::authority("Test CA"));
  const std::string authority_file_ = directory_.write("ca.pem", pem(authority_.certificate));
  tls::Owned<SSL_CTX, &SSL_CTX_free> context_;
  tls::Ssl server_;
  std::unique_ptr<TlsTransport> client_;
};

TEST_F(TlsTransportTest, CarriesBytesBothWays) {
  serve(tls::testing::issue({.alternative_names = "DNS:redis.example"}, authority_));
  call("redis.example", {});
  ASSERT_EQ(connect(), Status::done);
  SSL_do_handshake(server_.get());
  EXPECT_STREQ(SSL_get_servername(server_.get(), TLSEXT_NAMETYPE_host_name), "redis.example");
  EXPECT_EQ(SSL_version(server_.get()), TLS1_3_VERSION);

  EXPECT_EQ(client_->write("hello").bytes, 5U);
  std::array<char, 65536> bytes{};
  EXPECT_EQ(SSL_read(server_.get(), bytes.data(), bytes.size()), 5);
  EXPECT_EQ(client_->read(bytes).status, Status::wants_read);

  // Records that have arrived together are all read although the descriptor is readable once.
  for (int i = 0; i < 3; ++i) SSL_write(server_.get(), "answer", 6);
  std::size_t read = client_->read(bytes).bytes;
  while (client_->has_more()) read += client_->read(bytes).bytes;
  EXPECT_EQ(read, 18U);
}

TEST_F(TlsTransportTest, WritesAsMuchAsTheSocketTakes) {
  serve(tls::testing::issue({.alternative_names = "IP:127.0.0.1"}, authority_));
  call("127.0.0.1", {});
  ASSERT_EQ(connect(), Status::done);
  SSL_do_handshake(server_.get());
  const std::string large(4 << 20, 'x');
  std::size_t written = 0;
  std::size_t received = 0;
  std::array<char, 65536> bytes{};
  while (received < large.size()) {
    // A copy each time, since the link's buffer may move.
    const std::string rest = large.substr(written);
    const auto moved = rest.empty() ? Transport::Moved{Status::wants_write} : client_->write(rest);
    if (moved.status == Status::done) {
      written += moved.bytes;
      continue;
    }
    ASSERT_EQ(moved.status, Status::wants_write) << client_->fault();
    int got = 0;
    while ((got = SSL_read(server_.get(), bytes.data(), bytes.size())) > 0) {
      received += static_cast<std::size_t>(got);
    }
  }
  EXPECT_EQ(received, large.size());
}

TEST_F(TlsTransportTest, EndsWhenTheServerCloses) {
  serve(tls::testing::issue({.alternative_names = "IP:127.0.0.1"}, authority_));
  call("127.0.0.1", {});
  ASSERT_EQ(connect(), Status::done);
  SSL_do_handshake(server_.get());
  // Without close_notify, as Redis does.
  ::shutdown(ends_[1], SHUT_RDWR);
  std::array<char, 100> bytes{};
  EXPECT_EQ(client_->read(bytes).status, Status::ended);
}

TEST_F(TlsTransportTest, RefusesACertificateForAnotherHost) {
  const std::string fault = fault_for({.alternative_names = "DNS:other.example"}, "redis.example");
  EXPECT_EQ(fault, "the server's certificate is not accepted: it is not for redis.example");
}

TEST_F(TlsTransportTest, RefusesACertificateForAnotherAddress) {
  EXPECT_THAT(fault_for({.alternative_names = "IP:127.0.0.2"}, "127.0.0.1"),
              HasSubstr("it is not for 127.0.0.1"));
}

TEST_F(TlsTransportTest, RefusesAnExpiredCertificate) {
  const auto now = std::chrono::system_clock::now();
  EXPECT_THAT(fault_for({.alternative_names = "DNS:h", .from = now - 48h, .until = now - 24h}, "h"),
              HasSubstr("certificate has expired"));
}

TEST_F(TlsTransportTest, RefusesAnUnknownAuthorityAndNamesTheVariable) {
  serve(tls::testing::self_signed({.alternative_names = "DNS:h"}));
  call("h", {});
  EXPECT_EQ(connect(), Status::failed);
  EXPECT_THAT(client_->fault(), HasSubstr("put its issuer's certificate in REDIS_CA_FILE"));
}

TEST_F(TlsTransportTest, ShowsItsOwnCertificate) {
  serve(tls::testing::issue({.alternative_names = "DNS:h"}, authority_), &authority_);
  const Issued own = tls::testing::issue({.role = Profile::Role::client}, authority_);
  call("h", {"", directory_.write("c.pem", pem(own.certificate)),
             directory_.write("k.pem", pem(own.key))});
  ASSERT_EQ(connect(), Status::done);
  EXPECT_EQ(SSL_do_handshake(server_.get()), 1);
}

TEST_F(TlsTransportTest, SaysThatACertificateIsDemanded) {
  serve(tls::testing::issue({.alternative_names = "DNS:h"}, authority_), &authority_);
  call("h", {});
  // In TLS 1.3 the server's refusal follows the client's handshake.
  ASSERT_EQ(connect(), Status::done);
  EXPECT_NE(SSL_do_handshake(server_.get()), 1);
  std::array<char, 100> bytes{};
  EXPECT_EQ(client_->read(bytes).status, Status::failed);
  EXPECT_THAT(client_->fault(), HasSubstr("set REDIS_CERT_FILE and REDIS_KEY_FILE"));
}

TEST_F(TlsTransportTest, GuessesThatThePortIsPlain) {
  serve(tls::testing::issue({.alternative_names = "DNS:h"}, authority_));
  call("h", {});
  EXPECT_EQ(client_->connect(), Status::wants_read);
  EXPECT_THAT(client_->silence(), HasSubstr("does that port speak plain Redis (redis://)?"));
  const std::string_view plain = "-ERR what is this\r\n";
  ASSERT_EQ(::write(ends_[1], plain.data(), plain.size()), static_cast<ssize_t>(plain.size()));
  EXPECT_EQ(client_->connect(), Status::failed);
  EXPECT_THAT(client_->fault(), HasSubstr("does that port speak plain Redis (redis://)?"));
}

TEST_F(TlsTransportTest, SaysThatTheServerHungUp) {
  serve(tls::testing::issue({.alternative_names = "DNS:h"}, authority_));
  call("h", {});
  EXPECT_EQ(client_->connect(), Status::wants_read);
  ::shutdown(ends_[1], SHUT_RDWR);
  EXPECT_EQ(client_->connect(), Status::failed);
  EXPECT_NE(client_->fault(), "");
}

}  // namespace
}  // namespace crolang::redis_registry
