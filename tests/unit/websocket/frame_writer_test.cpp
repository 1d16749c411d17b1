#include "websocket/frame_writer.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace crolang::websocket {
namespace {

using std::string_literals::operator""s;

std::string header(Opcode opcode, std::size_t payload) {
  std::string bytes(kMaxHeaderBytes, '?');
  bytes.resize(write_header(bytes.data(), opcode, payload));
  EXPECT_EQ(bytes.size(), header_size(payload));
  return bytes;
}

// RFC 6455 5.2: the shortest form of the length, no mask, FIN set.

TEST(FrameWriter, WritesLengthsUpTo125IntoTheSecondByte) {
  EXPECT_EQ(header(Opcode::text, 0), "\x81\x00"s);
  EXPECT_EQ(header(Opcode::text, 125), "\x81\x7d"s);
}

TEST(FrameWriter, WritesLengthsFrom126Into16Bits) {
  EXPECT_EQ(header(Opcode::text, 126), "\x81\x7e\x00\x7e"s);
  EXPECT_EQ(header(Opcode::text, 0x0102), "\x81\x7e\x01\x02"s);
  EXPECT_EQ(header(Opcode::text, 65535), "\x81\x7e\xff\xff"s);
}

TEST(FrameWriter, WritesLengthsFrom65536Into64Bits) {
  EXPECT_EQ(header(Opcode::text, 65536), "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s);
  EXPECT_EQ(header(Opcode::text, 0x0102030405), "\x81\x7f\x00\x00\x00\x01\x02\x03\x04\x05"s);
}

TEST(FrameWriter, WritesTheOpcode) {
  EXPECT_EQ(header(Opcode::binary, 0), "\x82\x00"s);
  EXPECT_EQ(header(Opcode::close, 2), "\x88\x02"s);
  EXPECT_EQ(header(Opcode::ping, 0), "\x89\x00"s);
  EXPECT_EQ(header(Opcode::pong, 125), "\x8a\x7d"s);
}

// CONTRACT part 1 §2.

TEST(FrameWriter, WritesACloseWithItsCode) {
  EXPECT_EQ(CloseFrame(CloseCode::protocol_error).bytes(), "\x88\x02\x03\xea"s);
  EXPECT_EQ(CloseFrame(CloseCode::invalid_payload).bytes(), "\x88\x02\x03\xef"s);
  EXPECT_EQ(CloseFrame(CloseCode::too_big).bytes(), "\x88\x02\x03\xf1"s);
  EXPECT_EQ(CloseFrame(CloseCode::going_away).bytes(), "\x88\x02\x03\xe9"s);
}

TEST(FrameWriter, WritesACloseWithoutPayloadForNoStatus) {
  EXPECT_EQ(CloseFrame(CloseCode::no_status).bytes(), "\x88\x00"s);
}

TEST(FrameWriter, WritesCloseFramesWhileCompiling) {
  static constexpr CloseFrame kFrame(CloseCode::going_away);
  static_assert(kFrame.bytes().size() == 4);
}

}  // namespace
}  // namespace crolang::websocket
