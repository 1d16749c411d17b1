#pragma once
/// The keys that encrypt session tickets (RFC 5077, RFC 8446 4.6.1): with a ticket a client resumes
/// its session without a signature and without its certificate being verified again.
///
/// One object for all workers, which outlives each ServerContext, so tickets stay good when a
/// certificate is renewed. They end with the process. A key issues tickets for 12 hours and is
/// accepted for 12 hours more, during which the client gets a new ticket; then it is overwritten.
/// So nobody who reads the process's memory can decrypt the tickets of the day before.
///
/// Threads: any. A handshake takes a lock for the copy of one pointer. Errors: none; if the system
/// has no random bytes, the constructor throws std::runtime_error, and rotate keeps the present key
/// and tries again the next time.

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>

#include "tls/openssl.hpp"

namespace crolang::tls {

class TicketKeys {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// How long a key issues tickets, and how long it is accepted after that.
  static constexpr std::chrono::hours kPeriod{12};
  /// How long a ticket is accepted.
  static constexpr std::chrono::hours kTicketLifetime{12};

  explicit TicketKeys(TimePoint now);
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  /// To be called every few minutes by one of the threads: makes a new key if the present one has
  /// issued tickets for kPeriod. After 2 * kPeriod without a call both old keys are dropped.
  void rotate(TimePoint now);

  /// Has `context` use the keys. The object must outlive the context and its connections.
  void install(SSL_CTX* context) const;

 private:
  struct Key;
  struct Keys {
    std::shared_ptr<const Key> current;
    std::shared_ptr<const Key> previous;  // or nullptr
  };

  std::shared_ptr<const Keys> snapshot() const;

  /// OpenSSL's callback, see SSL_CTX_set_tlsext_ticket_key_evp_cb.
  static int select_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                        EVP_MAC_CTX* mac, int encrypting);
  int encrypt(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
              EVP_MAC_CTX* mac) const;
  enum class Renewal : std::uint8_t { always, old_key };
  int decrypt(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
              EVP_MAC_CTX* mac, Renewal renewal) const;

  Owned<EVP_CIPHER, &EVP_CIPHER_free> cipher_;
  mutable std::mutex mutex_;  // guards keys_
  std::shared_ptr<const Keys> keys_;
  TimePoint since_;  // when the current key was made; of the thread that rotates
};

}  // namespace crolang::tls
