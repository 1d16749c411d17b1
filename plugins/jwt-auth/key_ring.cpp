#include "jwt-auth/key_ring.hpp"

#include <stdexcept>
#include <utility>

namespace crolang::jwt_auth {
namespace {

constexpr const char* kNoKey =
    "no key to verify tokens with: set JWT_SECRET, JWT_PUBLIC_KEY_FILE or JWT_JWKS_FILE";

bool is_empty(const KeySources& sources) {
  return sources.secret.empty() && sources.public_key_file.empty() && sources.jwks_file.empty();
}

std::vector<Key> read_secret(std::string_view secret) {
  if (secret.empty()) return {};
  // A public key is known to everyone: as a secret it would admit everyone.
  if (secret.find("-----BEGIN") != std::string_view::npos) {
    throw std::runtime_error(
        "JWT_SECRET holds a PEM block; a public key belongs in JWT_PUBLIC_KEY_FILE");
  }
  // A key set is not a secret either.
  if (secret.starts_with('{') && secret.find("\"kty\"") != std::string_view::npos) {
    throw std::runtime_error(
        "JWT_SECRET holds a JSON Web Key; a file with the set belongs in JWT_JWKS_FILE");
  }
  auto key = Key::from_secret(secret);
  if (const auto* fault = std::get_if<Fault>(&key)) {
    throw std::runtime_error("JWT_SECRET " + fault->text);
  }
  return {std::get<Key>(std::move(key))};
}

void read_public_key_file(std::vector<KeyFile>& files, const KeySources& sources, const Log& log) {
  if (sources.public_key_file.empty()) return;
  files.emplace_back("JWT_PUBLIC_KEY_FILE", sources.public_key_file, &keys_from_pem, log);
}

void read_jwks_file(std::vector<KeyFile>& files, const KeySources& sources, const Log& log) {
  if (sources.jwks_file.empty()) return;
  files.emplace_back("JWT_JWKS_FILE", sources.jwks_file, &keys_from_jwks, log);
}

std::vector<KeyFile> read_files(const KeySources& sources, const Log& log) {
  std::vector<KeyFile> files;
  read_public_key_file(files, sources, log);
  read_jwks_file(files, sources, log);
  return files;
}

}  // namespace

void check(const KeySources& sources, const plugin::Findings& findings) {
  if (is_empty(sources)) findings.fault(kNoKey);
  std::vector<KeyFile> files;
  // Ignored keys are logged by the plugin, which uses the files.
  const Log no_log = [](plugin::LogLevel, std::string_view) {};
  findings.expect_no_throw([&] { read_secret(sources.secret); });
  findings.expect_no_throw([&] { read_public_key_file(files, sources, no_log); });
  findings.expect_no_throw([&] { read_jwks_file(files, sources, no_log); });
}

KeyRing::KeyRing(const KeySources& sources, Log log) : log_(std::move(log)) {
  reload(sources);
}

void KeyRing::reload(const KeySources& sources) {
  if (is_empty(sources)) throw std::runtime_error(kNoKey);
  std::vector<Key> fixed = read_secret(sources.secret);
  std::vector<KeyFile> files = read_files(sources, log_);
  publish(all_of(fixed, files));
  fixed_ = std::move(fixed);
  files_ = std::move(files);
  unpublished_ = false;
}

void KeyRing::refresh() {
  try {
    for (KeyFile& file : files_) unpublished_ |= file.refresh();
  } catch (...) {
    unpublished_ = true;  // possibly; the file would not report the change again
    throw;
  }
  if (!unpublished_) return;
  publish(all_of(fixed_, files_));
  unpublished_ = false;
}

KeyRing::Snapshot KeyRing::keys() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

KeyRing::Snapshot KeyRing::all_of(const std::vector<Key>& fixed,
                                  const std::vector<KeyFile>& files) {
  std::vector<Key> all = fixed;
  for (const KeyFile& file : files) all.insert(all.end(), file.keys().begin(), file.keys().end());
  return std::make_shared<const std::vector<Key>>(std::move(all));
}

void KeyRing::publish(Snapshot snapshot) noexcept {
  const std::lock_guard lock(mutex_);
  keys_.swap(snapshot);
}

}  // namespace crolang::jwt_auth
