#include "webhook-common/signer.hpp"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <crolang/base64.hpp>
#include <stdexcept>

namespace crolang::webhook_common {
namespace {

constexpr std::string_view kVariable = "WEBHOOK_SIGNING_SECRET";
constexpr std::string_view kSeparators = " ,\t\r\n";
// From the specification, "Signature scheme".
constexpr std::string_view kPrefix = "whsec_";
constexpr std::size_t kLeastBytes = 24;
constexpr std::size_t kMostBytes = 64;

const unsigned char* unsigned_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

[[noreturn]] void refuse(std::string_view why) {
  throw std::invalid_argument(std::string(kVariable).append(": ").append(why));
}

std::string key_bytes(std::string_view secret) {
  if (secret.starts_with(kPrefix)) secret.remove_prefix(kPrefix.size());
  auto bytes = base64::decode(secret);
  const std::string advice = ": whsec_$(openssl rand -base64 32) is one";
  if (!bytes) refuse("a secret must be whsec_ and Base64" + advice);
  if (bytes->size() < kLeastBytes || bytes->size() > kMostBytes) {
    refuse("a secret decodes to " + std::to_string(bytes->size()) + " bytes, not to 24 to 64" +
           advice);
  }
  return *std::move(bytes);
}

}  // namespace

Signer::Signer(std::string_view secrets) {
  const std::unique_ptr<EVP_MAC, void (*)(EVP_MAC*)> hmac(EVP_MAC_fetch(nullptr, "HMAC", nullptr),
                                                          &EVP_MAC_free);
  std::array<char, 7> digest{"SHA256"};
  const std::array<OSSL_PARAM, 2> parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  while (true) {
    secrets.remove_prefix(std::min(secrets.find_first_not_of(kSeparators), secrets.size()));
    if (secrets.empty()) return;
    const std::string_view secret = secrets.substr(0, secrets.find_first_of(kSeparators));
    secrets.remove_prefix(secret.size());
    const std::string bytes = key_bytes(secret);
    Key key(EVP_MAC_CTX_new(hmac.get()));
    if (!key ||
        EVP_MAC_init(key.get(), unsigned_bytes(bytes), bytes.size(), parameters.data()) != 1) {
      refuse("OpenSSL offers no HMAC-SHA256");
    }
    keys_.push_back(std::move(key));
  }
}

std::string Signer::signature(std::string_view id, std::string_view timestamp,
                              std::string_view body) {
  std::string all;
  for (const Key& key : keys_) {
    std::array<unsigned char, 32> mac{};
    std::size_t size = 0;
    // Without a key the context is restarted with its present one.
    bool good = EVP_MAC_init(key.get(), nullptr, 0, nullptr) == 1;
    for (const std::string_view part :
         {id, std::string_view("."), timestamp, std::string_view("."), body}) {
      good = good && EVP_MAC_update(key.get(), unsigned_bytes(part), part.size()) == 1;
    }
    good = good && EVP_MAC_final(key.get(), mac.data(), &size, mac.size()) == 1;
    if (!good) continue;
    if (!all.empty()) all += ' ';
    all.append("v1,").append(base64::encode({reinterpret_cast<const char*>(mac.data()), size}));
  }
  return all;
}

RequestIds::RequestIds() {
  std::array<unsigned char, 12> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
    throw std::runtime_error("OpenSSL has no random numbers");
  }
  prefix_ = "msg_";
  for (const unsigned char byte : random) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    prefix_ += kDigits[byte >> 4u];
    prefix_ += kDigits[byte & 15u];
  }
  prefix_ += '_';
}

std::string RequestIds::next() {
  return prefix_ + std::to_string(++count_);
}

}  // namespace crolang::webhook_common
