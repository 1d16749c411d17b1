#pragma once
/// What a thread needs to encrypt and decrypt for any connection: OpenSSL's contexts and two
/// buffers, of which the pages that are never used cost no memory.
///
/// Threads: each has its own.

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "tls/record_cipher.hpp"
#include "tls/record_layer.hpp"

namespace crolang::net {

class TlsScratch {
 public:
  /// Of the calling thread, made by its first call. Throws std::bad_alloc, std::runtime_error (see
  /// RecordCipher).
  static TlsScratch& of_this_thread();

  tls::RecordCipher& cipher() noexcept { return cipher_; }
  /// For ciphertext to be sent; more than RecordWriter::kMinRoom.
  std::span<char> sealed() noexcept { return {sealed_.get(), kSealed}; }
  /// For ciphertext that arrives; more than a record.
  std::span<char> received() noexcept { return {received_.get(), kReceived}; }
  /// Empty between two uses.
  std::string& output() noexcept { return output_; }

 private:
  // What the socket of one connection does not take of it is kept, so not much more than a few
  // records.
  static constexpr std::size_t kSealed = tls::RecordWriter::max_sealed(3 * tls::kMaxContentBytes);
  static constexpr std::size_t kReceived = 4 * tls::kMaxRecordBytes;

  TlsScratch();

  tls::RecordCipher cipher_;
  std::unique_ptr<char[]> sealed_;
  std::unique_ptr<char[]> received_;
  std::string output_;
};

}  // namespace crolang::net
