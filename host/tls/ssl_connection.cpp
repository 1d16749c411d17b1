#include "tls/ssl_connection.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace crolang::tls {
namespace {

/// RFC 8446 4.1.3: the random of a ServerHello that is a HelloRetryRequest.
constexpr std::array<unsigned char, 32> kRetryRandom = {
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
    0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};

/// RFC 8446 4.1.3: behind type, length and version.
bool is_retry(std::span<const unsigned char> server_hello) {
  constexpr std::size_t kRandom = 6;
  return server_hello.size() >= kRandom + kRetryRandom.size() &&
         std::equal(kRetryRandom.begin(), kRetryRandom.end(), server_hello.begin() + kRandom);
}

std::uint8_t nibble(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return static_cast<std::uint8_t>(digit - '0');
  return static_cast<std::uint8_t>((digit | 0x20) - 'a' + 10);
}

SslConnection* connection_of(const SSL* ssl) {
  return static_cast<SslConnection*>(SSL_get_app_data(ssl));
}

}  // namespace

const BIO_METHOD* SslConnection::method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made =
        or_bad_alloc(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "crolang buffers"));
    BIO_meth_set_read(made, &SslConnection::read);
    BIO_meth_set_write(made, &SslConnection::write);
    BIO_meth_set_ctrl(made, &SslConnection::control);
    return made;
  }();
  return method;
}

std::unique_ptr<SslConnection> SslConnection::open(std::shared_ptr<const ServerContext> context) {
  Ssl ssl = context->new_connection();
  BIO* bio = ssl == nullptr ? nullptr : BIO_new(method());
  ERR_clear_error();
  if (bio == nullptr) return nullptr;
  SSL_set_bio(ssl.get(), bio, bio);
  std::unique_ptr<SslConnection> made(new SslConnection(std::move(context), std::move(ssl)));
  BIO_set_data(bio, made.get());
  BIO_set_init(bio, 1);
  SSL_set_app_data(made->ssl(), made.get());
  return made;
}

void SslConnection::install(SSL_CTX* context, RecordLayerChoice record_layer) {
  SSL_CTX_set_msg_callback(context, &SslConnection::on_message);
  SSL_CTX_set_info_callback(context, &SslConnection::on_state);
  if (record_layer == RecordLayerChoice::compact)
    SSL_CTX_set_keylog_callback(context, &SslConnection::on_secret);
}

SslConnection::~SslConnection() {
  // Without it OpenSSL marks the session as one that must not be resumed.
  SSL_set_quiet_shutdown(ssl_.get(), 1);
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

void SslConnection::begin(std::span<const char> first, std::span<const char> in,
                          std::string& out) noexcept {
  ERR_clear_error();
  first_ = first;
  in_ = in;
  out_ = &out;
}

void SslConnection::end() {
  out_ = nullptr;
  if (no_memory_) {
    ERR_clear_error();
    throw std::bad_alloc();
  }
}

int SslConnection::read(BIO* bio, char* into, int size) {
  auto& self = *static_cast<SslConnection*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  std::span<const char>& source = self.first_.empty() ? self.in_ : self.first_;
  const std::size_t count = std::min(source.size(), static_cast<std::size_t>(size));
  if (count == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  std::memcpy(into, source.data(), count);
  source = source.subspan(count);
  return static_cast<int>(count);
}

int SslConnection::write(BIO* bio, const char* bytes, int size) {
  auto& self = *static_cast<SslConnection*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (self.out_ == nullptr) return -1;  // SSL_free has nothing to send
  try {
    self.out_->append(bytes, static_cast<std::size_t>(size));
  } catch (const std::bad_alloc&) {
    // It must not pass OpenSSL's frames; `end` throws it again.
    self.no_memory_ = true;
    return -1;
  }
  return size;
}

long SslConnection::control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

void SslConnection::on_secret(const SSL* ssl, const char* line) {
  // NSS key log: label, client random, secret; all but the label in hexadecimal.
  const std::string_view text(line);
  const bool client = text.starts_with("CLIENT_TRAFFIC_SECRET_0 ");
  if (!client && !text.starts_with("SERVER_TRAFFIC_SECRET_0 ")) return;
  const std::string_view digits = text.substr(text.rfind(' ') + 1);
  std::array<std::uint8_t, kMaxSecretBytes> bytes{};
  const std::size_t size = digits.size() / 2;
  if (size > bytes.size()) return;
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::uint8_t>(nibble(digits[2 * i]) << 4 | nibble(digits[2 * i + 1]));
  }
  Noticed& noticed = connection_of(ssl)->noticed_;
  (client ? noticed.client_secret : noticed.server_secret) =
      TrafficSecret(std::span<const std::uint8_t>(bytes).first(size));
  OPENSSL_cleanse(bytes.data(), bytes.size());
}

void SslConnection::on_message(int written, int /*version*/, int type, const void* bytes,
                               std::size_t size, SSL* ssl, void* /*argument*/) {
  SslConnection* self = connection_of(ssl);
  if (self == nullptr) return;
  Noticed& noticed = self->noticed_;
  const std::span message(static_cast<const unsigned char*>(bytes), size);
  if (type == SSL3_RT_HEADER) {
    if (written != 0) {
      ++noticed.records_after_finished;
    } else {
      ++noticed.records_read;
    }
  } else if (type == SSL3_RT_HANDSHAKE && !message.empty()) {
    if (written == 0) {
      ++noticed.messages_read;
      if (message[0] == SSL3_MT_CLIENT_HELLO) noticed.expects_hello = false;
    } else if (message[0] == SSL3_MT_FINISHED) {
      noticed.records_after_finished = 0;
    } else if (message[0] == SSL3_MT_SERVER_HELLO && is_retry(message)) {
      noticed.expects_hello = true;
    }
  }
}

void SslConnection::on_state(const SSL* ssl, int where, int /*result*/) {
  // In TLS 1.3 it is called once only, since nothing starts again there.
  SslConnection* self = connection_of(ssl);
  if (where == SSL_CB_HANDSHAKE_START && self != nullptr) ++self->noticed_.handshakes;
}

}  // namespace crolang::tls
