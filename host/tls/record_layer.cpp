#include "tls/record_layer.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace crolang::tls {

namespace {

// RFC 8446 4.6.3: type, length of what follows, and update_not_requested.
constexpr std::array<char, 5> kKeyUpdate = {24, 0, 0, 1, 0};
constexpr std::size_t kKeyUpdateHeader = 4;
constexpr char kUpdateRequested = 1;

// RFC 8446 6: the level says nothing any more, but has to be there.
constexpr char kWarning = 1;
constexpr char kFatal = 2;

bool replace_keys(RecordCipher& cipher, TrafficSecret& secret, RecordKeys& keys) noexcept {
  const CipherSuite suite = keys.suite;
  return cipher.derivation().advance(suite, secret) &&
         cipher.derivation().derive(suite, secret, keys);
}

}  // namespace

std::uint64_t max_records(CipherSuite suite) noexcept {
  switch (suite) {
    case CipherSuite::aes_128_gcm_sha256:
    case CipherSuite::aes_256_gcm_sha384:
      return std::uint64_t{1} << 23;
    case CipherSuite::chacha20_poly1305_sha256:
      // The KeyUpdate itself takes the last number that is used.
      return std::numeric_limits<std::uint64_t>::max() - 1;
  }
  return 0;
}

// ---- RecordReader

bool RecordReader::start(RecordCipher& cipher, CipherSuite suite, const TrafficSecret& secret,
                         std::uint64_t sequence) noexcept {
  without_data_ = 0;
  message_bytes_ = 0;
  if (!cipher.derivation().derive(suite, secret, keys_)) {
    fail(Alert::internal_error);
    return false;
  }
  keys_.sequence = sequence;
  secret_ = secret;
  state_ = State::need_more;
  return true;
}

RecordReader::Result RecordReader::read(RecordCipher& cipher, std::span<const char> input,
                                        std::span<char> output) noexcept {
  Result result;
  while (state_ == State::need_more) {
    const auto left = input.subspan(result.consumed);
    if (left.size() < kRecordHeaderBytes) {
      result.needed = kRecordHeaderBytes;
      return result;
    }
    const RecordHeader header = check_header(left.first<kRecordHeaderBytes>());
    if (header.kind == RecordHeader::Kind::failed) {
      fail(header.alert);
      break;
    }
    if (left.size() < header.record) {
      result.needed = header.record;
      return result;
    }
    const auto room = output.subspan(result.produced);
    if (room.size() < header.inner_bytes()) {
      result.state = State::output_full;
      result.needed = header.inner_bytes();
      return result;
    }
    const auto opened = cipher.open(keys_, left.first(header.record), room);
    if (opened.kind == RecordCipher::Opened::Kind::failed) {
      fail(opened.alert);
      break;
    }
    result.consumed += header.record;
    take(cipher, opened.type, room.first(opened.content), result);
  }
  result.state = state_;
  result.alert = alert_;
  result.consumed = input.size();
  return result;
}

void RecordReader::take(RecordCipher& cipher, ContentType type, std::span<const char> content,
                        Result& result) noexcept {
  // RFC 8446 5.1: nothing comes between the parts of a handshake message.
  if (message_bytes_ != 0 && type != ContentType::handshake) {
    return fail(Alert::unexpected_message);
  }
  if (type == ContentType::application_data && !content.empty()) {
    result.produced += content.size();
    without_data_ = 0;
    return;
  }
  switch (type) {
    case ContentType::application_data:
      return count_without_data();
    case ContentType::alert:
      take_alert(content);
      return count_without_data();
    case ContentType::handshake:
      take_handshake(cipher, content, result);
      return count_without_data();
    case ContentType::change_cipher_spec:
      break;
  }
  fail(Alert::unexpected_message);
}

void RecordReader::count_without_data() noexcept {
  if (state_ == State::need_more && ++without_data_ > kMaxRecordsWithoutData) {
    fail(Alert::unexpected_message);
  }
}

void RecordReader::take_alert(std::span<const char> content) noexcept {
  // RFC 8446 5.1, 5.4: exactly one, and whole.
  if (content.empty()) return fail(Alert::unexpected_message);
  if (content.size() != 2) return fail(Alert::decode_error);
  const auto alert = static_cast<Alert>(static_cast<std::uint8_t>(content[1]));
  // 6: by its number, whatever its level; an unknown one is an error.
  if (alert == Alert::close_notify) {
    end(State::closed, alert);
  } else if (alert != Alert::user_canceled) {
    end(State::alert_received, alert);
  }
}

void RecordReader::take_handshake(RecordCipher& cipher, std::span<const char> content,
                                  Result& result) noexcept {
  // RFC 8446 5.4.
  if (content.empty()) return fail(Alert::unexpected_message);
  while (message_bytes_ < kKeyUpdateHeader && !content.empty()) {
    if (content.front() != kKeyUpdate[message_bytes_]) {
      // 4.6: a client has no other message to send, since it was asked for none.
      return fail(message_bytes_ == 0 ? Alert::unexpected_message : Alert::decode_error);
    }
    ++message_bytes_;
    content = content.subspan(1);
  }
  if (content.empty()) return;
  const char request = content.front();
  // 5.1: what follows would have been sealed with the next key.
  if (content.size() > 1) return fail(Alert::unexpected_message);
  if (request != 0 && request != kUpdateRequested) return fail(Alert::illegal_parameter);
  message_bytes_ = 0;
  if (!replace_keys(cipher, secret_, keys_)) return fail(Alert::internal_error);
  if (request == kUpdateRequested) result.update_requested = true;
}

void RecordReader::end(State state, Alert alert) noexcept {
  state_ = state;
  alert_ = alert;
  keys_.clear();
  secret_.clear();
}

// ---- RecordWriter

bool RecordWriter::start(RecordCipher& cipher, CipherSuite suite, const TrafficSecret& secret,
                         std::uint64_t sequence) noexcept {
  update_due_ = false;
  if (!cipher.derivation().derive(suite, secret, keys_)) {
    end(State::failed);
    return false;
  }
  keys_.sequence = sequence;
  secret_ = secret;
  state_ = State::open;
  return true;
}

RecordWriter::Result RecordWriter::seal(RecordCipher& cipher, std::span<const char> plaintext,
                                        std::span<char> out) noexcept {
  Result result;
  while (state_ == State::open && result.consumed < plaintext.size()) {
    auto room = out.subspan(result.produced);
    if (update_due_ || keys_.sequence >= max_records(keys_.suite)) {
      if (room.size() < kMinRoom) break;
      const std::size_t sealed = update_keys(cipher, room);
      if (sealed == 0) {
        end(State::failed);
        break;
      }
      result.produced += sealed;
      room = room.subspan(sealed);
    }
    if (room.size() <= kRecordOverhead) break;
    const auto left = plaintext.subspan(result.consumed);
    const std::size_t content =
        std::min({left.size(), kMaxContentBytes, room.size() - kRecordOverhead});
    const std::size_t sealed =
        cipher.seal(keys_, ContentType::application_data, left.first(content), room);
    if (sealed == 0) {
      end(State::failed);
      break;
    }
    result.consumed += content;
    result.produced += sealed;
  }
  result.state = state_;
  return result;
}

std::size_t RecordWriter::update_keys(RecordCipher& cipher, std::span<char> out) noexcept {
  const std::size_t sealed = cipher.seal(keys_, ContentType::handshake, kKeyUpdate, out);
  if (sealed == 0 || !replace_keys(cipher, secret_, keys_)) return 0;
  update_due_ = false;
  return sealed;
}

std::size_t RecordWriter::seal_alert(RecordCipher& cipher, Alert alert,
                                     std::span<char, kSealedAlertBytes> out) noexcept {
  if (state_ != State::open) return 0;
  const bool is_warning = alert == Alert::close_notify || alert == Alert::user_canceled;
  const std::array<char, 2> content = {is_warning ? kWarning : kFatal, static_cast<char>(alert)};
  const std::size_t sealed = cipher.seal(keys_, ContentType::alert, content, out);
  end(sealed == 0 ? State::failed : State::ended);
  return sealed;
}

void RecordWriter::end(State state) noexcept {
  state_ = state;
  keys_.clear();
  secret_.clear();
}

}  // namespace crolang::tls
