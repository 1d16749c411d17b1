#include "session/identity.hpp"

#include <algorithm>

#include "envelope/envelope.hpp"
#include "websocket/utf8.hpp"

namespace crolang::session {
namespace {

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void decode(std::string_view text, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 &&
               hex(text[i + 2]) >= 0) {
      out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
}

}  // namespace

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
    decode(pair.substr(0, equals), name);
    decode(pair.substr(std::min(equals + 1, pair.size())), value);
    use(name, value);
  }
}

Identity Identity::from_query(std::string_view query) {
  constexpr std::array<std::string_view, kFields> kNames = {"id", "version", "runtime", "data"};
  Identity identity;
  std::array<int, kFields> times{};
  for_each_parameter(query, [&](std::string_view name, std::string_view value) {
    const auto found = std::ranges::find(kNames, name);
    if (found == kNames.end()) return;
    const auto index = static_cast<std::size_t>(found - kNames.begin());
    if (++times[index] > 1) {
      identity.slices_[index] = Slice{};
      return;
    }
    // The request header is bounded far below what a slice can name; whoever calls with more loses
    // the field.
    if (identity.text_.size() + value.size() >= kAbsent) return;
    identity.slices_[index] = Slice{static_cast<std::uint16_t>(identity.text_.size()),
                                    static_cast<std::uint16_t>(value.size())};
    identity.text_ += value;
  });
  identity.text_.shrink_to_fit();
  return identity;
}

std::optional<std::string_view> Identity::field(Field field) const {
  const Slice slice = slices_[static_cast<std::size_t>(field)];
  if (slice.size == kAbsent) return std::nullopt;
  return std::string_view(text_).substr(slice.begin, slice.size);
}

std::optional<Identity::Field> Identity::missing() const {
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
  return envelope::trim(id).size() != id.size() ? IdFault::blank_at_edge : IdFault::none;
}

}  // namespace crolang::session
