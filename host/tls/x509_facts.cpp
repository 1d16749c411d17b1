#include "tls/x509_facts.hpp"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <string_view>

#include "text/ascii.hpp"

namespace crolang::tls {
namespace {

using Bio = Owned<BIO, &BIO_free>;
using Names = Owned<GENERAL_NAMES, &GENERAL_NAMES_free>;

std::string text_of_name(const X509_NAME* name) {
  const Bio memory(or_bad_alloc(BIO_new(BIO_s_mem())));
  // RFC 4514 2.4: UTF-8 as it is, where RFC 2253 escaped it.
  constexpr unsigned long kFlags =
      XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
  X509_NAME_print_ex(memory.get(), name, 0, kFlags);
  ERR_clear_error();
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

std::string_view view_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string address_of(const ASN1_OCTET_STRING* bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int size = ASN1_STRING_length(bytes);
  if (size != 4 && size != 16) return {};
  inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(bytes), text.data(), text.size());
  return text.data();
}

WallTime time_of(const ASN1_TIME* time) {
  std::tm fields{};
  if (ASN1_TIME_to_tm(time, &fields) != 1) {
    ERR_clear_error();
    return {};
  }
  // GeneralizedTime goes to the year 9999, which system_clock's nanoseconds don't.
  constexpr std::time_t kLast = 9'000'000'000;
  return std::chrono::system_clock::from_time_t(std::min(timegm(&fields), kLast));
}

}  // namespace

std::string subject_of(const X509* certificate) {
  return text_of_name(X509_get_subject_name(certificate));
}

std::string issuer_of(const X509* certificate) {
  return text_of_name(X509_get_issuer_name(certificate));
}

std::vector<std::string> alternative_names(const X509* certificate) {
  std::vector<std::string> names;
  const Names all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; all && i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i);
    std::string text;
    if (name->type == GEN_DNS) text = text::to_lower(view_of(name->d.dNSName));
    if (name->type == GEN_IPADD) text = address_of(name->d.iPAddress);
    // A name with a NUL inside is meant to be taken for a shorter one.
    if (!text.empty() && text.find('\0') == std::string::npos) names.push_back(std::move(text));
  }
  ERR_clear_error();
  return names;
}

std::string common_name(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  int last = -1;
  for (int i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1); i >= 0;
       i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) {
    last = i;
  }
  if (last < 0) return {};
  return text::to_lower(view_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last))));
}

WallTime valid_from(const X509* certificate) {
  return time_of(X509_get0_notBefore(certificate));
}
WallTime valid_until(const X509* certificate) {
  return time_of(X509_get0_notAfter(certificate));
}

std::string text_of(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm fields{};
  gmtime_r(&seconds, &fields);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &fields);
  return text.data();
}

bool has_issued(X509* issuer, X509* certificate) {
  EVP_PKEY* key = X509_get0_pubkey(issuer);
  const bool issued = X509_check_issued(issuer, certificate) == X509_V_OK && key != nullptr &&
                      X509_verify(certificate, key) == 1;
  ERR_clear_error();
  return issued;
}

bool is_self_signed(X509* certificate) {
  const bool is = X509_self_signed(certificate, 1) == 1;
  ERR_clear_error();
  return is;
}

std::string describe_key(const EVP_PKEY* key) {
  const char* type = EVP_PKEY_get0_type_name(key);
  std::string text = type != nullptr ? type : "unknown";
  if (EVP_PKEY_is_a(key, "EC")) {
    std::array<char, 80> group{};
    if (EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) == 1) {
      text.append(", ").append(group.data());
    }
  } else if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS") ||
             EVP_PKEY_is_a(key, "DSA")) {
    text.append(", ").append(std::to_string(EVP_PKEY_get_bits(key))).append(" bits");
  }
  ERR_clear_error();
  return text;
}

}  // namespace crolang::tls
