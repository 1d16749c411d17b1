#include "net/healthcheck.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>

#include "client_address/proxy_header.hpp"
#include "net/listener.hpp"
#include "unit/tls/certificates.hpp"

namespace crolang::net {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Security = HealthTarget::Security;

constexpr std::chrono::seconds kTimeout{20};
constexpr std::string_view kHealthy =
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";

HealthTarget target_of(const Descriptor& listener, Security security) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return {.bind_address = "127.0.0.1", .port = ntohs(address.sin_port), .security = security};
}

/// What a broker answers to one connection, on a thread.
class Answering {
 public:
  enum class Ending { proper, without_close_notify };
  /// What it waits for before it answers.
  enum class Question { whole, any };

  explicit Answering(Security security, std::string answer = std::string(kHealthy),
                     Ending ending = Ending::proper, Question question = Question::whole)
      : question_(question),
        listener_(std::get<Descriptor>(listen_on("127.0.0.1", 0))),
        thread_([this, security, answer = std::move(answer), ending] {
          // It does not block, and here something has to.
          ::fcntl(listener_.get(), F_SETFL, 0);
          const Descriptor socket(::accept(listener_.get(), nullptr, nullptr));
          security == Security::tls ? answer_tls(socket, answer, ending)
                                    : answer_plain(socket, answer);
        }) {}
  ~Answering() {
    if (thread_.joinable()) thread_.join();
  }

  HealthTarget target(Security security) const { return target_of(listener_, security); }

  /// What it has received, once it has answered.
  const std::string& received() {
    thread_.join();
    return received_;
  }

 private:
  bool is_complete() const {
    switch (question_) {
      case Question::whole:
        return received_.ends_with("\r\n\r\n");
      case Question::any:
        return !received_.empty();
    }
    return true;
  }

  void answer_plain(const Descriptor& socket, const std::string& answer) {
    char bytes[1024];
    while (!is_complete()) {
      const ssize_t n = ::recv(socket.get(), bytes, sizeof bytes, 0);
      if (n <= 0) return;
      received_.append(bytes, static_cast<std::size_t>(n));
    }
    ::send(socket.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
  }

  void answer_tls(const Descriptor& socket, const std::string& answer, Ending ending) {
    // Self-signed: it is not verified.
    const auto issued = tls::testing::self_signed({});
    const tls::SslContext context(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(context.get(), issued.certificate.get());
    SSL_CTX_use_PrivateKey(context.get(), issued.key.get());
    const tls::Ssl ssl(SSL_new(context.get()));
    SSL_set_fd(ssl.get(), socket.get());
    if (SSL_accept(ssl.get()) != 1) return;
    char bytes[1024];
    while (!is_complete()) {
      const int n = SSL_read(ssl.get(), bytes, sizeof bytes);
      if (n <= 0) return;
      received_.append(bytes, static_cast<std::size_t>(n));
    }
    SSL_write(ssl.get(), answer.data(), static_cast<int>(answer.size()));
    if (ending == Ending::proper) SSL_shutdown(ssl.get());
  }

  const Question question_;
  Descriptor listener_;
  std::string received_;
  std::thread thread_;
};

class HealthcheckTest : public ::testing::Test {
 protected:
  HealthcheckTest() { std::signal(SIGPIPE, SIG_IGN); }
};

TEST_F(HealthcheckTest, AsksAPlainListener) {
  Answering broker(Security::plain);
  const Health health = ask_health(broker.target(Security::plain), kTimeout);
  EXPECT_EQ(health.state, Health::State::healthy);
  EXPECT_EQ(health.text, "{}");
  EXPECT_THAT(broker.received(), StartsWith("GET /healthz HTTP/1.1\r\n"));
}

TEST_F(HealthcheckTest, AsksAListenerWithTlsWhateverItsCertificate) {
  for (const auto ending : {Answering::Ending::proper, Answering::Ending::without_close_notify}) {
    Answering broker(Security::tls, std::string(kHealthy), ending);
    const Health health = ask_health(broker.target(Security::tls), kTimeout);
    EXPECT_EQ(health.state, Health::State::healthy) << health.text;
    EXPECT_EQ(health.text, "{}");
    EXPECT_THAT(broker.received(), StartsWith("GET /healthz HTTP/1.1\r\n"));
  }
}

TEST_F(HealthcheckTest, BeginsWithAProxyHeaderWhereThatIsRequiredOfThisMachine) {
  Answering broker(Security::plain);
  HealthTarget target = broker.target(Security::plain);
  target.clients.trusted_proxies =
      std::get<client_address::AddressSet>(client_address::parse_address_set("127.0.0.1"));
  target.clients.proxy_protocol = client_address::ProxyProtocol::required;
  EXPECT_EQ(ask_health(target, kTimeout).state, Health::State::healthy);
  EXPECT_THAT(broker.received(),
              StartsWith(std::string(client_address::kLocalProxyHeader) + "GET /healthz"));
}

TEST_F(HealthcheckTest, SaysWhichStatusIsNotHealthy) {
  for (const Security security : {Security::plain, Security::tls}) {
    Answering broker(security, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    const Health health = ask_health(broker.target(security), kTimeout);
    EXPECT_EQ(health.state, Health::State::unhealthy);
    EXPECT_THAT(health.text, StartsWith("status 503 from 127.0.0.1:"));
  }
}

TEST_F(HealthcheckTest, TakesAnAnswerThatIsCutOffForNone) {
  Answering broker(Security::tls, std::string(kHealthy.substr(0, kHealthy.size() - 1)),
                   Answering::Ending::without_close_notify);
  const Health health = ask_health(broker.target(Security::tls), kTimeout);
  EXPECT_EQ(health.state, Health::State::unhealthy);
  EXPECT_THAT(health.text, StartsWith("no answer from 127.0.0.1:"));
}

TEST_F(HealthcheckTest, SaysThatTheHandshakeFailed) {
  Answering broker(Security::plain, "HTTP/1.1 400 Bad Request\r\n\r\n", Answering::Ending::proper,
                   Answering::Question::any);
  const Health health = ask_health(broker.target(Security::tls), kTimeout);
  EXPECT_EQ(health.state, Health::State::unhealthy);
  EXPECT_THAT(health.text, HasSubstr(": the TLS handshake failed: wrong version number"));
}

TEST_F(HealthcheckTest, SaysThatTheBrokerDoesNotAnswerInTime) {
  const Descriptor silent = std::get<Descriptor>(listen_on("127.0.0.1", 0));
  for (const Security security : {Security::plain, Security::tls}) {
    const Health health = ask_health(target_of(silent, security), std::chrono::milliseconds(50));
    EXPECT_EQ(health.state, Health::State::unhealthy);
    EXPECT_THAT(health.text, EndsWith("Connection timed out"));
  }
}

TEST_F(HealthcheckTest, SaysThatNobodyListens) {
  Descriptor closed = std::get<Descriptor>(listen_on("127.0.0.1", 0));
  const HealthTarget target = target_of(closed, Security::plain);
  closed.reset();
  const Health health = ask_health(target, kTimeout);
  EXPECT_EQ(health.state, Health::State::unhealthy);
  EXPECT_THAT(health.text, EndsWith("Connection refused"));
}

}  // namespace
}  // namespace crolang::net
