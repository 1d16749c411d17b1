#include "admin/query.hpp"

#include <gtest/gtest.h>

#include <array>

namespace crolang::admin {
namespace {

using Type = Parameter::Type;

const std::array kDeclaredParameters{
    Parameter{.name = "prefix", .type = Type::text, .most = 8},
    Parameter{.name = "limit", .type = Type::number, .default_value = "100", .least = 1, .most = 1000},
    Parameter{.name = "scope", .type = Type::choice, .choices = {"instance", "grid"}},
};

std::string fault_in(std::string_view query) {
  const auto result = read_query(query, kDeclaredParameters);
  const auto* fault = std::get_if<std::string>(&result);
  return fault == nullptr ? "" : *fault;
}

TEST(Query, ReadsWhatIsDeclaredAndFillsInDefaults) {
  const auto result = read_query("prefix=a%20b+c&scope=grid", kDeclaredParameters);
  const auto& parameters = std::get<Parameters>(result);
  EXPECT_EQ(parameters.text("prefix"), "a b c");
  EXPECT_EQ(parameters.text("scope"), "grid");
  EXPECT_EQ(parameters.number("limit"), 100u);
  EXPECT_EQ(std::get<Parameters>(read_query("", kDeclaredParameters)).find("prefix"), nullptr);
}

TEST(Query, RefusesWhatIsNotDeclared) {
  EXPECT_EQ(fault_in("color=red"), "unknown parameter color");
  EXPECT_EQ(fault_in("Limit=5"), "unknown parameter Limit");
  EXPECT_EQ(fault_in("limit=5&limit=6"), "limit is given more than once");
}

TEST(Query, RefusesValuesOutOfRange) {
  for (const char* value : {"0", "1001", "-1", "+1", "1.0", "", "99999999999999999999", "0x10"}) {
    EXPECT_EQ(fault_in("limit=" + std::string(value)), "limit is not a whole number from 1 to 1000")
        << value;
  }
  EXPECT_EQ(fault_in("limit=1000"), "");
  EXPECT_EQ(fault_in("scope=all"), "scope is not instance or grid");
  EXPECT_EQ(fault_in("prefix="), "prefix is empty");
  EXPECT_EQ(fault_in("prefix=123456789"), "prefix has more than 8 bytes");
}

TEST(Query, RefusesWhatIsNotPercentEncodedUtf8) {
  for (const char* query : {"prefix=%", "prefix=%4", "prefix=%zz", "prefix=%ff", "%c3=1"})
    EXPECT_EQ(fault_in(query), "the query is not percent-encoded UTF-8") << query;
}

TEST(Query, ASegmentMayContainAnEncodedSlash) {
  const auto segments = path_segments("/api/v1/nodes/a%2Fb");
  ASSERT_TRUE(segments);
  EXPECT_EQ(*segments, (std::vector<std::string>{"api", "v1", "nodes", "a/b"}));
  EXPECT_FALSE(path_segments("/a%"));
  EXPECT_FALSE(path_segments("a"));
}

}  // namespace
}  // namespace crolang::admin
