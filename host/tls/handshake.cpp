#include "tls/handshake.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "tls/first_bytes.hpp"
#include "tls/hello_limit.hpp"
#include "tls/ssl_connection.hpp"
#include "tls/x509_facts.hpp"

namespace crolang::tls {
namespace {

using Kind = HandshakeFailure::Kind;

constexpr std::size_t kRecordHeader = 5;
// Longer ones are OpenSSL's to refuse.
constexpr std::size_t kMaxPlainRecord = kRecordHeader + 16 * 1024;

/// RFC 8446 6.2: a record with a fatal decode_error, as long as nothing is encrypted.
constexpr std::string_view kDecodeError = {"\x15\x03\x03\x00\x02\x02\x32", 7};

/// Of the record at the front of what a client has sent, with its header; 0: not known yet.
std::size_t record_size(std::span<const char> first, std::span<const char> in) {
  const auto byte = [&](std::size_t i) -> std::size_t {
    return static_cast<unsigned char>(i < first.size() ? first[i] : in[i - first.size()]);
  };
  if (first.size() + in.size() < kRecordHeader) return 0;
  return kRecordHeader + (byte(3) << 8 | byte(4));
}

}  // namespace

struct Handshake::Progress {
  std::string first;  // an incomplete first record
  std::size_t received = 0;
  HelloLimit hello;
  std::unique_ptr<SslConnection> connection;
  HandshakeFacts facts;
  HandshakeFailure failure;

  Step fail(Kind kind, std::string sentence, std::size_t consumed) {
    failure = {kind, std::move(sentence)};
    first = {};
    connection.reset();
    return {State::failed, consumed};
  }

  /// nullopt: the first record is there.
  std::optional<Step> await_first_record(std::span<const char> in);
  /// Of what is to be passed to OpenSSL next.
  bool is_hello_bounded(std::span<const char> in);
  Step run(std::span<const char> in, std::string& out);
  /// Empty, or why the client cannot be let in.
  std::string take_facts();
  std::optional<TrafficKeys> take_keys();
};

Handshake::Handshake(std::shared_ptr<const ServerContext> context) noexcept
    : context_(std::move(context)) {}
Handshake::Handshake(Handshake&&) noexcept = default;
Handshake& Handshake::operator=(Handshake&&) noexcept = default;
Handshake::~Handshake() = default;

const HandshakeFailure& Handshake::failure() const noexcept {
  return progress_->failure;
}
const HandshakeFacts& Handshake::facts() const noexcept {
  return progress_->facts;
}

bool Handshake::expects_hello() const noexcept {
  return progress_ == nullptr || progress_->connection == nullptr ||
         progress_->connection->noticed().expects_hello;
}

Handshake::Step Handshake::feed(std::span<const char> in, std::string& out) {
  if (in.empty()) return {State::needs_more, 0};
  if (progress_ == nullptr) progress_ = std::make_unique<Progress>();
  Progress& progress = *progress_;
  if (progress.connection == nullptr) {
    if (auto step = progress.await_first_record(in)) return *step;
  }
  if (!progress.is_hello_bounded(in)) {
    out.append(kDecodeError);
    return progress.fail(Kind::malformed, "the client has sent a ClientHello of more than 16 KiB",
                         in.size());
  }
  if (progress.connection == nullptr) {
    progress.connection = SslConnection::open(context_);
    if (progress.connection == nullptr)
      return progress.fail(Kind::no_memory, "out of memory during a TLS handshake", in.size());
  }
  return progress.run(in, out);
}

std::optional<Handshake::Step> Handshake::Progress::await_first_record(std::span<const char> in) {
  const std::size_t begun = first.size();
  // Enough to recognise a protocol by.
  std::array<char, kFirstBytes> beginning{};
  const std::size_t old = std::min(begun, kFirstBytes);
  const std::size_t added = std::min(in.size(), kFirstBytes - old);
  std::copy_n(first.begin(), old, beginning.begin());
  std::copy_n(in.begin(), added, beginning.begin() + static_cast<std::ptrdiff_t>(old));
  const auto bytes = std::span<const char>(beginning).first(old + added);
  bool complete = false;
  switch (recognize(bytes)) {
    case FirstBytes::http:
      return fail(Kind::plain_http, "the client has sent an HTTP request without TLS", in.size());
    case FirstBytes::other:
      return fail(Kind::not_tls, "the client does not speak TLS but " + describe_foreign(bytes),
                  in.size());
    case FirstBytes::undecided:
      break;
    case FirstBytes::tls: {
      const std::size_t size = record_size(first, in);
      complete = size != 0 && (begun + in.size() >= size || size > kMaxPlainRecord);
      break;
    }
  }
  if (complete) return std::nullopt;
  first.append(in.data(), in.size());
  return Step{State::needs_more, in.size()};
}

bool Handshake::Progress::is_hello_bounded(std::span<const char> in) {
  if (connection == nullptr) return hello.take(first) && hello.take(in);
  return !connection->noticed().expects_hello || hello.take(in);
}

Handshake::Step Handshake::Progress::run(std::span<const char> in, std::string& out) {
  received += first.size() + in.size();
  int error = SSL_ERROR_NONE;
  const int result = connection->run(first, in, out, [&](SSL* ssl) {
    for (;;) {
      const std::size_t left = connection->unread();
      const int returned = SSL_do_handshake(ssl);
      error = SSL_get_error(ssl, returned);
      // It may pause behind a record that brings the handshake no further.
      const bool paused = error == SSL_ERROR_WANT_READ && connection->unread() != 0;
      if (!paused || connection->unread() == left) return returned;
    }
  });
  const std::size_t consumed = in.size() - std::min(in.size(), connection->unread());
  first = {};
  if (result == 1) {
    auto why = take_facts();
    if (!why.empty()) connection->run({}, {}, out, [](SSL* ssl) { return SSL_shutdown(ssl); });
    ERR_clear_error();
    if (!why.empty()) return fail(Kind::client_certificate, std::move(why), consumed);
    return {State::done, consumed};
  }
  if (error == SSL_ERROR_WANT_READ) {
    ERR_clear_error();
    if (received <= kMaxHandshakeInput) return {State::needs_more, in.size()};
    return fail(Kind::malformed,
                "the client has sent more than 64 KiB and not finished the TLS handshake",
                in.size());
  }
  failure = error == SSL_ERROR_ZERO_RETURN
                ? HandshakeFailure{Kind::refused_by_client,
                                   "the client has ended the handshake (close_notify)"}
                : take_failure(connection->ssl(), connection->context().minimum_version());
  connection.reset();
  return {State::failed, in.size()};
}

std::string Handshake::Progress::take_facts() {
  SSL* const ssl = connection->ssl();
  facts.version = SSL_get_version(ssl);
  const char* suite = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl));
  facts.suite = suite != nullptr ? suite : "unknown";
  facts.resumption = SSL_session_reused(ssl) == 1 ? HandshakeFacts::Resumption::resumed
                                                  : HandshakeFacts::Resumption::full;
  const unsigned char* protocol = nullptr;
  unsigned int protocol_size = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &protocol_size);
  facts.protocol = protocol_size != 0 ? "http/1.1" : "";
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  facts.server_name = name != nullptr ? name : "";
  if (const X509* client = SSL_get0_peer_certificate(ssl)) {
    facts.client_subject = subject_of(client);
    if (facts.client_subject.size() > kMaxClientSubject)
      return "the subject of the client's certificate has more than 2048 bytes";
  }
  return {};
}

std::optional<TrafficKeys> Handshake::Progress::take_keys() {
  SSL* const ssl = connection->ssl();
  SslConnection::Noticed& noticed = connection->noticed();
  if (connection->context().record_layer() != RecordLayerChoice::compact ||
      SSL_version(ssl) != TLS1_3_VERSION || SSL_has_pending(ssl) != 0) {
    return std::nullopt;
  }
  // RFC 6066 4: then both sides send records of at most so many bytes.
  if (SSL_SESSION_get_max_fragment_length(SSL_get0_session(ssl)) !=
      TLSEXT_max_fragment_length_DISABLED) {
    return std::nullopt;
  }
  const auto suite = cipher_suite(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl)));
  if (!suite || noticed.client_secret.bytes().size() != secret_bytes(*suite) ||
      noticed.server_secret.bytes().size() != secret_bytes(*suite)) {
    return std::nullopt;
  }
  return TrafficKeys{*suite, noticed.client_secret, noticed.server_secret,
                     noticed.records_after_finished};
}

std::variant<TrafficKeys, SslStream> Handshake::finish() {
  const std::unique_ptr<Progress> progress = std::move(progress_);
  if (auto keys = progress->take_keys()) return *std::move(keys);
  progress->connection->noticed().client_secret.clear();
  progress->connection->noticed().server_secret.clear();
  return SslStream(std::move(progress->connection));
}

}  // namespace crolang::tls
