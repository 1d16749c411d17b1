#include "broker/identity.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace crolang::broker {
namespace {

using namespace std::string_literals;
using Field = Identity::Field;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

std::vector<std::pair<std::string, std::string>> parameters(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> found;
  for_each_parameter(query, [&](std::string_view name, std::string_view value) {
    found.emplace_back(name, value);
  });
  return found;
}

std::string decoded(std::string_view value) {
  const auto found = parameters("x=" + std::string(value));
  return found.size() == 1 ? found.front().second : "not one parameter";
}

// ---- The request

TEST(Identity, KeepsTheRequestWhereThatIsWanted) {
  Identity identity = Identity::from_query("data=x&id=bob&runtime=js&version=1");
  EXPECT_EQ(identity.header_lines(), "");
  identity.keep_request("Host: a\r\nX-Team: red\r\n");
  EXPECT_EQ(identity.header_lines(), "Host: a\r\nX-Team: red\r\n");
  EXPECT_EQ(identity.id(), "bob");
  EXPECT_EQ(identity.field(Field::version), "1");
  EXPECT_EQ(identity.field(Field::runtime), "js");
  EXPECT_EQ(identity.field(Field::data), "x");
}

TEST(Identity, KeepsTheRequestBesideFieldsThatAreMissingOrGivenTwice) {
  Identity identity = Identity::from_query("id=bob&data=x&data=y");
  identity.keep_request("Host: a\r\n");
  EXPECT_EQ(identity.field(Field::data), std::nullopt);
  EXPECT_EQ(identity.field(Field::version), std::nullopt);
  EXPECT_EQ(identity.header_lines(), "Host: a\r\n");
  EXPECT_EQ(identity.id(), "bob");
}

TEST(Identity, KeepsNoRequestThatIsLongerThanAnyCanBe) {
  Identity identity = Identity::from_query("id=bob");
  identity.keep_request(std::string(0xffff, 'x'));
  EXPECT_EQ(identity.header_lines(), "");
  EXPECT_EQ(identity.id(), "bob");
}

// ---- The query

TEST(QueryParameters, ComeInTheOrderGiven) {
  EXPECT_THAT(parameters("id=a&EIO=4&id=b"),
              ElementsAre(Pair("id", "a"), Pair("EIO", "4"), Pair("id", "b")));
}

TEST(QueryParameters, AreNoneInAnEmptyQuery) {
  EXPECT_THAT(parameters(""), IsEmpty());
  EXPECT_THAT(parameters("&&"), IsEmpty());
}

TEST(QueryParameters, MayLackAValueOrAName) {
  EXPECT_THAT(parameters("id&sid=&=x&="),
              ElementsAre(Pair("id", ""), Pair("sid", ""), Pair("", "x"), Pair("", "")));
}

TEST(QueryParameters, EndTheirNameAtTheFirstEqualsSign) {
  EXPECT_THAT(parameters("data=a=b=="), ElementsAre(Pair("data", "a=b==")));
}

TEST(QueryParameters, AreSeparatedByAmpersandsOnly) {
  EXPECT_THAT(parameters("id=a;version=1?x"), ElementsAre(Pair("id", "a;version=1?x")));
}

TEST(QueryParameters, ReadAPlusAsABlank) {
  EXPECT_EQ(decoded("a+b+"), "a b ");
  EXPECT_EQ(decoded("a%2Bb"), "a+b");
}

TEST(QueryParameters, DecodeSequencesInEitherCase) {
  EXPECT_EQ(decoded("%41%c3%A4%26%3d%25"), "A\xC3\xA4&=%");
  EXPECT_EQ(decoded("a%00b"), "a\0b"s);
}

TEST(QueryParameters, DecodeNamesToo) {
  EXPECT_THAT(parameters("%69d=a&da+ta=b"), ElementsAre(Pair("id", "a"), Pair("da ta", "b")));
}

TEST(QueryParameters, LeaveBrokenSequencesAsTheyAre) {
  for (const std::string_view text : {"%", "%4", "%zz", "%4z", "%z4", "100%", "%%", "% 1"}) {
    EXPECT_EQ(decoded(text), text);
  }
  EXPECT_EQ(decoded("%%41"), "%A");
  EXPECT_EQ(decoded("%4%41"), "%4A");
}

TEST(QueryParameters, DecodeNothingBeyondTheirEnd) {
  const std::string_view query = "x=%41";
  EXPECT_THAT(parameters(query.substr(0, 4)), ElementsAre(Pair("x", "%4")));
  EXPECT_THAT(parameters(query.substr(0, 3)), ElementsAre(Pair("x", "%")));
}

TEST(QueryParameters, DecodeOnce) {
  EXPECT_EQ(decoded("%2541"), "%41");
  EXPECT_EQ(decoded("%252B"), "%2B");
}

// ---- Who a node is

TEST(IdentityFromQuery, FindsAllFieldsAmongOtherParameters) {
  const auto identity = Identity::from_query(
      "id=bob&EIO=4&version=1.2&transport=websocket&data=%7B%7D&t=x&runtime=jvm");
  EXPECT_EQ(identity.field(Field::id), "bob");
  EXPECT_EQ(identity.field(Field::version), "1.2");
  EXPECT_EQ(identity.field(Field::runtime), "jvm");
  EXPECT_EQ(identity.field(Field::data), "{}");
  EXPECT_EQ(identity.id(), "bob");
  EXPECT_EQ(identity.first_missing_field(), std::nullopt);
}

TEST(IdentityFromQuery, NeedsNoData) {
  const auto identity = Identity::from_query("id=bob&version=1&runtime=js");
  EXPECT_EQ(identity.field(Field::data), std::nullopt);
  EXPECT_EQ(identity.first_missing_field(), std::nullopt);
}

TEST(IdentityFromQuery, TellsEmptyFromAbsent) {
  const auto identity = Identity::from_query("id=&version=&runtime&data=");
  EXPECT_EQ(identity.field(Field::id), "");
  EXPECT_EQ(identity.field(Field::version), "");
  EXPECT_EQ(identity.field(Field::runtime), "");
  EXPECT_EQ(identity.field(Field::data), "");
  EXPECT_EQ(identity.first_missing_field(), std::nullopt);
}

TEST(IdentityFromQuery, TrimsNothing) {
  EXPECT_EQ(Identity::from_query("id=+a%09&version=1&runtime=x").id(), " a\t");
}

TEST(IdentityFromQuery, TakesNamesInTheirCaseOnly) {
  const auto identity = Identity::from_query("ID=a&Version=1&runtime=x&id[]=b");
  EXPECT_EQ(identity.field(Field::id), std::nullopt);
  EXPECT_EQ(identity.field(Field::version), std::nullopt);
  EXPECT_EQ(identity.field(Field::runtime), "x");
}

TEST(IdentityFromQuery, NamesTheFirstFieldThatIsMissing) {
  const std::pair<std::string_view, Field> cases[] = {
      {"", Field::id},
      {"version=1&runtime=x&data=d", Field::id},
      {"runtime=x", Field::id},
      {"id=a&runtime=x", Field::version},
      {"id=a&data=d", Field::version},
      {"version=1&id=a", Field::runtime},
  };
  for (const auto& [query, field] : cases) {
    EXPECT_EQ(Identity::from_query(query).first_missing_field(), field) << query;
  }
}

TEST(IdentityFromQuery, CountsAFieldGivenTwiceAsNotGiven) {
  const std::pair<std::string_view, Field> cases[] = {
      {"id=a&id=a&version=1&runtime=x", Field::id},
      {"id=a&version=1&runtime=x&id=", Field::id},
      {"id=a&id=b&id=c&version=1&runtime=x", Field::id},
      {"id=a&i%64=b&version=1&runtime=x", Field::id},
      {"id=a&version=1&version=1&runtime=x", Field::version},
      {"id=a&version=1&runtime=x&runtime=y", Field::runtime},
  };
  for (const auto& [query, field] : cases) {
    EXPECT_EQ(Identity::from_query(query).first_missing_field(), field) << query;
  }
  EXPECT_EQ(Identity::from_query("id=a&version=1&runtime=x&data=1&data=2").field(Field::data),
            std::nullopt);
}

TEST(IdentityFromQuery, KeepsWhatFollowsAFieldGivenTwice) {
  const auto identity = Identity::from_query("version=1&version=2&id=bob&runtime=x");
  EXPECT_EQ(identity.id(), "bob");
  EXPECT_EQ(identity.field(Field::runtime), "x");
}

TEST(IdentityFromQuery, OutlivesTheQuery) {
  std::string query = "id=bob&version=1&runtime=x";
  const auto identity = Identity::from_query(query);
  query.assign(query.size(), '-');
  EXPECT_EQ(identity.id(), "bob");
}

TEST(IdentityFromQuery, LosesAFieldThatNoRequestHeaderHasRoomFor) {
  const auto identity =
      Identity::from_query("id=bob&data=" + std::string(70'000, 'x') + "&version=1&runtime=x");
  EXPECT_EQ(identity.id(), "bob");
  EXPECT_EQ(identity.field(Field::data), std::nullopt);
  EXPECT_EQ(identity.field(Field::version), "1");
  EXPECT_EQ(identity.first_missing_field(), std::nullopt);
}

TEST(IdentityFromQuery, KeepsAsMuchAsARequestHeaderMayHold) {
  const std::string data(16'000, 'x');
  const auto identity = Identity::from_query("id=bob&data=" + data + "&version=1&runtime=x");
  EXPECT_EQ(identity.field(Field::data), data);
}

// ---- Ids

TEST(CheckId, AcceptsWhatIsNotRefused) {
  for (const std::string_view id : {"a", "0", "a b", "__proto__", "\"q\"", "a/b?c&d", "\xC3\xA4",
                                    "\xF0\x9F\x98\x80", "a\xC2\xA0z", "\xC2\xA1"}) {
    EXPECT_EQ(check_id(id, 256), IdFault::none) << id;
  }
}

TEST(CheckId, RefusesTheEmptyId) {
  EXPECT_EQ(check_id("", 256), IdFault::empty);
}

TEST(CheckId, RefusesMoreBytesThanAllowed) {
  EXPECT_EQ(check_id(std::string(256, 'a'), 256), IdFault::none);
  EXPECT_EQ(check_id(std::string(257, 'a'), 256), IdFault::too_long);
  // Bytes, not characters.
  EXPECT_EQ(check_id("\xC3\xA4\xC3\xA4", 3), IdFault::too_long);
}

TEST(CheckId, RefusesWhatIsNotUtf8) {
  for (const std::string_view id : {"\xFF", "a\xC3", "\xC0\xAF", "\xED\xA0\x80", "\x80", "a\xC2"}) {
    EXPECT_EQ(check_id(id, 256), IdFault::not_utf8);
  }
}

TEST(CheckId, RefusesControlCharactersAnywhere) {
  for (const std::string& id :
       {"\0"s, "a\0b"s, "a\nb"s, "\ra"s, "a\t"s, "a\x1F"s, "\x7F"s, "a\xC2\x80z"s, "\xC2\x9F"s}) {
    EXPECT_EQ(check_id(id, 256), IdFault::control_character) << id;
  }
}

TEST(CheckId, RefusesWhiteSpaceAtItsEdges) {
  // Blank, no-break space, ogham space, en quad, line separator, ideographic space, byte order
  // mark.
  for (const std::string& space : {" "s, "\xC2\xA0"s, "\xE1\x9A\x80"s, "\xE2\x80\x80"s,
                                   "\xE2\x80\xA8"s, "\xE3\x80\x80"s, "\xEF\xBB\xBF"s}) {
    EXPECT_EQ(check_id(space + "a", 256), IdFault::whitespace_at_edge);
    EXPECT_EQ(check_id("a" + space, 256), IdFault::whitespace_at_edge);
    EXPECT_EQ(check_id(space, 256), IdFault::whitespace_at_edge);
    EXPECT_EQ(check_id("a" + space + "z", 256), IdFault::none);
  }
}

}  // namespace
}  // namespace crolang::broker
