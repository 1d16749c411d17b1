#include <gtest/gtest.h>

#include <crolang/ice_url.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace crolang::plugin {
namespace {

/// The URL as it comes out, or in brackets what is wrong with it.
std::string parsed(std::string_view url) {
  const auto parsed = parse_ice_url(url);
  if (const auto* fault = std::get_if<IceUrlFault>(&parsed)) {
    return "(" + std::string(fault->why) + ")";
  }
  return std::get<IceUrl>(parsed).text;
}

IceUrl::Server server_of(std::string_view url) {
  return std::get<IceUrl>(parse_ice_url(url)).server;
}

TEST(IceUrl, IsTakenAsItIsInEveryFormThatStacksAgreeOn) {
  for (const std::string_view url : {"stun:a",
                                     "stun:stun.example.org",
                                     "stun:stun.example.org:3478",
                                     "stuns:stun.example.org",
                                     "stuns:stun.example.org:5349",
                                     "turn:turn.example.org",
                                     "turn:turn.example.org:3478",
                                     "turn:turn.example.org:3478?transport=udp",
                                     "turn:turn.example.org:3478?transport=tcp",
                                     "turn:turn.example.org?transport=tcp",
                                     "turns:turn.example.org:5349",
                                     "turns:turn.example.org:5349?transport=tcp",
                                     "turn:192.0.2.1",
                                     "turn:192.0.2.1:1",
                                     "turn:[2001:db8::1]",
                                     "turn:[2001:db8::1]:65535",
                                     "stun:[::ffff:192.0.2.1]:3478",
                                     "turn:host_with_underscore",
                                     "turn:xn--bcher-kva.example",
                                     "stun:stun.example.org.",
                                     "turn:Turn.Example.ORG",
                                     "turn:3.example",
                                     "turn:localhost"}) {
    EXPECT_EQ(parsed(url), url);
  }
}

TEST(IceUrl, KnowsWhichServersRelay) {
  EXPECT_EQ(server_of("stun:a"), IceUrl::Server::stun);
  EXPECT_EQ(server_of("STUNS:a"), IceUrl::Server::stun);
  EXPECT_EQ(server_of("turn:a"), IceUrl::Server::turn);
  EXPECT_EQ(server_of("TURNS:a"), IceUrl::Server::turn);
}

TEST(IceUrl, IsWrittenAsEveryStackTakesIt) {
  for (const auto& [given, made] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"TURN:a.example:3478", "turn:a.example:3478"},
           {"Stun:a.example", "stun:a.example"},
           {"TurnS:A.example?Transport=TCP", "turns:A.example?transport=tcp"},
           {"turn:a.example?transport=UDP", "turn:a.example?transport=udp"},
           {" turn:a.example", "turn:a.example"},
           {"turn:a.example?transport=tcp \r\n", "turn:a.example?transport=tcp"},
           {"\t\v\fstun:a.example\n", "stun:a.example"},
           {"stun:a.example:3478?transport=udp", "stun:a.example:3478"},
           {"stuns:a.example?transport=tcp", "stuns:a.example"},
           {"stun:a.example?", "stun:a.example"},
           {"stun:a.example?x@y/z", "stun:a.example"},
           {"turns:a.example:5349?transport=udp", "turns:a.example:5349?transport=tcp"},
       }) {
    EXPECT_EQ(parsed(given), made) << given;
    EXPECT_EQ(parsed(made), made);
  }
}

TEST(IceUrl, NamesTheFaultOfWhatSomeStackRefuses) {
  constexpr std::string_view kEmpty = "(it is empty)";
  constexpr std::string_view kScheme = "(it does not begin with stun:, stuns:, turn: or turns:)";
  constexpr std::string_view kSlashes = "(it has // after its scheme)";
  constexpr std::string_view kUser =
      "(it has a user (@): username and credential are given separately)";
  constexpr std::string_view kPath = "(it has a path (/))";
  constexpr std::string_view kFragment = "(it has a fragment (#))";
  constexpr std::string_view kQuery = "(its query is neither ?transport=udp nor ?transport=tcp)";
  constexpr std::string_view kNoHost = "(it has no host)";
  constexpr std::string_view kCharacter = "(its host has a character that host names may not have)";
  constexpr std::string_view kName = "(its host is not a valid host name)";
  constexpr std::string_view kNumber = "(its host is a number, but not an IPv4 address)";
  constexpr std::string_view kPunycode = "(its host is not ASCII: write it in punycode (xn--…))";
  constexpr std::string_view kBrackets = "(the text in [ ] is not an IPv6 address)";
  constexpr std::string_view kBare =
      "(it has more than a port after its host: write an IPv6 address in [ ])";
  constexpr std::string_view kPort = "(its port is not a number from 1 to 65535)";
  const std::string long_label = "turn:" + std::string(64, 'a');
  const std::string long_name = "turn:" + std::string(250, 'a').replace(60, 1, ".") + ".example";
  for (const auto& [url, why] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"", kEmpty},
           {" \r\n", kEmpty},
           {"turn", kScheme},
           {"turn.example:3478", kScheme},
           {":a.example", kScheme},
           {"xturn:a.example", kScheme},
           {"turnx:a.example", kScheme},
           {"http://a.example", kScheme},
           {"https://turn.example/", kScheme},
           {"turn :a.example", kScheme},
           {"undefined", kScheme},
           {"turn://a.example", kSlashes},
           {"stun://a.example:3478", kSlashes},
           {"turn:user@a.example", kUser},
           {"turn:user:password@a.example:3478", kUser},
           {"turn:a.example/", kPath},
           {"stun:a.example:3478/path", kPath},
           {"turn:/a.example", kPath},
           {"turn:a.example#x", kFragment},
           {"stun:a.example?x#y", kFragment},
           {"turn:a.example?", kQuery},
           {"turn:a.example?transport=", kQuery},
           {"turn:a.example?transport=tls", kQuery},
           {"turn:a.example?transport=sctp", kQuery},
           {"turn:a.example?transport=udp&x=y", kQuery},
           {"turn:a.example?x=y", kQuery},
           {"turn:a.example?transport=udp?transport=udp", kQuery},
           {"turn:", kNoHost},
           {"turn::3478", kNoHost},
           {"turn:?transport=udp", kNoHost},
           {"turn:${TURN_HOST}:3478", kCharacter},
           {"turn:\"turn.example.org\":3478", kCharacter},
           {"turn:a\"b", kCharacter},
           {"turn:a b", kCharacter},
           {"turn:a%41", kCharacter},
           {"turn:*.example", kCharacter},
           {std::string_view("turn:a\0b", 8), kCharacter},
           {"turn:a..example", kName},
           {"turn:.example", kName},
           {"turn:.", kName},
           {long_label, kName},
           {long_name, kName},
           {"turn:3478", kNumber},
           {"turn:256.1.1.1", kNumber},
           {"turn:1.2.3", kNumber},
           {"turn:1.2.3.4.5:3478", kNumber},
           {"turn:bücher.example", kPunycode},
           {"turn:例え.jp:3478", kPunycode},
           {"turn:[2001:db8::1", kBrackets},
           {"turn:[::1", kBrackets},
           {"turn:[]:3478", kBrackets},
           {"turn:[a.example]:3478", kBrackets},
           {"turn:[fe80::1%eth0]", kBrackets},
           {"turn:[::1]x", "(it has something between its host and its port)"},
           {"turn:2001:db8::1:3478", kBare},
           {"turn:::1", kBare},
           {"turn:a.example:3478:9", kBare},
           {"turn:a.example:", kPort},
           {"turn:a.example:0", kPort},
           {"turn:a.example:65536", kPort},
           {"turn:a.example:347800", kPort},
           {"turn:a.example:99999999999999999999", kPort},
           {"turn:a.example:-1", kPort},
           {"turn:a.example:+1", kPort},
           {"turn:a.example:abc", kPort},
           {"turn:undefined:undefined", kPort},
           {"turn:a.example: 3478", kPort},
           {"turn:a.example:3478&transport=udp", kPort},
           {"turn:[::1]:", kPort},
           {"turn:[::1]:0", kPort},
       }) {
    EXPECT_EQ(parsed(url), why) << url;
  }
}

TEST(IceUrl, IsShownWithoutWhatMayBeSecret) {
  for (const auto& [url, shown] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"turn:a.example:0", "turn:a.example:0"},
           {" turn:[::1 ", "turn:[::1"},
           {"turn:alice:hush@a.example:3478", "turn:…@a.example:3478"},
           {"TURN:alice:hu/sh?@#hush@a.example", "TURN:…@a.example"},
           {"turn://alice:hush@a.example", "turn:…@a.example"},
           {"https://alice:hush@a.example/hush", "…@a.example/…"},
           {"alice:hush@a.example", "…@a.example"},
           {"turn:a.example?transport=tls", "turn:a.example?transport=tls"},
           {"turn:a.example?transport=udp&password=hush", "turn:a.example?…"},
           {"turn:a.example?password=hush", "turn:a.example?…"},
           {"turn://a.example:3478", "turn://a.example:3478"},
           {"https://a.example/hush?hush", "https://a.example/…"},
           {"turn:a.example#hush", "turn:a.example#…"},
           {"turn:a\x1b[31m\nb", "turn:a?[31m?b"},
           {"", ""},
           {"undefined", "undefined"},
       }) {
    EXPECT_EQ(shown_ice_url(url), shown) << url;
  }
}

TEST(IceUrl, IsShownUpToABoundAndNeverWithHalfACharacter) {
  for (std::size_t i = 0; i < 4; ++i) {
    std::string url = "turn:" + std::string(i, 'a');
    for (int n = 0; n < 100'000; ++n) url += "€";
    const std::string shown = shown_ice_url(url);
    EXPECT_LE(shown.size(), 128 + std::string_view("…").size());
    EXPECT_TRUE(shown.ends_with("€…")) << shown;
  }
}

}  // namespace
}  // namespace crolang::plugin
