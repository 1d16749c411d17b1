#include "config/values.hpp"

#include <gtest/gtest.h>

#include "unit/config/support.hpp"

namespace crolang::config {
namespace {

const std::vector<Variable> kVariables{
    {.name = "SET"},
    {.name = "DEFAULTED", .default_value = "default"},
    {.name = "ABSENT"},
    {.name = "SECRET", .secrecy = Secrecy::secret},
};

Values values(std::initializer_list<std::pair<std::string, std::string>> given) {
  return {test::environment(given), kVariables};
}

TEST(Values, AreWhatIsSetElseTheDefaultElseNothing) {
  const Values some = values({{"SET", "here"}, {"OTHER", "nobody's"}});
  EXPECT_EQ(some.find("SET"), "here");
  EXPECT_EQ(some.find("DEFAULTED"), "default");
  EXPECT_EQ(some.find("ABSENT"), std::nullopt);
  EXPECT_EQ(some.find("OTHER"), std::nullopt);
}

TEST(Values, StayWhatTheyWereWhenAFileChanges) {
  const test::Folder folder;
  const std::string file = folder.write("secret", "one");
  const Values before = values({{"SECRET_FILE", file}});
  folder.write("secret", "two");
  const Values after = values({{"SECRET_FILE", file}});
  EXPECT_EQ(before.find("SECRET"), "one");
  EXPECT_EQ(after.find("SECRET"), "two");
}

TEST(Values, AreComparedByWhatTheyAreNotWhereTheyComeFrom) {
  const test::Folder folder;
  const Values from_file = values({{"SECRET_FILE", folder.write("secret", "same")}});
  EXPECT_TRUE(from_file.is_same("SECRET", values({{"SECRET", "same"}})));
  EXPECT_FALSE(from_file.is_same("SECRET", values({{"SECRET", "other"}})));
  EXPECT_FALSE(from_file.is_same("SECRET", values({})));
  EXPECT_TRUE(from_file.is_same("ABSENT", values({})));
}

TEST(Values, TakeASingleOneFromOthers) {
  Values mine = values({{"SET", "mine"}, {"ABSENT", "mine"}});
  mine.take("SET", values({{"SET", "theirs"}}));
  mine.take("ABSENT", values({}));
  EXPECT_EQ(mine.find("SET"), "theirs");
  EXPECT_EQ(mine.find("ABSENT"), std::nullopt);
}

}  // namespace
}  // namespace crolang::config
