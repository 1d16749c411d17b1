#include "broker/identity.hpp"

#include <algorithm>
#include <crolang/url.hpp>
#include <utility>

#include "envelope/envelope.hpp"
#include "websocket/utf8.hpp"

namespace crolang::broker {
namespace {

std::unique_ptr<char[]> copy_of(std::string_view text) {
  auto copy = std::make_unique_for_overwrite<char[]>(text.size());
  std::ranges::copy(text, copy.get());
  return copy;
}

}  // namespace

// The parser of form fields (WHATWG URL 5.1): a plus sign is a blank, and an invalid percent
// sequence stays as it is.
void for_each_parameter(std::string_view query,
                        const std::function<void(std::string_view, std::string_view)>& use) {
  std::string name;
  std::string value;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    name.clear();
    value.clear();
    url::append_decoded(name, pair.substr(0, equals), url::Plus::is_blank);
    url::append_decoded(value, pair.substr(std::min(equals + 1, pair.size())), url::Plus::is_blank);
    use(name, value);
  }
}

Identity Identity::from_query(std::string_view query) {
  constexpr std::array kNames =
      std::to_array<std::string_view>({"id", "version", "runtime", "data"});
  static_assert(kNames.size() == kFields);
  std::array<std::optional<std::string>, kFields> values;
  std::array<int, kFields> occurrences{};
  for_each_parameter(query, [&](std::string_view name, std::string_view value) {
    const auto found = std::ranges::find(kNames, name);
    if (found == kNames.end()) return;
    const auto index = static_cast<std::size_t>(found - kNames.begin());
    if (++occurrences[index] > 1) {
      values[index].reset();
    } else {
      values[index] = value;
    }
  });
  Identity identity;
  std::string text;
  for (std::size_t i = 0; i < kFields; ++i) {
    // The limit on request headers is far below the largest size that sizes_ can store; a longer
    // field is dropped.
    if (!values[i] || text.size() + values[i]->size() >= kAbsent) continue;
    identity.sizes_[i] = static_cast<std::uint16_t>(values[i]->size());
    text += *values[i];
  }
  identity.text_ = copy_of(text);
  return identity;
}

void Identity::keep_request(std::string_view header_lines, std::string_view tls_client_subject) {
  if (header_lines.size() >= kAbsent || tls_client_subject.size() >= kAbsent) return;
  std::string text(this->text());
  text += header_lines;
  text += tls_client_subject;
  text_ = copy_of(text);
  sizes_[kHeaderLines] = static_cast<std::uint16_t>(header_lines.size());
  sizes_[kClientSubject] = static_cast<std::uint16_t>(tls_client_subject.size());
}

std::optional<std::string_view> Identity::field(Field field) const {
  return part(static_cast<std::size_t>(field));
}

std::optional<std::string_view> Identity::part(std::size_t index) const {
  if (sizes_[index] == kAbsent) return std::nullopt;
  return text().substr(begin_of(index), sizes_[index]);
}

std::size_t Identity::begin_of(std::size_t index) const {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < index; ++i) begin += sizes_[i] == kAbsent ? 0 : sizes_[i];
  return begin;
}

std::optional<Identity::Field> Identity::first_missing_field() const {
  for (const Field required : {Field::id, Field::version, Field::runtime}) {
    if (!field(required)) return required;
  }
  return std::nullopt;
}

IdFault check_id(std::string_view id, std::size_t max_bytes) {
  if (id.empty()) return IdFault::empty;
  if (id.size() > max_bytes) return IdFault::too_long;
  if (!websocket::is_utf8(id)) return IdFault::not_utf8;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const auto byte = static_cast<unsigned char>(id[i]);
    // C0, DEL, and C1 in its two-byte form.
    if (byte < 0x20 || byte == 0x7f) return IdFault::control_character;
    if (byte == 0xC2 && static_cast<unsigned char>(id[i + 1]) < 0xA0) {
      return IdFault::control_character;
    }
  }
  return envelope::trim(id).size() != id.size() ? IdFault::whitespace_at_edge : IdFault::none;
}

}  // namespace crolang::broker
