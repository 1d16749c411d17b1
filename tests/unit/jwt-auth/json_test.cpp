#include "jwt-auth/json.hpp"

#include <gtest/gtest.h>

#include <string>

namespace crolang::jwt_auth {
namespace {

std::string nested(int depth) {
  const auto levels = static_cast<std::size_t>(depth);
  return R"({"a":)" + std::string(levels, '[') + std::string(levels, ']') + "}";
}

TEST(ParseObject, ReadsAnObject) {
  const auto object = parse_object(R"( {"a":1,"b":{"a":[{"a":2},{"a":3}]}} )");
  ASSERT_TRUE(object);
  EXPECT_EQ((*object)["b"]["a"][1]["a"], 3);
}

TEST(ParseObject, RefusesWhatIsNoObject) {
  for (const char* text : {"", "[]", "\"a\"", "1", "null", "true", "{", "{}}", "{} {}", "{'a':1}",
                           R"({"a":1,})", R"({"a":NaN})", R"({"a":1e999})", "{\"a\":\"\xff\"}"}) {
    EXPECT_FALSE(parse_object(text)) << text;
  }
}

TEST(ParseObject, RefusesAMemberThatIsGivenTwice) {
  EXPECT_FALSE(parse_object(R"({"a":1,"a":1})"));
  EXPECT_FALSE(parse_object(R"({"a":1,"b":2,"\u0061":3})"));
  EXPECT_FALSE(parse_object(R"({"a":[{"b":1},{"b":1,"c":{},"b":2}]})"));
}

TEST(ParseObject, TakesTheSameNameInDifferentObjects) {
  EXPECT_TRUE(parse_object(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]})"));
}

TEST(ParseObject, RefusesWhatIsNestedTooDeeply) {
  EXPECT_TRUE(parse_object(nested(20)));
  EXPECT_FALSE(parse_object(nested(40)));
  EXPECT_FALSE(parse_object(nested(100'000)));
}

TEST(StringMember, FindsStringsOnly) {
  const auto object = parse_object(R"({"text":"x","number":1,"nothing":null})");
  ASSERT_TRUE(object);
  EXPECT_EQ(*string_member(*object, "text"), "x");
  EXPECT_EQ(string_member(*object, "number"), nullptr);
  EXPECT_EQ(string_member(*object, "nothing"), nullptr);
  EXPECT_EQ(string_member(*object, "absent"), nullptr);
}

}  // namespace
}  // namespace crolang::jwt_auth
