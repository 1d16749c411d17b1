#include "redis-registry/redirect.hpp"

#include <gtest/gtest.h>

#include <string>

#include "redis-registry/reply_reader.hpp"

namespace crolang::redis_registry {
namespace {

using Kind = Redirect::Kind;

TEST(Redirect, IsReadFromTheErrorsOfACluster) {
  EXPECT_EQ(read_redirect("MOVED 3999 127.0.0.1:6381")->kind, Kind::moved);
  EXPECT_EQ(read_redirect("TRYAGAIN Multiple keys request during rehashing of slot")->kind,
            Kind::later);
  const auto ask = read_redirect("ASK 3999 127.0.0.1:6381");
  EXPECT_EQ(ask->kind, Kind::ask);
  EXPECT_EQ(ask->to, (HostPort{"127.0.0.1", 6381}));
  EXPECT_EQ(read_redirect("ASK 1 ::1:6381")->to, (HostPort{"::1", 6381}));
  EXPECT_EQ(read_redirect("ASK 1 node-2.example:7000")->to, (HostPort{"node-2.example", 7000}));
  EXPECT_EQ(read_redirect("ASK 1 :7000")->to, (HostPort{"", 7000})) << "its own host";
  EXPECT_EQ(read_redirect("ASK 1 ?:7000")->to, (HostPort{"", 7000})) << "its own host";
  EXPECT_EQ(read_redirect("MOVED 1 ?:7000")->kind, Kind::moved);
}

TEST(Redirect, IsTriedAgainIfItSaysNotWhere) {
  for (const char* error : {"ASK 3999", "ASK 3999 nowhere", "ASK 3999 host:0",
                            "ASK 3999 host:99999", "ASK 3999 host:"}) {
    EXPECT_EQ(read_redirect(error)->kind, Kind::later) << error;
  }
}

TEST(Redirect, IsNoOtherError) {
  for (const char* error : {"", "ERR MOVED", "CLUSTERDOWN The cluster is down", "ASKING"}) {
    EXPECT_FALSE(read_redirect(error)) << error;
  }
  EXPECT_FALSE(read_redirect(nullptr));
  ReplyReader reader(1000);
  reader.feed("$5\r\nMOVED\r\n-MOVED 1 a:2\r\n");
  EXPECT_FALSE(read_redirect(reader.next().get())) << "a value";
  EXPECT_TRUE(read_redirect(reader.next().get()));
}

TEST(Redirect, TellsAClusterThatIsDownFromASlotWithoutAMaster) {
  EXPECT_TRUE(is_cluster_down("CLUSTERDOWN The cluster is down"));
  EXPECT_TRUE(is_cluster_down("CLUSTERDOWN The cluster is down and only accepts read commands"));
  EXPECT_FALSE(is_cluster_down("CLUSTERDOWN Hash slot not served"));
  EXPECT_FALSE(is_cluster_down("OOM"));
}

}  // namespace
}  // namespace crolang::redis_registry
