#include "config/environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "unit/config/support.hpp"

namespace crolang::config {
namespace {

using test::environment;
using test::Folder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const Variable kPort{.name = "PORT", .type = Type::uint, .default_value = "8080"};
const Variable kName{.name = "NAME"};
const Variable kSecret{.name = "SECRET", .secrecy = Secrecy::secret};

TEST(Environment, HoldsTheProcessEnvironment) {
  const char* const process[] = {"PORT=1", "X=a=b", "odd", nullptr};
  const Environment read = read_environment(process, "/nowhere/.env");
  EXPECT_THAT(read.faults, IsEmpty());
  EXPECT_EQ(read.entries.at("PORT").text, "1");
  EXPECT_EQ(read.entries.at("X").text, "a=b");
  EXPECT_EQ(read.entries.size(), 2u);
}

TEST(Environment, AddsTheDotEnvFileBelowTheProcess) {
  const Folder folder;
  const std::string file = folder.write(".env", "PORT=2\nNAME=bob\nNAME=alice\n");
  const char* const process[] = {"PORT=1", nullptr};
  const Environment read = read_environment(process, file);
  EXPECT_EQ(find(read, kPort).text, "1");
  EXPECT_EQ(find(read, kPort).from, "environment");
  EXPECT_EQ(find(read, kName).text, "alice");
  EXPECT_EQ(find(read, kName).from, ".env");
}

TEST(Environment, AnEmptyValueOfTheProcessHidesTheDotEnvFile) {
  const Folder folder;
  const char* const process[] = {"PORT=", nullptr};
  const Environment read = read_environment(process, folder.write(".env", "PORT=2"));
  EXPECT_EQ(find(read, kPort).text, "8080");
}

TEST(Environment, ReportsMalformedLinesWithFileAndNumber) {
  const Folder folder;
  const char* const process[] = {nullptr};
  const Environment read = read_environment(process, folder.write(".env", "A=1\nnonsense\n"));
  EXPECT_THAT(read.faults, ElementsAre(HasSubstr("/.env: line 2 is not NAME=value")));
}

TEST(Environment, WarnsOfWhatTheDotEnvFileSetsTwice) {
  const Folder folder;
  const char* const process[] = {nullptr};
  const Environment read = read_environment(process, folder.write(".env", "A=1\nB=2\nA=3\nB=2\n"));
  EXPECT_EQ(read.entries.at("A").text, "3");
  EXPECT_THAT(read.warnings, ElementsAre(HasSubstr("/.env sets A more than once: the last")));
}

TEST(Environment, ReportsADotEnvFileThatCannotBeRead) {
  const Folder folder;
  std::filesystem::create_directory(folder.path() / ".env");
  const char* const process[] = {nullptr};
  const Environment read = read_environment(process, folder.path() / ".env");
  EXPECT_THAT(read.faults, ElementsAre(HasSubstr("/.env cannot be read: it is a folder")));
}

TEST(Environment, FindsTheDefaultOfWhatIsNotSet) {
  const Found found = find(environment(), kPort);
  EXPECT_EQ(found.text, "8080");
  EXPECT_EQ(found.source, Source::default_value);
}

TEST(Environment, FindsNothingWithoutValueAndDefault) {
  const Found found = find(environment({{"NAME", ""}}), kName);
  EXPECT_EQ(found.text, "");
  EXPECT_EQ(found.source, Source::unset);
  EXPECT_EQ(found.fault, "");
}

TEST(SecretFile, GivesTheValueWithoutWhiteSpaceAroundIt) {
  const Folder folder;
  const std::string file = folder.write("secret", "\n  hush hush \r\n");
  const Found found = find(environment({{"SECRET_FILE", file}}), kSecret);
  EXPECT_EQ(found.text, "hush hush");
  EXPECT_EQ(found.source, Source::file);
  EXPECT_EQ(found.from, "file " + file);
}

TEST(SecretFile, AndTheVariableItselfAreAFault) {
  const Folder folder;
  const Found found = find(
      environment({{"SECRET", "hush"}, {"SECRET_FILE", folder.write("secret", "hush")}}), kSecret);
  EXPECT_EQ(found.fault, "SECRET and SECRET_FILE are both set: choose one");
  EXPECT_EQ(found.text, "");
}

TEST(SecretFile, ThatIsEmptyIsAFault) {
  const Folder folder;
  const std::string file = folder.write("secret", " \n");
  EXPECT_EQ(find(environment({{"SECRET_FILE", file}}), kSecret).fault,
            "SECRET_FILE: \"" + file + "\" consists only of blanks or quotes");
  const std::string empty = folder.write("empty", "");
  EXPECT_EQ(find(environment({{"SECRET_FILE", empty}}), kSecret).fault,
            "SECRET_FILE: \"" + empty + "\" is empty");
}

TEST(SecretFile, ThatIsMissingIsAFault) {
  EXPECT_EQ(find(environment({{"SECRET_FILE", "/nowhere/x"}}), kSecret).fault,
            "SECRET_FILE: \"/nowhere/x\" cannot be read: No such file or directory");
}

TEST(SecretFile, ThatIsTheSecretItselfIsNotShown) {
  for (const char* secret : {"hunter2", "redis://:hunter2@host/0",
                             "/hunter2hunter2aGVsbG8=", "-----BEGIN KEY-----\nhunter2"}) {
    const std::string fault = find(environment({{"SECRET_FILE", secret}}), kSecret).fault;
    EXPECT_THAT(fault, HasSubstr("SECRET_FILE: its value (not shown")) << fault;
    EXPECT_THAT(fault, HasSubstr("the secret itself belongs in SECRET")) << fault;
    EXPECT_THAT(fault, Not(HasSubstr("hunter2"))) << fault;
  }
}

TEST(Secret, ThatIsTheNameOfAFileIsWarnedAbout) {
  const Folder folder;
  const std::string file = folder.write("secret", "hush");
  const Found found = find(environment({{"SECRET", file}}), kSecret);
  EXPECT_EQ(found.text, file);
  EXPECT_EQ(found.note,
            "SECRET: its value from environment is the name of an existing file: is "
            "SECRET_FILE meant?");
  EXPECT_EQ(find(environment({{"SECRET", "/nowhere/x"}}), kSecret).note, "");
}

TEST(Value, ThatRefersToAnotherVariableIsWarnedAbout) {
  for (const char* value : {"redis://:${PASSWORD}@host", "$(PASSWORD)", "${PASSWORD:-x}"}) {
    EXPECT_EQ(find(environment({{"SECRET", value}}), kSecret).note,
              "SECRET: its value from environment contains a reference to another variable, which "
              "is not expanded here: write the value itself");
  }
  for (const char* value : {"pa$$word", "a$b", "${", "$()", "${not one}", "$"}) {
    EXPECT_EQ(find(environment({{"SECRET", value}}), kSecret).note, "") << value;
  }
}

TEST(SecretFile, ThatIsHugeIsAFault) {
  const Folder folder;
  const std::string file = folder.write("secret", std::string(2 * 1024 * 1024, 'x'));
  EXPECT_THAT(find(environment({{"SECRET_FILE", file}}), kSecret).fault,
              HasSubstr("larger than 1 MiB"));
}

TEST(SecretFile, ThatIsAPipeIsAFaultInsteadOfAWaitForItsWriter) {
  const Folder folder;
  const std::string pipe = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(find(environment({{"SECRET_FILE", pipe}}), kSecret).fault,
              HasSubstr("cannot be read: it is a pipe"));
}

TEST(SecretFile, MayBeginWithAByteOrderMarkAndHaveQuotes) {
  const Folder folder;
  const std::string file = folder.write("secret", "\xEF\xBB\xBF\"hush\"\n");
  const Found found = find(environment({{"SECRET_FILE", file}}), kSecret);
  EXPECT_EQ(found.text, "hush");
  EXPECT_THAT(found.note, HasSubstr("SECRET_FILE: \"" + file + "\" had quotes around it"));
}

TEST(SecretFile, IsFoundWhateverStandsAroundItsName) {
  const Folder folder;
  const std::string file = folder.write("secret", "hush");
  for (const std::string& name : {file + "\r", "\"" + file + "\"", " " + file + "\n"})
    EXPECT_EQ(find(environment({{"SECRET_FILE", name}}), kSecret).text, "hush");
  EXPECT_EQ(find(environment({{"SECRET_FILE", " "}}), kSecret).fault,
            "SECRET_FILE: its value consists only of blanks or quotes");
}

TEST(SecretFile, InUtf16IsAFault) {
  const Folder folder;
  const std::string file = folder.write("secret", std::string_view("\xFF\xFEh\0u\0", 6));
  const Found found = find(environment({{"SECRET_FILE", file}}), kSecret);
  EXPECT_EQ(found.text, "");
  EXPECT_THAT(found.fault, HasSubstr("SECRET_FILE: \"" + file + "\" is UTF-16"));
}

TEST(Values, ThatAreTextsOrUrlsAreCleaned) {
  const Variable url{.name = "URL", .type = Type::url};
  for (const auto& variable : {kName, kSecret, url}) {
    const Found found = find(environment({{variable.name, " \xEF\xBB\xBFx\r\n"}}), variable);
    EXPECT_EQ(found.text, "x");
    EXPECT_EQ(found.from, "environment");
    EXPECT_THAT(found.note, IsEmpty());
    const Found quoted = find(environment({{variable.name, "\"x\""}}), variable);
    EXPECT_EQ(quoted.text, "x");
    EXPECT_THAT(quoted.note,
                HasSubstr(variable.name + ": its value from environment had quotes around it"));
  }
}

TEST(Values, WithInvisibleEndsAreFaultsThatDoNotShowThem) {
  const Found found = find(environment({{"SECRET", "hush\xC2\xA0"}}), kSecret);
  EXPECT_EQ(found.text, "");
  EXPECT_EQ(found.fault,
            "SECRET: its value from environment ends with a no-break space (U+00A0), which is "
            "invisible: remove it");
}

TEST(Values, ThatAreNumbersAreTakenAsTheyAre) {
  EXPECT_EQ(find(environment({{"PORT", " 1"}}), kPort).text, " 1");
}

TEST(SecretFile, IsNotReadForVariablesThatAreNotSecret) {
  const Folder folder;
  const Found found = find(environment({{"NAME_FILE", folder.write("name", "bob")}}), kName);
  EXPECT_EQ(found.source, Source::unset);
}

}  // namespace
}  // namespace crolang::config
