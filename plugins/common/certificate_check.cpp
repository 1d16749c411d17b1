#include "common/certificate_check.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/x509v3.h>

#include <memory>
#include <new>
#include <stdexcept>
#include <utility>

namespace crolang::common {
namespace {

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

bool names_hosts(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const int type = sk_GENERAL_NAME_value(names.get(), i)->type;
    if (type == GEN_DNS || type == GEN_IPADD) return true;
  }
  return false;
}

/// Whether the certificate chain does not end at a trusted authority.
bool is_untrusted(int error) {
  return error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
         error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
         error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
         error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
         error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

/// The trailing dot of an absolute name (RFC 1034 3.1) is for lookups; certificates and SNI do not
/// have it.
std::string without_last_dot(std::string host) {
  if (host.ends_with('.')) host.pop_back();
  return host;
}

bool is_address(const std::string& host) {
  in6_addr any{};  // large enough for both
  return ::inet_pton(AF_INET, host.c_str(), &any) == 1 ||
         ::inet_pton(AF_INET6, host.substr(0, host.find('%')).c_str(), &any) == 1;
}

}  // namespace

CertificateCheck::CertificateCheck(SSL* tls, const std::string& host, std::string ca_variable)
    : host_(without_last_dot(host)), ca_variable_(std::move(ca_variable)) {
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(tls);
  X509_VERIFY_PARAM_set_hostflags(
      wanted, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (is_address(host_)) {
    // A certificate does not name the zone of an address.
    const std::string address = host_.substr(0, host_.find('%'));
    if (X509_VERIFY_PARAM_set1_ip_asc(wanted, address.c_str()) != 1) {
      throw std::runtime_error("no certificate can be for " + host_);
    }
    return;
  }
  if (X509_VERIFY_PARAM_set1_host(wanted, host_.data(), host_.size()) != 1) throw std::bad_alloc();
  // RFC 6066 3: the server name is never an address. Equivalent to SSL_set_tlsext_host_name,
  // without its casts.
  SSL_ctrl(tls, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
           const_cast<char*>(host_.c_str()));
}

bool CertificateCheck::note(bool good, X509_STORE_CTX* context) noexcept {
  if (good) return true;
  error_ = X509_STORE_CTX_get_error(context);
  const bool other_host =
      error_ == X509_V_ERR_HOSTNAME_MISMATCH || error_ == X509_V_ERR_IP_ADDRESS_MISMATCH;
  if (other_host) names_hosts_ = names_hosts(X509_STORE_CTX_get_current_cert(context));
  return false;
}

std::string CertificateCheck::fault() const {
  if (error_ == X509_V_OK) return {};
  std::string why = "the server's certificate is not accepted: ";
  if (error_ != X509_V_ERR_HOSTNAME_MISMATCH && error_ != X509_V_ERR_IP_ADDRESS_MISMATCH) {
    why += X509_verify_cert_error_string(error_);
    return is_untrusted(error_) ? why + ": put its issuer's certificate in " + ca_variable_ : why;
  }
  if (!names_hosts_) {
    return why + "it names no host (no subjectAltName; the common name does not count)";
  }
  return why + "it is not for " + host_;
}

}  // namespace crolang::common
