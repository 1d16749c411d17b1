#include "config/print.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "config/dotenv.hpp"
#include "config/settings.hpp"
#include "unit/config/support.hpp"

namespace crolang::config {
namespace {

using test::environment;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<Variable> kPluginVariables{
    {.name = "TOKEN",
     .help = "what nodes must know",
     .presence = Presence::required,
     .secrecy = Secrecy::secret,
     .group = "org.example.token"},
    {.name = "OTHER", .help = "of another plugin", .group = "org.example.other"},
    {.name = "TOKEN_LENGTH",
     .type = Type::uint,
     .default_value = "8",
     .help = "its length",
     .group = "org.example.token"}};

TEST(Help, ListsEveryVariableWithDefaultAndMeaning) {
  const std::string help = help_text();
  for (const Variable& each : variables()) EXPECT_THAT(help, HasSubstr("\n  " + each.name));
  EXPECT_THAT(help, HasSubstr("  PORT [8080]\n      TCP port to listen on (1 to 65535)\n"));
  EXPECT_THAT(help, HasSubstr("  WORKERS [the CPUs available to it]\n"));
  EXPECT_THAT(help, HasSubstr("  REDIS_URL [one broker on its own] (secret)\n"));
}

TEST(Help, GroupsThePluginsVariablesUnderTheirPlugin) {
  EXPECT_THAT(help_text(kPluginVariables),
              HasSubstr("\norg.example.token:\n"
                        "  TOKEN (required) (secret)\n      what nodes must know\n"
                        "  TOKEN_LENGTH [8]\n      its length\n"
                        "\norg.example.other:\n"
                        "  OTHER\n      of another plugin\n"));
}

TEST(Help, ListsTheExitCodes) {
  for (const char* code : {"  0  normal exit\n", "  1  could not start", "  2  invalid config",
                           "  3  a configured plugin", "  4  a plugin did not stop in time\n"})
    EXPECT_THAT(help_text(), HasSubstr(code));
}

TEST(Help, HasAtMostAHundredColumns) {
  std::istringstream in(help_text(kPluginVariables));
  for (std::string line; std::getline(in, line);) EXPECT_LE(line.size(), 102u) << line;
}

TEST(PrintConfig, ShowsWhereEachValueComesFrom) {
  Environment given = environment({{"PORT", "9000"}});
  given.entries["WORKERS"] = {.text = "3", .source = Source::dotenv};
  const std::string text = config_text(given);
  EXPECT_THAT(text, HasSubstr("PORT=9000  # environment\n"));
  EXPECT_THAT(text, HasSubstr("WORKERS=3  # .env\n"));
  EXPECT_THAT(config_text(environment()),
              HasSubstr("WORKERS=" + std::to_string(load(environment()).settings.workers) +
                        "  # default: the CPUs available to it\n"));
  EXPECT_THAT(text, HasSubstr("LOG_LEVEL=0  # default\n"));
  EXPECT_THAT(text, HasSubstr("BIND_ADDRESS=  # not set: :: with IPv4, else 0.0.0.0\n"));
  EXPECT_THAT(text, HasSubstr("NODES_REGISTRY_PLUGIN=  # not set\n"));
}

TEST(PrintConfig, MasksSecretsAndUrls) {
  const std::string text =
      config_text(environment({{"REDIS_URL", "redis://user:hush@host"},
                               {"TOKEN", "hush"},
                               {"NODES_AUTHENTICATION_WEBHOOK_URL", "https://u:hush@h/x?hush"}}),
                  kPluginVariables);
  EXPECT_THAT(text, AllOf(HasSubstr("REDIS_URL=***  # environment\n"), HasSubstr("\nTOKEN=***  #"),
                          HasSubstr("NODES_AUTHENTICATION_WEBHOOK_URL=https://***@h/x?***  #")));
  EXPECT_THAT(text, Not(HasSubstr("hush")));
}

TEST(PrintConfig, NamesTheSecretFileButNotItsContent) {
  const test::Folder folder;
  const std::string file = folder.write("url", "redis://hush");
  EXPECT_THAT(config_text(environment({{"REDIS_URL_FILE", file}})),
              AllOf(HasSubstr("REDIS_URL=***  # file " + file), Not(HasSubstr("hush"))));
}

TEST(PrintConfig, SaysWhyThereIsNoValue) {
  EXPECT_THAT(config_text(environment({{"REDIS_URL_FILE", "/nowhere/x"}})),
              HasSubstr("REDIS_URL=  # REDIS_URL_FILE: \"/nowhere/x\" cannot be read"));
}

TEST(PrintConfig, CanBeReadBackAsADotEnvFile) {
  const std::string odd = "a # b \"c\" 'd' \\n \n e";
  const DotEnv read = parse_dotenv(config_text(environment({{"PLUGINS_DIR", odd}})));
  EXPECT_THAT(read.faults, ::testing::IsEmpty());
  EXPECT_THAT(read.values, ::testing::Contains(::testing::Pair("PLUGINS_DIR", odd)));
  EXPECT_THAT(read.values, ::testing::Contains(::testing::Pair("PORT", "8080")));
}

TEST(Markdown, HasARowForEachVariable) {
  const std::string table = markdown_table();
  EXPECT_EQ(static_cast<std::size_t>(std::count(table.begin(), table.end(), '\n')),
            variables().size() + 2);
  EXPECT_THAT(table, HasSubstr("| `PORT` | `8080` | TCP port to listen on (1 to 65535) |\n"));
}

TEST(Markdown, EscapesBarsInCells) {
  const std::vector<Variable> odd{{.name = "A", .default_value = "x|y", .help = "a|b"}};
  EXPECT_THAT(markdown_table(odd), HasSubstr("| `A` | `x\\|y` | a\\|b |\n"));
}

TEST(Markdown, SaysWhichPluginsReadWhatTheHostDoesNot) {
  const std::vector<Variable> read{
      {.name = "A", .default_value = "1", .help = "a", .group = "org.example.one"},
      {.name = "PORT", .help = "the host's", .group = "org.example.one"},
      {.name = "B", .help = "b", .presence = Presence::required, .group = "org.example.one"},
      {.name = "A", .default_value = "1", .help = "a", .group = "org.example.two"}};
  EXPECT_EQ(plugin_markdown_table(read),
            "| variable | default | meaning | read by |\n|---|---|---|---|\n"
            "| `A` | `1` | a | one, two |\n| `B` | required | b | one |\n");
}

// crolang-broker --print-config-markdown prints what must stand there.
TEST(Markdown, StandsInTheConfigurationPage) {
  std::ifstream file(CROLANG_CONFIGURATION_PAGE);
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const std::string begin = "<!-- variables:begin -->\n";
  const std::size_t from = page.find(begin);
  const std::size_t to = page.find("<!-- variables:end -->");
  ASSERT_NE(from, std::string::npos) << CROLANG_CONFIGURATION_PAGE;
  ASSERT_NE(to, std::string::npos) << CROLANG_CONFIGURATION_PAGE;
  EXPECT_EQ(page.substr(from + begin.size(), to - from - begin.size()), markdown_table());
}

}  // namespace
}  // namespace crolang::config
