#include "webhook-common/json.hpp"

#include <gtest/gtest.h>

#include <string>

namespace crolang::webhook_common {
namespace {

std::string quoted(std::string_view text) {
  std::string out;
  append_string(out, text);
  return out;
}

TEST(Json, WritesStringsAsJsonStringifyDoes) {
  EXPECT_EQ(quoted(""), "\"\"");
  EXPECT_EQ(quoted("alice"), "\"alice\"");
  EXPECT_EQ(quoted("\"\\/"), R"("\"\\/")");
  EXPECT_EQ(quoted("\b\f\n\r\t\x01\x1f\x7f"), "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
  EXPECT_EQ(quoted("\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80"),
            "\"\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80\"");
  using namespace std::string_view_literals;
  EXPECT_EQ(quoted("a\0b"sv), R"("a\u0000b")");
}

TEST(Json, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(quoted("a\xff"), "\"a\xef\xbf\xbd\"");
}

TEST(Json, TakesBlanksOutOfObjectsAndArrays) {
  EXPECT_EQ(compact_container(" {\n\t\"a b\" : [ 1 , \" \\\" \" ] }\r\n"), R"({"a b":[1," \" "]})");
  EXPECT_EQ(compact_container("[]"), "[]");
  EXPECT_EQ(compact_container(R"(["\\", " \\" ])"), R"(["\\"," \\"])");
}

TEST(Json, ChangesNothingElse) {
  const char* const text =
      R"({"n":1.50,"e":1E+2,"big":123456789012345678901234567890,"n":"\u0041\/"})";
  EXPECT_EQ(compact_container(text), text);
}

TEST(Json, FindsNoContainerInAnythingElse) {
  for (const char* text : {"", " ", "1", "\"{}\"", "null", "true", "{", "[1,]", "{} x", "{\"a\":1",
                           "{'a':1}", "[\"\xff\"]", "\xef\xbb\xbf{}"}) {
    EXPECT_EQ(compact_container(text), std::nullopt) << text;
  }
}

TEST(Json, ReadsTrueAndFalse) {
  EXPECT_EQ(read_bool(R"({"a":true})", "a"), true);
  EXPECT_EQ(read_bool(R"( { "b" : 1, "a" : false } )", "a"), false);
}

TEST(Json, ReadsTheLastOfDoubledMembers) {
  EXPECT_EQ(read_bool(R"({"a":true,"a":false})", "a"), false);
  EXPECT_EQ(read_bool(R"({"a":true,"a":"no"})", "a"), std::nullopt);
  EXPECT_EQ(read_bool(R"({"a":{"a":{"a":{"a":1}}},"\u0061":true})", "a"), true);
}

TEST(Json, ReadsNoBoolOfAnotherType) {
  for (const char* text : {R"({"a":"true"})", R"({"a":1})", R"({"a":null})", R"({"a":[true]})",
                           R"({"a":{"a":true}})", R"({"A":true})", "{}", "[]", "true", "", "{",
                           R"({"a":true} x)", R"([{"a":true}])", "{\"a\":true,\"b\":\"\xff\"}"}) {
    EXPECT_EQ(read_bool(text, "a"), std::nullopt) << text;
  }
}

TEST(Json, ReadsANumber) {
  EXPECT_EQ(read_number(R"({"a":3600})", "a"), 3600.0);
  EXPECT_EQ(read_number(R"({"a":-1})", "a"), -1.0);
  EXPECT_EQ(read_number(R"({"b":1,"a":2.5})", "a"), 2.5);
  EXPECT_EQ(read_number(R"({"a":1,"a":2})", "a"), 2.0);
}

TEST(Json, ReadsNoNumberOfAnotherType) {
  for (const char* text : {R"({"a":"1"})", R"({"a":true})", R"({"a":null})", R"({"a":[1]})",
                           R"({"a":{"a":1}})", R"({"A":1})", R"({"a":1,"a":"1"})", "{}", "1", ""}) {
    EXPECT_EQ(read_number(text, "a"), std::nullopt) << text;
  }
}

TEST(Json, FindsAMemberWhateverItIs) {
  for (const char* text :
       {R"({"a":1})", R"({"a":null})", R"({"b":2,"a":[1]})", R"({"a":{}})", R"({"a":""})"}) {
    EXPECT_TRUE(has_member(text, "a")) << text;
  }
  for (const char* text : {"{}", R"({"A":1})", R"({"b":{"a":1}})", R"(["a"])", R"("a")", "", "{"}) {
    EXPECT_FALSE(has_member(text, "a")) << text;
  }
}

TEST(Json, ReadsAListOfStrings) {
  EXPECT_EQ(read_strings(R"({"a":["x","y","x","\u007a"]})", "a"), (TextSet{"x", "y", "z"}));
  EXPECT_EQ(read_strings(R"({"a":[]})", "a"), TextSet{});
}

TEST(Json, ReadsNoListOfAnythingElse) {
  for (const char* text :
       {R"({"a":"x"})", R"({"a":["x",1]})", R"({"a":["x",null]})", R"({"a":["x",["y"]]})",
        R"({"a":["x",{}]})", R"({"a":["x",[[[[[1]]]]]]})", R"({"a":{"0":"x"}})", R"({"a":null})",
        R"(["x"])", "{}", ""}) {
    EXPECT_EQ(read_strings(text, "a"), std::nullopt) << text;
  }
}

TEST(Json, TakesTheLastOfMembersThatAreGivenMoreThanOnce) {
  EXPECT_EQ(read_bool(R"({"a":false,"a":true})", "a"), true);
  EXPECT_EQ(read_bool(R"({"a":true,"a":1})", "a"), std::nullopt);
  EXPECT_EQ(read_bool(R"({"a":1,"a":true,"b":{"a":false}})", "a"), true);
  EXPECT_EQ(read_strings(R"({"a":["x",1],"a":["y"]})", "a"), (TextSet{"y"}));
  EXPECT_EQ(read_strings(R"({"a":["x"],"a":{"a":["y"]}})", "a"), std::nullopt);
  EXPECT_EQ(read_strings(R"({"a":["x",["z"],"y"],"b":["w"]})", "a"), std::nullopt);
  EXPECT_EQ(read_strings(R"({"b":["w"],"a":["x"],"c":[["v"]]})", "a"), (TextSet{"x"}));
}

TEST(Json, SaysWhyThereIsNoAnswer) {
  const auto why = [](std::string_view text) { return why_unreadable(text, "isA"); };
  EXPECT_EQ(why(""), "it is empty");
  EXPECT_EQ(why(" \r\n"), "it is empty");
  EXPECT_EQ(why("<!doctype html>"), "it starts with '<', so it is HTML or XML, not JSON");
  EXPECT_EQ(why("\x1f\x8b\x08"), "it is compressed, which was not requested");
  for (const char* text : {"OK", "{'isA': True}", R"({"isA":true)", R"({"isA":true} x)"}) {
    EXPECT_EQ(why(text), "it is not JSON") << text;
  }
  EXPECT_EQ(why("true"), "it is true or false, not an object");
  EXPECT_EQ(why(R"(["x"])"), "it is a list, not an object");
  EXPECT_EQ(why(R"("{\"isA\":true}")"), "it is a string, not an object");
  EXPECT_EQ(why(R"({"isA":"true"})"), "it is a string");
  EXPECT_EQ(why(R"({"isA":1})"), "it is a number");
  EXPECT_EQ(why(R"({"isA":true,"isA":null})"), "it is null");
  EXPECT_EQ(why(R"({"isA":{"isA":true}})"), "it is an object");
  EXPECT_EQ(why(R"({"isA":["x",{"id":"y"}]})"), "it is a list, but not of strings alone");
  EXPECT_EQ(why(R"({"IsA":true})"), "its name is spelled with different capitals");
  EXPECT_EQ(why(R"({"ok":true,"data":{"isA":true}})"), "there is no such member");
  EXPECT_EQ(why("{}"), "there is no such member");
}

TEST(Json, SurvivesDeepNesting) {
  constexpr std::size_t kDepth = 500'000;
  const std::string arrays = std::string(kDepth, '[') + std::string(kDepth, ']');
  std::string objects;
  for (std::size_t i = 0; i < kDepth; ++i) objects += "{\"a\":";
  objects += "1" + std::string(kDepth, '}');
  EXPECT_EQ(read_bool("{\"b\":" + arrays + ",\"a\":true}", "a"), true);
  EXPECT_EQ(read_bool(objects, "a"), std::nullopt);
  EXPECT_EQ(read_strings("{\"a\":[" + arrays + "]}", "a"), std::nullopt);
  EXPECT_EQ(compact_container(arrays), arrays);
  EXPECT_EQ(read_bool(std::string(kDepth, '['), "a"), std::nullopt);
  EXPECT_EQ(why_unreadable(objects, "a"), "it is an object");
}

}  // namespace
}  // namespace crolang::webhook_common
