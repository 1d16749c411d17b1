#include "net/request_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string_view>

#include "crolang/enum_count.hpp"

namespace crolang::net {
namespace {

using ::testing::HasSubstr;

std::string sentence(RequestFault fault, std::string value = {}) {
  return describe({fault, std::move(value), {}});
}

TEST(RequestLog, HasASentenceOfItsOwnForEachFault) {
  std::set<std::string> sentences;
  for (std::size_t i = 0; i < kRequestFaults; ++i) {
    sentences.insert(sentence(static_cast<RequestFault>(i), "x"));
  }
  EXPECT_EQ(sentences.size(), kRequestFaults);
  EXPECT_FALSE(sentences.contains(""));
}

TEST(RequestLog, HasASentenceOfItsOwnForEachFaultOfAProxyHeader) {
  std::set<std::string_view> sentences;
  for (std::size_t i = 0; i < enum_count<client_address::ProxyHeaderFault>(); ++i) {
    sentences.insert(describe(static_cast<client_address::ProxyHeaderFault>(i)));
  }
  EXPECT_EQ(sentences.size(), enum_count<client_address::ProxyHeaderFault>());
  EXPECT_FALSE(sentences.contains(""));
}

TEST(RequestLog, SaysWhichClientUsesAnOlderEngineIo) {
  EXPECT_THAT(sentence(RequestFault::engine_version, "3"), HasSubstr("a Socket.IO 2 client"));
  EXPECT_THAT(sentence(RequestFault::engine_version, "missing"),
              HasSubstr("not a Socket.IO client?"));
}

TEST(RequestLog, SaysWhatToDo) {
  EXPECT_THAT(sentence(RequestFault::transport, "polling"), HasSubstr("transports: ['websocket']"));
  EXPECT_THAT(sentence(RequestFault::proxy_protocol), HasSubstr("send-proxy"));
  EXPECT_THAT(sentence(RequestFault::path, "/chat/"), HasSubstr("/socket.io/"));
}

}  // namespace
}  // namespace crolang::net
