#pragma once

/// Certificates made at run time, and files of them: for tests. Threads: one. Errors:
/// std::runtime_error.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tls/openssl.hpp"
#include "tls/x509_facts.hpp"

namespace crolang::tls::testing {

using std::chrono_literals::operator""h;

enum class KeyKind : std::uint8_t { p256, p384, secp256k1, rsa2048, rsa1024, ed25519, dsa };

/// A new one; those of RSA and DSA are made once per program and kind, since that takes long.
PrivateKey make_key(KeyKind kind);

struct Profile {
  std::string common_name = "example.org";
  /// As in OpenSSL's configuration: "DNS:example.org,IP:192.0.2.1"; empty: none.
  std::string alternative_names = "DNS:example.org";
  std::vector<std::string> organizations{};
  KeyKind key = KeyKind::p256;
  enum class Role : std::uint8_t { server, client, authority } role = Role::server;
  enum class Digest : std::uint8_t { sha256, sha1 } digest = Digest::sha256;
  WallTime from = std::chrono::system_clock::now() - 24h;
  WallTime until = std::chrono::system_clock::now() + 90 * 24h;
};

struct Issued {
  Certificate certificate;
  PrivateKey key;
};

Issued self_signed(const Profile& profile);
Issued issue(const Profile& profile, const Issued& by);
/// Profile of an authority.
Profile authority(std::string common_name);

std::string pem(const Certificate& certificate);
std::string pem(const PrivateKey& key);
std::string encrypted_pem(const PrivateKey& key);
std::string der(const Certificate& certificate);
std::string pkcs12(const Issued& issued);

/// A directory that is gone with the object.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory();

  std::string path(std::string_view name) const;
  /// Readable by the owner only. Returns its path.
  std::string write(std::string_view name, std::string_view content) const;

 private:
  std::filesystem::path directory_;
};

}  // namespace crolang::tls::testing
