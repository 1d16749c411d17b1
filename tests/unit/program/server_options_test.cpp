#include "program/server_options.hpp"

#include <gtest/gtest.h>

namespace crolang::program {
namespace {

constexpr process::FileLimit kLimit{.files = 1000, .connections = 900, .sockets = 950};

TEST(ServerOptions, TakeTheFileLimitWhereNoMostIsSet) {
  config::Settings settings;
  EXPECT_EQ(server_options(settings, kLimit).max_connections, 900u);
  EXPECT_EQ(server_options(settings, kLimit).max_sockets, 950u);
  settings.max_connections = 10;
  EXPECT_EQ(server_options(settings, kLimit).max_connections, 10u);
}

TEST(ServerOptions, MeasureTheMemoryWhereNoMostIsSet) {
  config::Settings settings;
  EXPECT_GT(server_options(settings, kLimit).max_memory_bytes, 0u);
  settings.max_memory_bytes = 123;
  EXPECT_EQ(server_options(settings, kLimit).max_memory_bytes, 123u);
}

TEST(ServerOptions, TakeOverTheLimits) {
  config::Settings settings;
  EXPECT_FALSE(server_options(settings, kLimit).per_address.is_set());
  settings.max_connections_per_address = 1;
  settings.connection_rate_per_address = 2;
  settings.max_handshakes = 3;
  settings.message_rate_per_node = 4;
  settings.message_burst_per_node = 5;
  settings.max_connection_age = std::chrono::seconds(6);
  settings.authorize_presence = config::Switch::on;
  const net::ServerOptions options = server_options(settings, kLimit);
  EXPECT_EQ(options.per_address.connections, 1u);
  EXPECT_EQ(options.per_address.connections_per_second, 2u);
  EXPECT_EQ(options.max_handshakes, 3u);
  EXPECT_EQ(options.policy.message_rate, 4u);
  EXPECT_EQ(options.policy.message_burst, 5u);
  EXPECT_EQ(options.policy.max_connection_age, std::chrono::seconds(6));
  EXPECT_TRUE(options.policy.authorize_presence);
}

TEST(ServerOptions, AllowEveryOriginUnlessSomeAreNamed) {
  config::Settings settings;
  EXPECT_FALSE(server_options(settings, kLimit).allowed_origins);
  settings.allowed_origins = "https://a.example";
  const auto origins = server_options(settings, kLimit).allowed_origins;
  ASSERT_TRUE(origins);
  EXPECT_TRUE(origins->allows("https://a.example"));
  EXPECT_FALSE(origins->allows("https://b.example"));
}

TEST(ServerOptions, TakeOverSwitchesAndChoices) {
  config::Settings settings;
  EXPECT_FALSE(server_options(settings, kLimit).metrics);
  EXPECT_FALSE(server_options(settings, kLimit).policy.p2p_enabled);
  EXPECT_EQ(server_options(settings, kLimit).policy.authorization_scope,
            broker::Policy::Scope::every_message);
  settings.metrics = config::Switch::on;
  settings.p2p_connection = config::Switch::on;
  settings.authorization_scope = config::AuthorizationScope::initiation;
  EXPECT_TRUE(server_options(settings, kLimit).metrics);
  EXPECT_TRUE(server_options(settings, kLimit).policy.p2p_enabled);
  EXPECT_EQ(server_options(settings, kLimit).policy.authorization_scope,
            broker::Policy::Scope::initiation);
}

TEST(ServerFiles, AreThoseOfTheSettings) {
  config::TlsSettings settings{.certificate_files = "a.pem",
                               .key_files = "a.key",
                               .client_authority_file = "ca.pem",
                               .minimum_version = config::TlsVersion::tls12,
                               .record_layer = config::TlsRecordLayer::compact};
  EXPECT_EQ(server_files(settings).certificate_files, "a.pem");
  EXPECT_EQ(server_files(settings).key_files, "a.key");
  EXPECT_EQ(server_files(settings).client_authority_file, "ca.pem");
  EXPECT_EQ(server_files(settings).options.minimum_version, tls::MinimumVersion::tls12);
  EXPECT_EQ(server_files(settings).options.record_layer, tls::RecordLayerChoice::compact);
  settings.minimum_version = config::TlsVersion::tls13;
  settings.record_layer = config::TlsRecordLayer::openssl;
  EXPECT_EQ(server_files(settings).options.minimum_version, tls::MinimumVersion::tls13);
  EXPECT_EQ(server_files(settings).options.record_layer, tls::RecordLayerChoice::openssl);
}

class HealthTarget : public ::testing::Test {
 protected:
  HealthTarget() {
    settings_.bind_address = "127.0.0.1";
    settings_.port = 443;
    settings_.clients.proxy_protocol = client_address::ProxyProtocol::required;
  }

  net::HealthTarget target() const {
    const auto found = health_target(settings_);
    EXPECT_TRUE(found);
    return found.value_or(net::HealthTarget{});
  }
  void use_tls() {
    settings_.tls.certificate_files = "a.pem";
    settings_.tls.key_files = "a.key";
  }

  config::Settings settings_;
};

TEST_F(HealthTarget, IsThePortOfNodes) {
  EXPECT_EQ(target().bind_address, "127.0.0.1");
  EXPECT_EQ(target().port, 443);
  EXPECT_EQ(target().security, net::HealthTarget::Security::plain);
  EXPECT_EQ(target().clients.proxy_protocol, client_address::ProxyProtocol::required);
}

TEST_F(HealthTarget, SpeaksTlsWhereThatPortDoes) {
  use_tls();
  EXPECT_EQ(target().port, 443);
  EXPECT_EQ(target().security, net::HealthTarget::Security::tls);
  EXPECT_EQ(target().clients.proxy_protocol, client_address::ProxyProtocol::required);
}

TEST_F(HealthTarget, IsThePlainPortIfThereIsOne) {
  settings_.plain_port = 8080;
  EXPECT_EQ(target().port, 8080);
  EXPECT_EQ(target().clients.proxy_protocol, client_address::ProxyProtocol::refused);
  use_tls();
  EXPECT_EQ(target().port, 8080);
  EXPECT_EQ(target().security, net::HealthTarget::Security::plain);
  settings_.tls.client_authority_file = "ca.pem";
  EXPECT_EQ(target().port, 8080);
}

TEST_F(HealthTarget, IsNoneWhereEveryClientNeedsACertificate) {
  settings_.tls.client_authority_file = "ca.pem";
  EXPECT_TRUE(health_target(settings_)) << "without TLS the variable has no effect";
  use_tls();
  EXPECT_FALSE(health_target(settings_));
}

}  // namespace
}  // namespace crolang::program
