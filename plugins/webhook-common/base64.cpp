#include "webhook-common/base64.hpp"

#include <openssl/evp.h>

namespace crolang::webhook_common {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const unsigned char* unsigned_bytes(const std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string base64(std::string_view bytes) {
  // OpenSSL ends its output with a NUL, for which a std::string has room.
  std::string out((bytes.size() + 2) / 3 * 4, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), unsigned_bytes(bytes),
                  static_cast<int>(bytes.size()));
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  // OpenSSL's decoder takes blanks and misplaced '=', which are slips of the pen here.
  const std::size_t digits = text.find_last_not_of('=') + 1;
  if (text.find_first_not_of(kAlphabet) < digits || digits % 4 == 1) return std::nullopt;
  const std::size_t padding = (4 - digits % 4) % 4;
  if (text.size() != digits && text.size() != digits + padding) return std::nullopt;
  const std::string padded = std::string(text.substr(0, digits)).append(padding, '=');
  std::string out(padded.size() / 4 * 3, '\0');
  if (EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), unsigned_bytes(padded),
                      static_cast<int>(padded.size())) < 0) {
    return std::nullopt;
  }
  out.resize(out.size() - padding);
  return out;
}

}  // namespace crolang::webhook_common
