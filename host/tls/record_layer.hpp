#pragma once
/// The record layer of a server's TLS 1.3 connection after its handshake (RFC 8446 4.6.3, 5, 6):
/// application data in records, KeyUpdate both ways, alerts. OpenSSL has done the handshake and is
/// gone; early data, post-handshake authentication and tickets are not known here.
///
/// Memory: 112 bytes each for reader and writer, no heap and no buffers. The caller keeps the bytes
/// of an incomplete record (kMaxRecordBytes at most) and what a socket has not taken of sealed
/// ones.
///
/// Threads: the reader belongs to the connection's worker. The writer may be used by any thread
/// under the lock that also guards the order in which sealed bytes are sent. Both are passed the
/// RecordCipher of the calling thread. Errors: values. Hot: no allocation.
///
///   const auto read = reader.read(cipher, ciphertext, room);
///   if (read.update_requested) { lock; writer.answer_key_update(); }
///   lock; const auto sealed = writer.seal(cipher, plaintext, out); send(out, sealed.produced);

#include <cstddef>
#include <cstdint>
#include <span>

#include "tls/record_cipher.hpp"
#include "tls/record_keys.hpp"
#include "tls/record_protocol.hpp"

namespace crolang::tls {

/// RFC 8446 5.5 allows 2^24.5 records of full size under one AES-GCM key, so a KeyUpdate comes well
/// before. ChaCha20-Poly1305 has no limit but the sequence number, which must not wrap (5.3).
[[nodiscard]] std::uint64_t max_records(CipherSuite suite) noexcept;

/// So many records in a row may bring no application data: KeyUpdates and fragments of them, empty
/// records, user_canceled. One more is answered by unexpected_message, as they cost the sender less
/// than they cost us.
inline constexpr std::uint8_t kMaxRecordsWithoutData = 32;

inline constexpr std::size_t kSealedAlertBytes = 2 + kRecordOverhead;
inline constexpr std::size_t kSealedKeyUpdateBytes = 5 + kRecordOverhead;

class RecordReader {
 public:
  /// What has become of the connection's incoming side. All but the first two are final.
  enum class State : std::uint8_t {
    need_more,       ///< the record at the front of what is left is not complete
    output_full,     ///< it is, but has no room in `output`
    closed,          ///< close_notify: what follows is to be ignored
    alert_received,  ///< the peer has ended the connection because of an error
    failed,          ///< the peer has broken the protocol: `alert` is to be sent, then TCP ended
  };
  struct Result {
    State state = State::need_more;
    Alert alert = Alert::close_notify;  ///< alert_received: which; failed: to be sent
    /// To be passed to RecordWriter::answer_key_update; also if the state is final.
    bool update_requested = false;
    std::size_t consumed = 0;  ///< bytes of `input`; all of them if the state is final
    std::size_t produced = 0;  ///< bytes of `output`, which are authentic whatever the state is
    /// need_more: bytes, from the first that was not consumed, without which a further call makes
    /// no sense. output_full: bytes of `output` that the next record needs; kMaxInnerBytes suffice
    /// for any.
    std::size_t needed = 0;
  };

  RecordReader() noexcept = default;
  RecordReader(const RecordReader&) = delete;
  RecordReader& operator=(const RecordReader&) = delete;

  /// `secret`: the client's application traffic secret. `sequence`: how many records were already
  /// read under it. False: the secret doesn't fit the suite, or there is no memory; not to be used.
  [[nodiscard]] bool start(RecordCipher& cipher, CipherSuite suite, const TrafficSecret& secret,
                           std::uint64_t sequence) noexcept;

  /// Opens the whole records at the front of `input` for which `output` has room. The two must not
  /// overlap. What is not consumed has to be passed again, with more behind it. `output` is
  /// overwritten beyond what is produced.
  [[nodiscard]] Result read(RecordCipher& cipher, std::span<const char> input,
                            std::span<char> output) noexcept;

 private:
  void take(RecordCipher& cipher, ContentType type, std::span<const char> content,
            Result& result) noexcept;
  void take_alert(std::span<const char> content) noexcept;
  void take_handshake(RecordCipher& cipher, std::span<const char> content, Result& result) noexcept;
  void count_without_data() noexcept;
  void fail(Alert alert) noexcept { end(State::failed, alert); }
  void end(State state, Alert alert) noexcept;

  RecordKeys keys_;
  TrafficSecret secret_;
  State state_ = State::failed;  // need_more: reading; never output_full
  Alert alert_ = Alert::internal_error;
  std::uint8_t without_data_ = 0;  // records in a row
  // Of a KeyUpdate that goes on in the next record. They are known: others are refused at once.
  std::uint8_t message_bytes_ = 0;
};

class RecordWriter {
 public:
  enum class State : std::uint8_t {
    open,
    ended,   ///< an alert was sealed, so nothing may follow
    failed,  ///< OpenSSL has failed, or the writer was not started: end TCP
  };
  struct Result {
    State state = State::open;
    std::size_t consumed = 0;  ///< bytes of `plaintext`
    std::size_t produced = 0;  ///< bytes of `out`: to be sent before anything that is sealed later
  };

  RecordWriter() noexcept = default;
  RecordWriter(const RecordWriter&) = delete;
  RecordWriter& operator=(const RecordWriter&) = delete;

  /// `secret`: the server's application traffic secret. `sequence`: how many records were already
  /// sent under it (those with tickets). False: the secret doesn't fit the suite, or there is no
  /// memory; not to be used.
  [[nodiscard]] bool start(RecordCipher& cipher, CipherSuite suite, const TrafficSecret& secret,
                           std::uint64_t sequence) noexcept;

  /// Seals as much of `plaintext` as `out` has room for, in as few records as possible; a KeyUpdate
  /// precedes it if one is due. Makes progress if `out` has kMinRoom bytes, and takes everything if
  /// it has max_sealed(). The two must not overlap.
  [[nodiscard]] Result seal(RecordCipher& cipher, std::span<const char> plaintext,
                            std::span<char> out) noexcept;

  static constexpr std::size_t kMinRoom = kSealedKeyUpdateBytes + kRecordOverhead + 1;
  [[nodiscard]] static constexpr std::size_t max_sealed(std::size_t plaintext) noexcept {
    const std::size_t records = (plaintext + kMaxContentBytes - 1) / kMaxContentBytes;
    return kSealedKeyUpdateBytes + plaintext + records * kRecordOverhead;
  }

  /// The peer has asked for a KeyUpdate (RFC 8446 4.6.3). It is sent before the next application
  /// data, once however often it was asked for since then.
  void answer_key_update() noexcept { update_due_ = true; }

  /// Ends the outgoing side: close_notify, or the alert of a reader that has failed. Returns the
  /// bytes to send; 0 if the writer has ended or failed before.
  [[nodiscard]] std::size_t seal_alert(RecordCipher& cipher, Alert alert,
                                       std::span<char, kSealedAlertBytes> out) noexcept;

 private:
  std::size_t update_keys(RecordCipher& cipher, std::span<char> out) noexcept;
  void end(State state) noexcept;

  RecordKeys keys_;
  TrafficSecret secret_;
  State state_ = State::failed;
  bool update_due_ = false;
};

static_assert(sizeof(RecordReader) == 112 && sizeof(RecordWriter) == 112);

}  // namespace crolang::tls
