#include "redis-registry/sentinel_answers.hpp"

#include <gmock/gmock.h>

#include "redis-registry/reply_reader.hpp"

namespace crolang::redis_registry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Reply reply_of(std::string_view bytes) {
  ReplyReader reader(100'000);
  reader.feed(bytes);
  Reply reply = reader.next();
  EXPECT_NE(reply, nullptr) << bytes;
  return reply;
}

template <class Answer>
std::string fault_of(const Answer& answer) {
  const auto* const fault = std::get_if<SentinelFault>(&answer);
  return fault == nullptr ? "none" : fault->text;
}

std::string masters(const std::vector<std::string>& names) {
  std::string bytes = "*" + std::to_string(names.size()) + "\r\n";
  for (const std::string& name : names) {
    bytes += "*4\r\n$4\r\nname\r\n$" + std::to_string(name.size()) + "\r\n" + name +
             "\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n";
  }
  return bytes;
}

TEST(SentinelMasters, HaveOneName) {
  EXPECT_EQ(std::get<std::string>(read_only_master(*reply_of(masters({"main"})))), "main");
}

TEST(SentinelMasters, AreNamedIfThereAreSeveral) {
  const std::string two = fault_of(read_only_master(*reply_of(masters({"main", "other"}))));
  EXPECT_THAT(two, HasSubstr("knows 2 masters (main, other)"));
  EXPECT_THAT(two, HasSubstr("?master=name"));
  const std::vector<std::string> many(5000, std::string(300, 'x'));
  EXPECT_LT(fault_of(read_only_master(*reply_of(masters(many)))).size(), 3000U);
}

TEST(SentinelMasters, OfAnotherShapeAreAFault) {
  EXPECT_THAT(fault_of(read_only_master(*reply_of("*0\r\n"))), HasSubstr("knows no master"));
  EXPECT_THAT(fault_of(read_only_master(*reply_of("+OK\r\n"))), HasSubstr("knows no master"));
  EXPECT_THAT(fault_of(read_only_master(*reply_of("*1\r\n:1\r\n"))), HasSubstr("no name"));
  EXPECT_THAT(fault_of(read_only_master(*reply_of("-NOPERM no\r\n"))), HasSubstr("?master=name"));
}

TEST(SentinelMasterAddress, NamesHostAndPort) {
  const auto answer =
      read_master_address(*reply_of("*2\r\n$9\r\n127.0.0.1\r\n$4\r\n6380\r\n"), "main");
  EXPECT_EQ(std::get<HostPort>(answer), (HostPort{"127.0.0.1", 6380}));
}

TEST(SentinelMasterAddress, IsMissingForAnUnknownName) {
  EXPECT_THAT(fault_of(read_master_address(*reply_of("*-1\r\n"), "main")),
              HasSubstr("knows no master named main: correct ?master= in REDIS_URL"));
}

TEST(SentinelMasterAddress, OfAnotherShapeIsAFault) {
  for (const char* const strange :
       {"+OK\r\n", "*0\r\n", "*2\r\n:1\r\n:2\r\n", "*2\r\n$0\r\n\r\n$4\r\n6380\r\n",
        "*2\r\n$1\r\nh\r\n$1\r\n0\r\n", "*2\r\n$1\r\nh\r\n$5\r\n99999\r\n",
        "*2\r\n$1\r\nh\r\n$3\r\n12x\r\n", "*2\r\n$-1\r\n$-1\r\n"}) {
    EXPECT_EQ(fault_of(read_master_address(*reply_of(strange), "m")),
              "does not say where its master is")
        << strange;
  }
}

TEST(Sentinels, AreReadAsFarAsTheyCanBeUnderstood) {
  EXPECT_THAT(
      read_sentinels(*reply_of("*3\r\n*4\r\n$2\r\nip\r\n$1\r\na\r\n$4\r\nport\r\n$1\r\n7\r\n"
                               "*2\r\n$2\r\nip\r\n$1\r\nb\r\n:3\r\n")),
      ElementsAre(HostPort{"a", 7}));
  EXPECT_THAT(read_sentinels(*reply_of("-NOPERM no\r\n")), IsEmpty());
}

TEST(SentinelRefusal, NamesTheVariable) {
  EXPECT_THAT(describe_sentinel_refusal("NOAUTH Authentication required."),
              HasSubstr("set REDIS_SENTINEL_PASSWORD"));
  EXPECT_THAT(describe_sentinel_refusal("WRONGPASS invalid"), HasSubstr("REDIS_SENTINEL_USER"));
  EXPECT_THAT(describe_sentinel_refusal("NOPERM this user"),
              HasSubstr("+sentinel|get-master-addr-by-name"));
  EXPECT_THAT(describe_sentinel_refusal("ERR unknown command 'SENTINEL', with args"),
              HasSubstr("is not a Sentinel"));
}

}  // namespace
}  // namespace crolang::redis_registry
