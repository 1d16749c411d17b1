#include "stun/stream.hpp"

#include <gtest/gtest.h>

#include <string_view>

#include "unit/stun/rfc5769.hpp"

namespace crolang::stun {
namespace {

using Next = StreamReader::Next;

ByteView bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

TEST(StunStream, CutsMessagesThatComeByteByByte) {
  StreamReader stream;
  Bytes message;
  for (const Bytes& each : {rfc5769::kRequest, rfc5769::kIpv6Response}) {
    for (std::size_t i = 0; i + 1 < each.size(); ++i) {
      stream.append(ByteView(each).subspan(i, 1));
      ASSERT_EQ(stream.take(message), Next::incomplete) << i;
    }
    stream.append(ByteView(each).last(1));
    ASSERT_EQ(stream.take(message), Next::message);
    EXPECT_EQ(message, each);
  }
}

TEST(StunStream, CutsMessagesThatComeAtOnce) {
  StreamReader stream;
  stream.append(rfc5769::kRequest);
  stream.append(rfc5769::kIpv4Response);
  Bytes message;
  ASSERT_EQ(stream.take(message), Next::message);
  EXPECT_EQ(message, rfc5769::kRequest);
  ASSERT_EQ(stream.take(message), Next::message);
  EXPECT_EQ(message, rfc5769::kIpv4Response);
  EXPECT_EQ(stream.take(message), Next::incomplete);
}

TEST(StunStream, KnowsOtherProtocolsByTheirFirstBytes) {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {"HTTP/1.1 400 Bad"sv, "SSH-2.0-"sv, "\x15\x03\x01\x00\x02"sv}) {
    StreamReader stream;
    Bytes message;
    stream.append(bytes_of(text));
    EXPECT_EQ(stream.take(message), Next::not_stun) << text;
    EXPECT_EQ(stream.waiting().size(), text.size());
  }
}

}  // namespace
}  // namespace crolang::stun
