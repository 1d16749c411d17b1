#include "engineio/open_packet.hpp"

#include <gtest/gtest.h>

#include <string>

namespace crolang::engineio {
namespace {

using std::chrono::milliseconds;

TEST(OpenPacket, ListsItsMembersInTheOrderThatNodesKnow) {
  std::string out;
  append_open_packet(out, "AbCdEfGhIjKlMnOpQr-_", {milliseconds(25000), milliseconds(20000)},
                     1'000'000);
  EXPECT_EQ(out, R"(0{"sid":"AbCdEfGhIjKlMnOpQr-_","upgrades":[],"pingInterval":25000,)"
                 R"("pingTimeout":20000,"maxPayload":1000000})");
}

TEST(OpenPacket, IsAppended) {
  std::string out = "before";
  append_open_packet(out, "s", {milliseconds(1), milliseconds(2)}, 3);
  EXPECT_EQ(out,
            R"(before0{"sid":"s","upgrades":[],"pingInterval":1,"pingTimeout":2,"maxPayload":3})");
}

}  // namespace
}  // namespace crolang::engineio
