#pragma once
/// A file with certificates or a private key in PEM (RFC 7468), read whole. What was read is
/// overwritten when it is freed. Threads: any; reading blocks. Errors: the end of a sentence that
/// begins with variable and file, such as "does not exist: …". Throws std::bad_alloc.

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tls/openssl.hpp"

namespace crolang::tls {

/// Text or bytes that are overwritten when they are freed.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string bytes) noexcept : bytes_(std::move(bytes)) {}
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  std::string_view view() const noexcept { return bytes_; }

 private:
  void clear() noexcept;

  std::string bytes_;
};

struct Fault {
  std::string text;
};

struct PemFile {
  enum class Access : unsigned char { restricted, everybody };  ///< who may read it

  std::vector<Certificate> certificates;
  std::vector<PrivateKey> keys;
  Access access = Access::restricted;
};

/// Why a value cannot be a file name, as the end of a sentence that begins with the variable and
/// does not show the value; empty: it can. An operator may have put a key into it.
std::string_view why_no_file_name(std::string_view value);

/// All certificates and private keys of a file; there may be none of either. Other blocks, such as
/// parameters, are ignored. Encrypted keys and damaged blocks are faults, and so is a file without
/// PEM.
std::variant<PemFile, Fault> read_pem_file(const std::string& path);

}  // namespace crolang::tls
