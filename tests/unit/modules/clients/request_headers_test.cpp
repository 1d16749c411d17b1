#include "modules/clients/request_headers.hpp"

#include <gtest/gtest.h>

#include <string>

namespace crolang::modules {
namespace {

constexpr std::string_view kLines =
    "Host: broker.example\r\nX-Forwarded-For: 192.0.2.7, 10.0.0.1\r\nx-team:\tred \r\n"
    "X-Team: blue\r\nEmpty:\r\n\r\n";

TEST(RequestHeaders, AreFoundWhateverTheCaseOfTheirName) {
  EXPECT_EQ(find_header(kLines, "host"), "broker.example");
  EXPECT_EQ(find_header(kLines, "X-FORWARDED-FOR"), "192.0.2.7, 10.0.0.1");
}

TEST(RequestHeaders, OfTheSameNameTheFirstCounts) {
  EXPECT_EQ(find_header(kLines, "X-Team"), "red");
}

TEST(RequestHeaders, TellAnEmptyOneFromNone) {
  EXPECT_EQ(find_header(kLines, "Empty"), "");
  EXPECT_EQ(find_header(kLines, "Emp"), std::nullopt);
  EXPECT_EQ(find_header(kLines, "Empty:"), std::nullopt);
  EXPECT_EQ(find_header(kLines, ""), std::nullopt);
}

TEST(RequestHeaders, AreCountedInTheOrderSent) {
  HeaderList list(kLines);
  EXPECT_EQ(list.at(0), (RequestHeader{"Host", "broker.example"}));
  EXPECT_EQ(list.at(1), (RequestHeader{"X-Forwarded-For", "192.0.2.7, 10.0.0.1"}));
  EXPECT_EQ(list.at(2), (RequestHeader{"x-team", "red"}));
  EXPECT_EQ(list.at(3), (RequestHeader{"X-Team", "blue"}));
  EXPECT_EQ(list.at(4), (RequestHeader{"Empty", ""}));
  EXPECT_EQ(list.at(5), std::nullopt);
  EXPECT_EQ(list.at(5), std::nullopt);
}

TEST(RequestHeaders, AreReadInAnyOrder) {
  HeaderList list(kLines);
  EXPECT_EQ(list.at(3), (RequestHeader{"X-Team", "blue"}));
  EXPECT_EQ(list.at(3), (RequestHeader{"X-Team", "blue"}));
  EXPECT_EQ(list.at(9), std::nullopt);
  EXPECT_EQ(list.at(4), (RequestHeader{"Empty", ""}));
  EXPECT_EQ(list.at(0), (RequestHeader{"Host", "broker.example"}));
  EXPECT_EQ(list.at(2), (RequestHeader{"x-team", "red"}));
}

TEST(HeaderSelection, HasTheLinesOfItsNames) {
  std::string scratch;
  EXPECT_EQ(HeaderSelection::of("X-TEAM, empty,Absent").select(kLines, scratch),
            "x-team:\tred \r\nX-Team: blue\r\nEmpty:\r\n");
  EXPECT_EQ(HeaderSelection::of("Host").select("Host: x", scratch), "Host: x");
  EXPECT_EQ(HeaderSelection::of(" ,").select(kLines, scratch), "");
  EXPECT_EQ(HeaderSelection::of("").select(kLines, scratch), "");
}

TEST(HeaderSelection, MayBeOfAll) {
  std::string scratch;
  EXPECT_EQ(HeaderSelection::all().select(kLines, scratch), kLines);
}

// Were each looked for from the beginning, this would take minutes.
TEST(RequestHeaders, OfAnyNumberAreReadOnceEach) {
  constexpr std::size_t kMany = 300'000;
  std::string lines;
  for (std::size_t i = 0; i < kMany; ++i) lines += "a:\r\n";
  HeaderList list(lines);
  std::size_t count = 0;
  while (list.at(count)) ++count;
  EXPECT_EQ(count, kMany);
}

TEST(RequestHeaders, MayBeNone) {
  EXPECT_EQ(HeaderList("").at(0), std::nullopt);
  EXPECT_EQ(find_header("", "host"), std::nullopt);
  EXPECT_EQ(HeaderList("\r\n").at(0), std::nullopt);
}

}  // namespace
}  // namespace crolang::modules
