#include "ice/target.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crolang::ice {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::vector<Target> targets(std::string_view url) {
  auto all = targets_of(url, {"user", "password"});
  if (const auto* fault = std::get_if<std::string>(&all)) {
    ADD_FAILURE() << *fault;
    return {};
  }
  return std::get<std::vector<Target>>(std::move(all));
}

struct Row {
  const char* url;
  Service service;
  Way way;
  const char* host;
  std::uint16_t port;
};

TEST(IceTarget, HasOneWayForEachTurnUrl) {
  for (const Row& row : {
           Row{"turn:h.example", Service::turn, Way::udp, "h.example", 3478},
           Row{"turn:h.example:80", Service::turn, Way::udp, "h.example", 80},
           Row{"turn:h?transport=udp", Service::turn, Way::udp, "h", 3478},
           Row{"turn:h?transport=tcp", Service::turn, Way::tcp, "h", 3478},
           Row{"turns:h", Service::turn, Way::tls, "h", 5349},
           Row{"turns:h:443?transport=tcp", Service::turn, Way::tls, "h", 443},
           Row{"turns:h:443?transport=udp", Service::turn, Way::tls, "h", 443},
           Row{"turn:192.0.2.7:1", Service::turn, Way::udp, "192.0.2.7", 1},
           Row{"turn:[2001:db8::1]", Service::turn, Way::udp, "2001:db8::1", 3478},
           Row{"turn:[2001:db8::1]:65535?transport=tcp", Service::turn, Way::tcp, "2001:db8::1",
               65535},
           Row{"stuns:h", Service::stun, Way::tls, "h", 5349},
       }) {
    const auto all = targets(row.url);
    ASSERT_EQ(all.size(), 1U) << row.url;
    EXPECT_EQ(all[0].service, row.service) << row.url;
    EXPECT_EQ(all[0].way, row.way) << row.url;
    EXPECT_EQ(all[0].host, row.host) << row.url;
    EXPECT_EQ(all[0].port, row.port) << row.url;
  }
}

TEST(IceTarget, TriesStunByUdpAndTcp) {
  const auto all = targets("STUN:h:19302");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].way, Way::udp);
  EXPECT_EQ(all[1].way, Way::tcp);
  for (const Target& each : all) {
    EXPECT_EQ(each.url, "stun:h:19302");
    EXPECT_EQ(each.host, "h");
    EXPECT_EQ(each.port, 19302);
    EXPECT_TRUE(each.credentials.username.empty());
  }
}

TEST(IceTarget, HasTheCredentialsOfATurnServer) {
  EXPECT_EQ(targets("turn:h")[0].credentials.username, "user");
  EXPECT_EQ(targets("turn:h")[0].credentials.password, "password");
}

TEST(IceTarget, RefusesABadUrlWithoutItsPassword) {
  const auto all = targets_of("turn:user:geheim@h", {});
  ASSERT_TRUE(std::holds_alternative<std::string>(all));
  EXPECT_THAT(std::get<std::string>(all), HasSubstr("@h"));
  EXPECT_THAT(std::get<std::string>(all), Not(HasSubstr("geheim")));
}

}  // namespace
}  // namespace crolang::ice
