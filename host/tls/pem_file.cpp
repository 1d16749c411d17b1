#include "tls/pem_file.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <sys/stat.h>

#include <cerrno>
#include <crolang/small_file.hpp>
#include <optional>
#include <system_error>
#include <utility>

namespace crolang::tls {
namespace {

constexpr std::size_t kMaxBytes = 1 << 20;

Fault unreadable(int error) {
  if (error == ENOENT) return {"does not exist: correct the name, or create the file"};
  if (error == EACCES) return {"cannot be read: give the broker's user permission to read it"};
  return {"cannot be read: " + std::generic_category().message(error)};
}

struct Content {
  Secret text;
  PemFile::Access access;
};

Fault fault_of(const FileFault& fault) {
  switch (fault.kind) {
    case FileFault::Kind::unreadable:
      break;
    case FileFault::Kind::not_regular:
      return {"is not a regular file: name a file in PEM"};
    case FileFault::Kind::too_large:
      return {"is larger than 1 MiB: name a file with certificates or a key"};
  }
  return unreadable(fault.error);
}

std::variant<Content, Fault> read_whole(const std::string& path) {
  auto read = read_small_file(path, kMaxBytes);
  if (const auto* fault = std::get_if<FileFault>(&read)) return fault_of(*fault);
  auto& file = std::get<SmallFile>(read);
  return Content{Secret(std::move(file.content)), (file.facts.st_mode & S_IROTH) != 0
                                                      ? PemFile::Access::everybody
                                                      : PemFile::Access::restricted};
}

struct Block {
  std::string name;
  std::string header;
  Secret der;
};

/// nullopt: there is none left, or it is damaged; OpenSSL's error queue distinguishes the two.
std::optional<Block> next_block(BIO* pem) {
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  if (PEM_read_bio(pem, &name, &header, &data, &size) != 1) return std::nullopt;
  Block block{name, header, Secret(std::string(data, data + size))};
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_clear_free(data, static_cast<std::size_t>(size));
  return block;
}

const unsigned char* begin_of(std::string_view der) {
  return reinterpret_cast<const unsigned char*>(der.data());
}

/// Why there is no PEM in it.
Fault no_pem(const std::string& path, std::string_view text) {
  if (text.empty()) return {"is empty: write the certificates or the key into it, in PEM"};
  const unsigned char* at = begin_of(text);
  const auto size = static_cast<long>(text.size());
  // SEQUENCE, of at least 128 bytes: DER.
  if (text.size() > 4 && at[0] == 0x30 && (at[1] & 0x80) != 0) {
    const Owned<PKCS12, &PKCS12_free> archive(d2i_PKCS12(nullptr, &at, size));
    at = begin_of(text);
    const Certificate certificate(d2i_X509(nullptr, &at, size));
    ERR_clear_error();
    if (archive) {
      return {"is a PKCS #12 archive, not PEM: openssl pkcs12 -nodes -in '" + path +
              "' writes what is in it as PEM"};
    }
    return {std::string("is in DER, not PEM: openssl ") + (certificate ? "x509" : "pkey") +
            " -inform DER -in '" + path + "' writes it as PEM"};
  }
  if (text.starts_with("ssh-") || text.starts_with("ecdsa-"))
    return {"is an SSH key, not PEM: name the file of a TLS certificate or of its key"};
  return {"has no PEM in it: it must contain lines with -----BEGIN … -----"};
}

Fault encrypted(const std::string& path) {
  return {"is encrypted with a passphrase: openssl pkey -in '" + path +
          "' writes it without one; protect that file by its permissions"};
}

bool is_private_key(std::string_view name) {
  return name == PEM_STRING_PKCS8INF || name == PEM_STRING_RSA || name == PEM_STRING_ECPRIVATEKEY ||
         name == PEM_STRING_DSA;
}

/// nullopt: taken, or of no interest.
std::optional<Fault> take(const std::string& path, const Block& block, PemFile& file) {
  const std::string_view der = block.der.view();
  const unsigned char* at = begin_of(der);
  const auto size = static_cast<long>(der.size());
  if (block.name == PEM_STRING_X509 || block.name == PEM_STRING_X509_OLD) {
    Certificate certificate(d2i_X509(nullptr, &at, size));
    if (!certificate) return Fault{"has a certificate that cannot be decoded: export it again"};
    file.certificates.push_back(std::move(certificate));
  } else if (block.name == PEM_STRING_X509_TRUSTED) {
    return Fault{
        "has a certificate in OpenSSL's own form (TRUSTED CERTIFICATE): openssl x509 -in '" + path +
        "' writes the usual one"};
  } else if (block.name == PEM_STRING_PKCS8 ||
             block.header.find("ENCRYPTED") != std::string::npos) {
    return encrypted(path);
  } else if (is_private_key(block.name)) {
    PrivateKey key(d2i_AutoPrivateKey(nullptr, &at, size));
    if (!key) return Fault{"has a private key that cannot be decoded: export it again"};
    file.keys.push_back(std::move(key));
  } else if (block.name == "OPENSSH PRIVATE KEY") {
    return Fault{"is a key of SSH: name the file of the TLS certificate's key"};
  } else if (block.name == PEM_STRING_X509_REQ || block.name == PEM_STRING_X509_REQ_OLD) {
    return Fault{"is a request for a certificate: name the file that the authority sent back"};
  } else if (block.name == PEM_STRING_PUBLIC) {
    return Fault{"is a public key: name the file of the certificate or of its private key"};
  }
  return std::nullopt;
}

}  // namespace

Secret::Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) {
  // A short text is inside the object, and was copied.
  other.clear();
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    clear();
    bytes_ = std::move(other.bytes_);
    other.clear();
  }
  return *this;
}

Secret::~Secret() {
  clear();
}

void Secret::clear() noexcept {
  bytes_.resize(bytes_.capacity());
  OPENSSL_cleanse(bytes_.data(), bytes_.size());
  bytes_.clear();
}

std::string_view why_no_file_name(std::string_view value) {
  if (value.find("-----BEGIN") != std::string_view::npos)
    return "holds PEM itself: it must be the name of a file";
  if (value.starts_with("http://") || value.starts_with("https://"))
    return "is a URL: it must be the name of a file";
  return {};
}

std::variant<PemFile, Fault> read_pem_file(const std::string& path) {
  auto read = read_whole(path);
  if (auto* fault = std::get_if<Fault>(&read)) return std::move(*fault);
  const Content& content = std::get<Content>(read);
  const std::string_view text = content.text.view();
  const Owned<BIO, &BIO_free> pem(
      or_bad_alloc(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))));
  PemFile file;
  file.access = content.access;
  ERR_clear_error();
  bool empty = true;
  while (const auto block = next_block(pem.get())) {
    empty = false;
    auto fault = take(path, *block, file);
    ERR_clear_error();
    if (fault) return std::move(*fault);
  }
  const bool damaged = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (damaged) return Fault{"has a PEM block that is damaged or cut off: copy the file again"};
  if (empty) return no_pem(path, text);
  return file;
}

}  // namespace crolang::tls
