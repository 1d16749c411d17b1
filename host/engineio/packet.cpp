#include "engineio/packet.hpp"

namespace crolang::engineio {

std::optional<Packet> parse(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  const std::string_view data = text.substr(1);
  switch (text.front()) {
    case '3':
      return Packet{PacketType::pong, data};
    case '4':
      return Packet{PacketType::message, data};
    case 'b':
      return Packet{PacketType::binary, data};
    case '0':
    case '1':
    case '5':
    case '6':
      return Packet{PacketType::ignored, data};
    default:  // no enum: a character
      return std::nullopt;
  }
}

std::size_t decoded_size(std::string_view base64) noexcept {
  // Padding, at most two characters.
  for (int i = 0; i < 2 && base64.ends_with('='); ++i) base64.remove_suffix(1);
  return base64.size() / 4 * 3 + base64.size() % 4 * 3 / 4;
}

}  // namespace crolang::engineio
