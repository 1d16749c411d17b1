#include "tls/ticket_keys.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace crolang::tls {

namespace {

int context_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

}  // namespace

struct TicketKeys::Key {
  std::array<unsigned char, 16> name{};
  std::array<unsigned char, 32> cipher{};
  std::array<unsigned char, 32> mac{};

  Key() = default;
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  ~Key() {
    OPENSSL_cleanse(cipher.data(), cipher.size());
    OPENSSL_cleanse(mac.data(), mac.size());
  }

  /// nullptr: the system has no random bytes.
  static std::shared_ptr<const Key> random() {
    auto key = std::make_shared<Key>();
    const auto fill = [](auto& bytes) {
      return RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1;
    };
    const bool filled = fill(key->name) && fill(key->cipher) && fill(key->mac);
    ERR_clear_error();
    return filled ? key : nullptr;
  }

  /// HMAC-SHA-256.
  bool set(EVP_MAC_CTX* context) const {
    std::string digest = "SHA256";
    auto key = mac;
    const std::array<OSSL_PARAM, 3> params = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.data(), key.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
        OSSL_PARAM_construct_end()};
    const bool done = EVP_MAC_CTX_set_params(context, params.data()) == 1;
    OPENSSL_cleanse(key.data(), key.size());
    return done;
  }
};

TicketKeys::TicketKeys(TimePoint now)
    : cipher_(EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr)), since_(now) {
  auto key = Key::random();
  if (cipher_ == nullptr || key == nullptr)
    throw std::runtime_error("OpenSSL has no random bytes or no AES-256-CBC for session tickets");
  keys_ = std::make_shared<const Keys>(Keys{std::move(key), nullptr});
}

void TicketKeys::rotate(TimePoint now) {
  if (now - since_ < kPeriod) return;
  auto key = Key::random();
  if (key == nullptr) return;
  auto previous = now - since_ < 2 * kPeriod ? snapshot()->current : nullptr;
  auto keys = std::make_shared<const Keys>(Keys{std::move(key), std::move(previous)});
  {
    const std::lock_guard lock(mutex_);
    keys_.swap(keys);
  }
  since_ = now;
}

std::shared_ptr<const TicketKeys::Keys> TicketKeys::snapshot() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

void TicketKeys::install(SSL_CTX* context) const {
  // OpenSSL takes it as void*; select_key casts it back to const.
  SSL_CTX_set_ex_data(context, context_index(), const_cast<TicketKeys*>(this));
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &TicketKeys::select_key);
}

int TicketKeys::select_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                           EVP_MAC_CTX* mac, int encrypting) {
  const auto* self =
      static_cast<const TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index()));
  if (encrypting != 0) return self->encrypt(name, iv, cipher, mac);
  // RFC 8446 C.4: a client uses a ticket once, so it needs a new one for the next time.
  return self->decrypt(name, iv, cipher, mac,
                       SSL_version(ssl) == TLS1_3_VERSION ? Renewal::always : Renewal::old_key);
}

int TicketKeys::encrypt(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                        EVP_MAC_CTX* mac) const {
  constexpr int kFailed = -1;
  constexpr int kEncrypt = 1;
  const auto keys = snapshot();
  const Key& key = *keys->current;
  if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(cipher_.get())) != 1 ||
      EVP_EncryptInit_ex2(cipher, cipher_.get(), key.cipher.data(), iv, nullptr) != 1 ||
      !key.set(mac)) {
    return kFailed;
  }
  std::memcpy(name, key.name.data(), key.name.size());
  return kEncrypt;
}

int TicketKeys::decrypt(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
                        EVP_MAC_CTX* mac, Renewal renewal) const {
  constexpr int kFailed = -1;
  constexpr int kUnknown = 0;
  constexpr int kAccept = 1;
  constexpr int kAcceptAndRenew = 2;
  const auto keys = snapshot();
  const auto is = [name](const std::shared_ptr<const Key>& key) {
    return key != nullptr && std::memcmp(name, key->name.data(), key->name.size()) == 0;
  };
  const Key* key = is(keys->current)    ? keys->current.get()
                   : is(keys->previous) ? keys->previous.get()
                                        : nullptr;
  if (key == nullptr) return kUnknown;
  if (EVP_DecryptInit_ex2(cipher, cipher_.get(), key->cipher.data(), iv, nullptr) != 1 ||
      !key->set(mac)) {
    return kFailed;
  }
  const bool renew = renewal == Renewal::always || key != keys->current.get();
  return renew ? kAcceptAndRenew : kAccept;
}

}  // namespace crolang::tls
