#pragma once
/// Owners of OpenSSL's objects, and its errors as text. Threads: values.

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <new>
#include <string>
#include <string_view>

namespace crolang::tls {

template <auto free>
struct Free {
  template <class T>
  void operator()(T* owned) const noexcept {
    free(owned);
  }
};
template <class T, auto free>
using Owned = std::unique_ptr<T, Free<free>>;

using Certificate = Owned<X509, &X509_free>;
using PrivateKey = Owned<EVP_PKEY, &EVP_PKEY_free>;
using Ssl = Owned<SSL, &SSL_free>;
using SslContext = Owned<SSL_CTX, &SSL_CTX_free>;

/// For functions that fail for lack of memory only. Throws std::bad_alloc.
template <class T>
T* or_bad_alloc(T* allocated) {
  if (allocated == nullptr) throw std::bad_alloc();
  return allocated;
}

/// Removes all errors of this thread from OpenSSL's queue, and returns the reason of the first,
/// the one nearest to the cause; empty: there was none.
std::string take_error();

}  // namespace crolang::tls
