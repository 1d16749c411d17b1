#include "jwt-auth/key_ring.hpp"

#include <stdexcept>

namespace crolang::jwt_auth {

KeyRing::KeyRing(const KeySources& sources, const Log& log) {
  if (!sources.secret.empty()) {
    // Everybody may know a public key: as a secret it would let everybody in.
    if (sources.secret.find("-----BEGIN") != std::string_view::npos) {
      throw std::runtime_error(
          "JWT_SECRET holds a PEM block; a public key belongs into JWT_PUBLIC_KEY_FILE");
    }
    auto key = Key::from_secret(sources.secret);
    if (const auto* fault = std::get_if<Fault>(&key)) {
      throw std::runtime_error("JWT_SECRET " + fault->text);
    }
    fixed_.push_back(std::get<Key>(std::move(key)));
  }
  if (!sources.public_key_file.empty()) {
    files_.emplace_back("JWT_PUBLIC_KEY_FILE", sources.public_key_file, &keys_from_pem, log);
  }
  if (!sources.jwks_file.empty()) {
    files_.emplace_back("JWT_JWKS_FILE", sources.jwks_file, &keys_from_jwks, log);
  }
  if (fixed_.empty() && files_.empty()) {
    throw std::runtime_error(
        "no key to verify tokens with: set JWT_SECRET, JWT_PUBLIC_KEY_FILE or JWT_JWKS_FILE");
  }
  publish();
}

void KeyRing::refresh() {
  try {
    for (KeyFile& file : files_) unpublished_ |= file.refresh();
  } catch (...) {
    unpublished_ = true;  // perhaps; the file itself would not say so again
    throw;
  }
  if (!unpublished_) return;
  publish();
  unpublished_ = false;
}

KeyRing::Snapshot KeyRing::keys() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

void KeyRing::publish() {
  std::vector<Key> all = fixed_;
  for (const KeyFile& file : files_) all.insert(all.end(), file.keys().begin(), file.keys().end());
  auto snapshot = std::make_shared<const std::vector<Key>>(std::move(all));
  const std::lock_guard lock(mutex_);
  keys_.swap(snapshot);
}

}  // namespace crolang::jwt_auth
