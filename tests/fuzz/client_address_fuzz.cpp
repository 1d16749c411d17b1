/// What proxies say about a client, in a PROXY header, in X-Forwarded-For, in Forwarded, and what
/// operators say about proxies.
///
/// Input: the first byte says which of them the rest is.
///
/// - A PROXY header: no proper beginning of it is a header or wrong, what follows it changes
/// nothing, its size is within its bytes and bounds, and it is found again in the text that an
/// address is written as.
/// - A header of a request: what a trusted proxy appends to it decides, whatever it was; from a
/// peer that is not trusted it changes nothing; and the client is the same if the list is split
/// into lines.
/// - A set of addresses: each range contains its own address and is read back as it is shown.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "client_address/address_set.hpp"
#include "client_address/forwarded.hpp"
#include "client_address/proxy_header.hpp"

namespace {

namespace client_address = crolang::client_address;
using client_address::Address;
using client_address::AddressSet;
using client_address::Header;
using client_address::NeedsMore;
using client_address::Policy;
using client_address::ProxyHeader;

void require(bool condition, const char* what, std::string_view input) {
  if (condition) return;
  std::fprintf(stderr, "%s\nin:\n%.*s\n", what, static_cast<int>(input.size()), input.data());
  std::abort();
}

void check_address(const Address& address, std::string_view input) {
  require(client_address::parse_address(text_of(address)) == address,
          "an address is another one once it was written down", input);
}

void check_proxy_header(std::string_view bytes) {
  const auto parsed = client_address::parse_proxy_header(bytes);
  if (std::holds_alternative<NeedsMore>(parsed)) {
    require(bytes.size() < client_address::kMaxProxyHeader, "a header is longer than the longest",
            bytes);
    return;
  }
  const auto* const header = std::get_if<ProxyHeader>(&parsed);
  if (header == nullptr) {
    require(
        parsed.index() == client_address::parse_proxy_header(std::string(bytes) + "\r\n").index(),
        "what follows a fault mends it", bytes);
    return;
  }
  require(header->size <= bytes.size() && header->size <= client_address::kMaxProxyHeader,
          "a header is longer than its bytes", bytes);
  require(!bytes.starts_with('P') || header->size <= client_address::kMaxProxyLine,
          "a line is longer than the longest", bytes);
  if (header->source) check_address(*header->source, bytes);
  for (std::size_t size = 0; size < header->size; ++size) {
    require(std::holds_alternative<NeedsMore>(
                client_address::parse_proxy_header(bytes.substr(0, size))),
            "the beginning of a header is more than that", bytes);
  }
  const auto alone = client_address::parse_proxy_header(bytes.substr(0, header->size));
  require(std::holds_alternative<ProxyHeader>(alone) &&
              std::get<ProxyHeader>(alone).source == header->source,
          "what follows a header changes it", bytes);
}

const Address kProxy = client_address::ipv4_address({10, 0, 0, 1});
const Address kStranger = client_address::ipv4_address({192, 0, 2, 66});
const Address kClient = client_address::ipv4_address({203, 0, 113, 7});

Policy policy_of(Header header) {
  return {std::get<AddressSet>(client_address::parse_address_set("10.0.0.0/8 ::1")), header,
          client_address::ProxyProtocol::refused};
}

void check_request(std::string_view bytes, Header header) {
  const Policy policy = policy_of(header);
  // As it is, perhaps with other lines.
  check_address(client_of_request(policy, kProxy, bytes), bytes);
  require(client_of_request(policy, kStranger, bytes) == kStranger, "a stranger is believed",
          bytes);
  client_address::names_client(bytes);

  std::string value(bytes);
  std::erase_if(value, [](char c) { return c == '\r' || c == '\n'; });
  const bool is_x = header == Header::x_forwarded_for;
  const std::string name = is_x ? "X-Forwarded-For: " : "Forwarded: ";
  const auto client_of = [&](const std::string& lines) {
    return client_of_request(policy, kProxy, lines);
  };
  const std::string line = name + value;
  const std::string appended = is_x ? "203.0.113.7" : "host=\"a,b\";for=\"203.0.113.7:1\"";
  const std::string trusted = is_x ? "10.0.0.2" : "for=10.0.0.2";
  const std::string unknown = is_x ? "unknown" : "for=unknown";
  require(client_of(line + ", " + appended + "\r\n") == kClient,
          "what a proxy appends is not found", bytes);
  require(client_of(line + "\r\n" + name + appended + "\r\n") == kClient,
          "the line that a proxy appends is not found", bytes);
  require(client_of(line + ", " + appended + ", " + trusted + "\r\n") == kClient,
          "what the first of two proxies appends is not found", bytes);
  require(client_of(line + ", " + unknown + "\r\n") == kProxy,
          "somebody is named behind one who is unknown", bytes);
}

void check_set(std::string_view text) {
  const auto parsed = client_address::parse_address_set(text);
  const auto* const set = std::get_if<AddressSet>(&parsed);
  if (set == nullptr) {
    require(!std::get<client_address::AddressFault>(parsed).text.empty(), "a fault says nothing",
            text);
    return;
  }
  for (const client_address::Range& range : set->ranges()) {
    require(range.contains(range.network) || range.bits == 0, "a range lacks its own address",
            text);
    require(set->contains(range.network) || !is_known(range.network), "a set lacks a range", text);
    const auto again = client_address::parse_range(text_of(range));
    require(std::holds_alternative<client_address::Range>(again) &&
                std::get<client_address::Range>(again) == range,
            "a range is another one once it was written down", text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'p':
      check_proxy_header(rest);
      break;
    case 'x':
      check_request(rest, Header::x_forwarded_for);
      break;
    case 'f':
      check_request(rest, Header::forwarded);
      break;
    case 's':
      check_set(rest);
      break;
    default:
      break;
  }
  return 0;
}
