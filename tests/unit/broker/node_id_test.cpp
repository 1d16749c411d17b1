#include "broker/node_id.hpp"

#include <gtest/gtest.h>

#include <string>

namespace crolang::broker {
namespace {

TEST(NodeId, IsPlainIfEveryByteIsPrintableAsciiWhereverItStands) {
  for (std::size_t size = 1; size <= 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        for (const char around : {'!', 'x', '~'}) {
          std::string id(size, around);
          id[at] = static_cast<char>(byte);
          EXPECT_EQ(is_plain(id), byte > ' ' && byte < 0x7f) << size << ' ' << at << ' ' << byte;
        }
      }
    }
  }
}

TEST(NodeId, CanExistIfANodeOfThatIdWouldBeAdmitted) {
  for (const std::string& id :
       {std::string("a"), std::string("node-1"), std::string("ü€😀"), std::string("two words"),
        std::string("a\tb"), std::string("a\x7f"), std::string("a\xC2\x85"), std::string("\xff"),
        std::string(8, 'x'), std::string(9, 'x'), std::string("\xED\xA0\x80")}) {
    EXPECT_EQ(can_exist(id, 8), check_id(id, 8) == IdFault::none) << id;
    EXPECT_EQ(can_exist(id, 256), check_id(id, 256) == IdFault::none) << id;
  }
}

}  // namespace
}  // namespace crolang::broker
