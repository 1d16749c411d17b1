#include "tls/server_names.hpp"

#include <gtest/gtest.h>

namespace crolang::tls {
namespace {

TEST(ServerNamesTest, AnExactNameGoesBeforeAWildcard) {
  ServerNames names;
  names.add({"*.example.org", "example.org"}, 0);
  names.add({"api.example.org"}, 1);
  EXPECT_EQ(names.find("api.example.org"), 1U);
  EXPECT_EQ(names.find("www.example.org"), 0U);
  EXPECT_EQ(names.find("example.org"), 0U);
}

TEST(ServerNamesTest, AWildcardStandsForOneLabel) {
  ServerNames names;
  names.add({"*.example.org"}, 0);
  EXPECT_EQ(names.find("a.b.example.org"), std::nullopt);
  EXPECT_EQ(names.find("example.org"), std::nullopt);
  EXPECT_EQ(names.find(".example.org"), std::nullopt);
}

TEST(ServerNamesTest, TheCaseOfLettersDoesNotCount) {
  ServerNames names;
  names.add({"example.org", "*.example.org"}, 0);
  EXPECT_EQ(names.find("EXAMPLE.org"), 0U);
  EXPECT_EQ(names.find("Www.Example.Org"), 0U);
}

TEST(ServerNamesTest, TheFirstPairKeepsAName) {
  ServerNames names;
  names.add({"example.org"}, 0);
  names.add({"example.org"}, 1);
  EXPECT_EQ(names.find("example.org"), 0U);
}

TEST(ServerNamesTest, OtherNamesAreNotFound) {
  const ServerNames names;
  EXPECT_EQ(names.find("example.org"), std::nullopt);
  EXPECT_EQ(names.find(""), std::nullopt);
}

}  // namespace
}  // namespace crolang::tls
