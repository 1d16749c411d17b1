#include "common/tls_client.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <cerrno>
#include <crolang/small_file.hpp>
#include <cstring>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

namespace crolang::common {
namespace {

constexpr std::size_t kMaxBytes = 1 << 20;

template <auto free>
struct Free {
  template <class T>
  void operator()(T* owned) const noexcept {
    free(owned);
  }
};
template <class T, auto free>
using Owned = std::unique_ptr<T, Free<free>>;

using Bio = Owned<BIO, &BIO_free>;
using Certificate = Owned<X509, &X509_free>;
using PrivateKey = Owned<EVP_PKEY, &EVP_PKEY_free>;

/// Other files are not opened: a pipe would block until its writer opens it, and a device may never
/// end.
bool is_file(const std::string& name) {
  std::error_code error;
  return std::filesystem::is_regular_file(name, error);
}

std::string why_no_certificates(const std::string& file) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) return ": is a folder, not a file";
  if (std::filesystem::exists(file, error) && !is_file(file)) return ": is not a file";
  if (::access(file.c_str(), R_OK) == 0) return ": holds no certificate in PEM";
  return std::string(": cannot be read: ") + std::strerror(errno);
}

[[noreturn]] void refuse(const FileVariable& from, std::string_view why) {
  ERR_clear_error();
  throw std::invalid_argument((from.variable + "=" + from.file + ": ").append(why));
}

/// The content is overwritten when it is freed.
class Secret {
 public:
  explicit Secret(std::string bytes) : bytes_(std::move(bytes)) {}
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }
  /// Valid as long as this object.
  Bio reader() const {
    Bio bio(BIO_new_mem_buf(bytes_.data(), static_cast<int>(bytes_.size())));
    if (bio == nullptr) throw std::bad_alloc();
    return bio;
  }

 private:
  std::string bytes_;
};

std::string read_file(const FileVariable& from) {
  auto read = read_small_file(from.file, kMaxBytes);
  if (auto* file = std::get_if<SmallFile>(&read)) return std::move(file->content);
  const FileFault& fault = std::get<FileFault>(read);
  switch (fault.kind) {
    case FileFault::Kind::not_regular:
      refuse(from, "is not a file: name a file in PEM");
    case FileFault::Kind::too_large:
      refuse(from, "is larger than 1 MiB: name a file with one certificate or key in PEM");
    case FileFault::Kind::unreadable:
      break;
  }
  refuse(from, "cannot be read: " + std::generic_category().message(fault.error) +
                   ": correct the name, or the permissions");
}

/// No passphrase is asked for: there is nobody to answer.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

void use_certificate(SSL_CTX* context, const FileVariable& from) {
  const Secret content(read_file(from));
  const Bio pem = content.reader();
  const Certificate own(PEM_read_bio_X509_AUX(pem.get(), nullptr, nullptr, nullptr));
  if (own == nullptr) refuse(from, "holds no certificate in PEM");
  if (SSL_CTX_use_certificate(context, own.get()) != 1) {
    refuse(from, "its certificate cannot be used: export it again");
  }
  SSL_CTX_clear_chain_certs(context);
  while (Certificate next{PEM_read_bio_X509(pem.get(), nullptr, nullptr, nullptr)}) {
    if (SSL_CTX_add1_chain_cert(context, next.get()) != 1) throw std::bad_alloc();
  }
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
    refuse(from, "has a certificate that is damaged or cut off: copy the file again");
  }
  ERR_clear_error();
}

void use_key(SSL_CTX* context, const FileVariable& from, const FileVariable& certificate) {
  const Secret content(read_file(from));
  bool is_encrypted = false;
  const PrivateKey key(
      PEM_read_bio_PrivateKey(content.reader().get(), nullptr, &no_passphrase, &is_encrypted));
  if (is_encrypted) {
    refuse(from,
           "is encrypted with a passphrase: openssl pkey writes it without one; protect that "
           "file by its permissions");
  }
  if (key == nullptr) refuse(from, "holds no private key in PEM");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    refuse(from, "is not the key of the certificate in " + certificate.variable + "=" +
                     certificate.file + ": name the two files that belong together");
  }
}

}  // namespace

SslContext new_tls_client() {
  SslContext context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) throw std::bad_alloc();
  return context;
}

void configure_tls_client(SSL_CTX* context, const FileVariable& authorities) {
  SSL_CTX_set_options(context, SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  // Every certificate in the list is trusted, even if it is not self-signed.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  const std::string& file = authorities.file;
  if (file.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else if (!is_file(file) || SSL_CTX_load_verify_file(context, file.c_str()) != 1) {
    ERR_clear_error();
    throw std::invalid_argument(authorities.variable + "=" + file + why_no_certificates(file));
  }
}

void use_client_certificate(SSL_CTX* context, const FileVariable& certificate,
                            const FileVariable& key) {
  if (certificate.file.empty() && key.file.empty()) return;
  if (certificate.file.empty() || key.file.empty()) {
    const FileVariable& set = certificate.file.empty() ? key : certificate;
    const FileVariable& missing = certificate.file.empty() ? certificate : key;
    throw std::invalid_argument(set.variable + " is set, but " + missing.variable +
                                " is not: a client certificate and its key belong together, set "
                                "both or neither");
  }
  use_certificate(context, certificate);
  use_key(context, key, certificate);
}

}  // namespace crolang::common
