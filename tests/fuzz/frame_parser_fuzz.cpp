/// Our frame parser against Boost.Beast's server: the same bytes from a client, the same messages,
/// pings, pongs and closes out, and the same close code at a violation; however the bytes arrive.
///
/// Input: a byte that says in what pieces our parser is fed, a byte for the message limit, and then
/// what the client sends after the handshake.
///
/// Where the two may differ (Boost 1.81):
/// - Beast refuses lengths that are not in the shortest form. We take them, as the contract says.
/// - Beast misses that a text ends within a character if its last fragment is empty.
/// - Beast refuses the close code 1014, which IANA registered, and takes those from 5000 on, which
///   no RFC gives a meaning.
/// - Beast answers a close reason that is not UTF-8 by 1002. We answer 1007, as the contract says.
/// - Each notices some violations on fewer bytes than the other. So the last frame is completed
///   before the comparison.

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/_experimental/test/stream.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "unit/websocket/client_frames.hpp"

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using crolang::websocket::testing::close_payload;
using crolang::websocket::testing::events_of_pieces;
using crolang::websocket::testing::Feed;
using Events = std::vector<std::string>;

constexpr std::string_view kUpgrade =
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

struct Reading {
  Events events;
  beast::error_code end;
};

[[noreturn]] void fail(std::string_view what, const Events& ours, const Reading& beasts) {
  std::fprintf(stderr, "%.*s\nBeast ended with: %s\n", static_cast<int>(what.size()), what.data(),
               beasts.end.message().c_str());
  for (const auto& event : ours) std::fprintf(stderr, "  ours:  %s\n", event.c_str());
  for (const auto& event : beasts.events) std::fprintf(stderr, "  Beast: %s\n", event.c_str());
  std::abort();
}

/// Zeros behind `bytes` until they end with a whole frame; behind a violation as many as a header
/// and a control frame may have.
std::string completed(std::string bytes, std::size_t limit) {
  Feed feed(limit);
  feed.push(bytes);
  while (const std::size_t missing = feed.missing()) {
    feed.push(std::string(missing, '\0'));
    bytes.append(missing, '\0');
  }
  const bool is_refused = !feed.events.empty() && feed.events.back().starts_with("violation:");
  return is_refused ? bytes.append(14 + 125, '\0') : bytes;
}

Reading beast_events(std::string_view bytes, std::size_t limit) {
  asio::io_context io;
  beast::test::stream client(io);
  beast::websocket::stream<beast::test::stream> server(io);
  server.next_layer().connect(client);
  asio::write(client, asio::buffer(kUpgrade));
  server.accept();
  client.clear();

  Reading reading;
  server.read_message_max(limit);
  server.control_callback([&](beast::websocket::frame_type type, beast::string_view payload) {
    if (type == beast::websocket::frame_type::close) return;
    const bool is_ping = type == beast::websocket::frame_type::ping;
    reading.events.push_back((is_ping ? "ping:" : "pong:") + std::string(payload));
  });
  server.next_layer().append({bytes.data(), bytes.size()});
  server.next_layer().close_remote();
  for (;;) {
    beast::flat_buffer buffer;
    server.read(buffer, reading.end);
    if (reading.end) break;
    reading.events.push_back((server.got_text() ? "text:" : "binary:") +
                             beast::buffers_to_string(buffer.data()));
  }
  if (reading.end == beast::websocket::error::closed) {
    const auto& reason = server.reason();
    const bool has_code = reason.code != beast::websocket::close_code::none;
    reading.events.push_back(
        has_code ? "close:" + std::to_string(reason.code) + ":" +
                       close_payload(reason.code, {reason.reason.data(), reason.reason.size()})
                 : "close:1005:");
  } else if (reading.end != asio::error::eof) {
    const std::string written(client.str());  // ends with the close frame 88 02 and the code
    const auto octet = [&](std::size_t from_end) -> unsigned {
      return static_cast<std::uint8_t>(written.at(written.size() - from_end));
    };
    reading.events.push_back("violation:" + std::to_string(octet(2) << 8 | octet(1)));
  }
  return reading;
}

/// Whether the two may part where `ours` says one thing and Beast another.
bool may_differ(const std::string& ours, const std::string& beasts, beast::error_code end) {
  namespace websocket = beast::websocket;
  if (beasts.starts_with("violation:") && end == websocket::error::bad_size) return true;
  if (ours == "violation:1007" && beasts.starts_with("text:")) {
    return !websocket::detail::check_utf8(beasts.data() + 5, beasts.size() - 5);
  }
  if (ours == "violation:1007" && beasts == "violation:1002") {
    // Beast looks at the code first, so 1014 counts here too.
    return end == websocket::error::bad_close_payload || end == websocket::error::bad_close_code;
  }
  if (ours.starts_with("close:1014:")) return end == websocket::error::bad_close_code;
  if (ours == "violation:1002" && beasts.starts_with("close:")) {
    return std::stoul(beasts.substr(6)) >= 5000;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece = std::size_t{1} + data[0];
  const std::size_t limit = std::size_t{1} + data[1] * std::size_t{4};
  const std::string bytes = completed(std::string(data + 2, data + size), limit);

  const Reading beasts = beast_events(bytes, limit);
  Events ours = events_of_pieces(bytes, bytes.size(), limit);
  if (events_of_pieces(bytes, piece, limit) != ours) fail("Pieces change the events", ours, beasts);

  std::erase(ours, "fragment");
  const auto [our, beast] =
      std::mismatch(ours.begin(), ours.end(), beasts.events.begin(), beasts.events.end());
  if (our == ours.end() && beast == beasts.events.end()) return 0;
  const std::string none;
  if (beast == beasts.events.end() ||
      !may_differ(our == ours.end() ? none : *our, *beast, beasts.end)) {
    fail("The two differ", ours, beasts);
  }
  return 0;
}
