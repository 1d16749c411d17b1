#include "config/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace crolang::config {
namespace {

using Kind = Command::Kind;
using ::testing::HasSubstr;
using ::testing::Not;

Command parse(std::vector<const char*> words) {
  words.insert(words.begin(), "crolang-broker");
  words.push_back(nullptr);
  return parse_command_line(static_cast<int>(words.size()) - 1, words.data());
}

TEST(CommandLine, RunsWithoutArguments) {
  EXPECT_EQ(parse({}).kind, Kind::run);
}

TEST(CommandLine, KnowsItsOptions) {
  EXPECT_EQ(parse({"--help"}).kind, Kind::help);
  EXPECT_EQ(parse({"-h"}).kind, Kind::help);
  EXPECT_EQ(parse({"--version"}).kind, Kind::version);
  EXPECT_EQ(parse({"--check-config"}).kind, Kind::check_config);
  EXPECT_EQ(parse({"--print-config"}).kind, Kind::print_config);
  EXPECT_EQ(parse({"--print-config-markdown"}).kind, Kind::print_markdown);
}

TEST(CommandLine, ListsPlugins) {
  EXPECT_EQ(parse({"plugins"}).kind, Kind::plugins_list);
}

TEST(CommandLine, ChecksTheHealthOfARunningBroker) {
  EXPECT_EQ(parse({"healthcheck"}).kind, Kind::healthcheck);
  EXPECT_EQ(parse({"healthcheck", "now"}).kind, Kind::usage_error);
  EXPECT_EQ(parse({"healthcheck", "plugins"}).kind, Kind::usage_error);
}

TEST(CommandLine, ChecksIceServers) {
  const Command command = parse({"check-ice"});
  EXPECT_EQ(command.kind, Kind::check_ice);
  EXPECT_EQ(command.check_ice.node, "check-ice");
  EXPECT_EQ(command.check_ice.format, CheckIce::Format::table);
  EXPECT_EQ(parse({"check-ice", "--node", "alice", "--json"}).check_ice.node, "alice");
  EXPECT_EQ(parse({"check-ice", "--json"}).check_ice.format, CheckIce::Format::json);
}

TEST(CommandLine, ChecksIceServersThatItNames) {
  const Command command = parse({"check-ice", "--turn-url", "turn:a", "--turn-url=turn:b",
                                 "--stun-url", "stun:c", "--secret", "s"});
  EXPECT_EQ(command.kind, Kind::check_ice);
  EXPECT_EQ(command.check_ice.turn_urls, (std::vector<std::string>{"turn:a", "turn:b"}));
  EXPECT_EQ(command.check_ice.stun_urls, (std::vector<std::string>{"stun:c"}));
  EXPECT_EQ(command.check_ice.secret, "s");
}

TEST(CommandLine, RefusesOptionsOfCheckIceThatDoNotFit) {
  EXPECT_EQ(parse({"check-ice", "--secret", "s"}).kind, Kind::usage_error);
  EXPECT_EQ(parse({"check-ice", "--turn-url", "turn:a", "turn:b"}).kind, Kind::usage_error);
  EXPECT_EQ(parse({"check-ice", "--turn-url", "a", "--secret", "s", "--secret-file", "f"}).kind,
            Kind::usage_error);
  EXPECT_EQ(parse({"check-ice", "healthcheck"}).kind, Kind::usage_error);
  EXPECT_EQ(parse({"--node", "alice"}).kind, Kind::usage_error);
  const std::vector<Variable> known{{.name = "TURN_URLS"}};
  const std::vector<const char*> words{"crolang-broker", "check-ice", "--turn-urls", "turn:a"};
  EXPECT_THAT(parse_command_line(4, words.data(), known).error, HasSubstr("--turn-url?"));
}

TEST(CommandLine, ChecksAPluginFile) {
  const Command command = parse({"plugins", "check", "./mine.so"});
  EXPECT_EQ(command.kind, Kind::plugins_check);
  EXPECT_EQ(command.file, "./mine.so");
}

TEST(CommandLine, HelpsWhateverElseIsAsked) {
  EXPECT_EQ(parse({"--nonsense", "--help"}).kind, Kind::help);
  EXPECT_EQ(parse({"plugins", "check", "-h"}).kind, Kind::help);
}

TEST(CommandLine, RefusesUnknownOptions) {
  const Command command = parse({"--port=8080"});
  EXPECT_EQ(command.kind, Kind::usage_error);
  EXPECT_THAT(command.error, HasSubstr("--port"));
}

TEST(CommandLine, SaysWhichVariableAnOptionIs) {
  EXPECT_THAT(parse({"--port", "8080"}).error, HasSubstr("set PORT=8080"));
  EXPECT_THAT(parse({"-p", "8080"}).error, HasSubstr("set PORT=8080"));
  EXPECT_THAT(parse({"--check-config", "--redis-url=x"}).error, HasSubstr("set REDIS_URL=…"));
  EXPECT_THAT(parse({"plugins", "--port=1"}).error, HasSubstr("set PORT=1"));
  EXPECT_THAT(parse({"PORT=8080"}).error, HasSubstr("PORT=8080 crolang-broker"));
  EXPECT_THAT(parse({"check"}).error, HasSubstr("--check-config"));
  EXPECT_THAT(parse({"serve"}).error, HasSubstr("serve: the broker runs without arguments"));
}

TEST(CommandLine, SaysNothingOfOptionsAboutTheFileOfACommand) {
  EXPECT_THAT(parse({"plugins", "check", "a.so", "b.so"}).error, Not(HasSubstr("--check-config")));
}

TEST(CommandLine, RefusesUnknownWords) {
  EXPECT_EQ(parse({"start"}).kind, Kind::usage_error);
  EXPECT_EQ(parse({"plugins", "install"}).kind, Kind::usage_error);
  EXPECT_EQ(parse({"plugins", "check", "a.so", "b.so"}).kind, Kind::usage_error);
  EXPECT_EQ(parse({""}).kind, Kind::usage_error);
}

TEST(CommandLine, WantsTheFileToCheck) {
  const Command command = parse({"plugins", "check"});
  EXPECT_EQ(command.kind, Kind::usage_error);
  EXPECT_THAT(command.error, HasSubstr("FILE"));
}

TEST(CommandLine, DoesOneThingAtATime) {
  EXPECT_EQ(parse({"--version", "--check-config"}).kind, Kind::usage_error);
  EXPECT_EQ(parse({"--version", "plugins"}).kind, Kind::usage_error);
}

TEST(CommandLine, AsksTheAdminInterface) {
  using Name = AdminCommand::Name;
  for (const auto& [word, name] : {std::pair{"instances", Name::instances},
                                   {"nodes", Name::nodes},
                                   {"refused-ids", Name::refused_ids},
                                   {"drain", Name::drain},
                                   {"negotiations", Name::negotiations}}) {
    const Command command = parse({word, "--json", "--admin-url", "http://h:1"});
    EXPECT_EQ(command.kind, Kind::admin) << word;
    EXPECT_EQ(command.admin.name, name) << word;
    EXPECT_EQ(command.admin.format, AdminCommand::Format::json) << word;
    EXPECT_EQ(command.admin.url, "http://h:1") << word;
  }
  EXPECT_EQ(parse({"allow", "bob"}).admin.name, Name::allow);
  EXPECT_EQ(parse({"allow", "bob"}).admin.id, "bob");
}

TEST(CommandLine, DisconnectsANode) {
  const AdminCommand command =
      parse({"disconnect", "bob", "--for", "10m", "--reason", "too loud"}).admin;
  EXPECT_EQ(command.name, AdminCommand::Name::disconnect);
  EXPECT_EQ(command.id, "bob");
  EXPECT_EQ(command.refuse_for, std::chrono::minutes(10));
  EXPECT_EQ(command.reason, "too loud");
  EXPECT_EQ(parse({"disconnect", "bob", "--reconnect"}).admin.close,
            AdminCommand::Close::to_reconnect);
}

TEST(CommandLine, ReadsDurations) {
  const auto seconds = [](const char* text) {
    return parse({"disconnect", "bob", "--for", text}).admin.refuse_for.count();
  };
  EXPECT_EQ(seconds("90"), 90);
  EXPECT_EQ(seconds("90s"), 90);
  EXPECT_EQ(seconds("2h"), 7200);
  EXPECT_EQ(seconds("365d"), 31'536'000);
  for (const char* bad : {"", "0", "366d", "1w", "m", "1.5h", "10 m", "99999999999999999999"}) {
    const Command command = parse({"disconnect", "bob", "--for", bad});
    EXPECT_EQ(command.kind, Kind::usage_error) << bad;
  }
  EXPECT_THAT(parse({"disconnect", "bob", "--for", "1w"}).error, HasSubstr("write 90s, 10m"));
}

TEST(CommandLine, TakesNamesOfCommandsForIds) {
  for (const char* id : {"drain", "nodes", "healthcheck", "plugins", "disconnect"}) {
    const Command command = parse({"disconnect", id});
    EXPECT_EQ(command.kind, Kind::admin) << id;
    EXPECT_EQ(command.admin.name, AdminCommand::Name::disconnect) << id;
    EXPECT_EQ(command.admin.id, id);
  }
  EXPECT_EQ(parse({"disconnect", "--", "-x"}).admin.id, "-x");
}

TEST(CommandLine, ListsNodes) {
  const AdminCommand command =
      parse({"nodes", "--prefix", "drain", "--limit", "5", "--grid"}).admin;
  EXPECT_EQ(command.prefix, "drain");
  EXPECT_EQ(command.limit, 5U);
  EXPECT_EQ(command.scope, AdminCommand::Scope::grid);
  EXPECT_EQ(parse({"nodes", "alice"}).admin.id, "alice");
}

TEST(CommandLine, ListsNegotiations) {
  const AdminCommand command =
      parse({"negotiations", "--node", "bob", "--state", "unanswered", "--limit", "7"}).admin;
  EXPECT_EQ(command.node, "bob");
  EXPECT_EQ(command.state, "unanswered");
  // All words of the API (negotiation::State).
  for (const char* state : {"attempting", "answered", "refused", "notAllowed", "unanswered",
                            "notConnected", "unauthorized", "failed"}) {
    EXPECT_EQ(parse({"negotiations", "--state", state}).admin.state, state);
  }
  EXPECT_EQ(command.limit, 7U);
  EXPECT_EQ(parse({"drain", "--cancel"}).admin.drain, AdminCommand::Drain::cancel);
}

TEST(CommandLine, RefusesWhatTheAdminInterfaceWouldNot) {
  for (const std::vector<const char*>& words :
       std::vector<std::vector<const char*>>{{"disconnect"},
                                             {"disconnect", ""},
                                             {"disconnect", "a", "b"},
                                             {"disconnect", "a", "--for", "1m", "--reconnect"},
                                             {"allow"},
                                             {"nodes", "alice", "--grid"},
                                             {"nodes", "--limit", "0"},
                                             {"negotiations", "n1", "--node", "bob"},
                                             {"negotiations", "--state", "odd"},
                                             {"negotiations", "--limit", "1001"},
                                             {"instances", "--token", "x"},
                                             {"drain", "now"}}) {
    EXPECT_EQ(parse(words).kind, Kind::usage_error) << words[0];
  }
  EXPECT_THAT(parse({"nodes", "--prefx", "a"}).error, HasSubstr("--prefix"));
}

}  // namespace
}  // namespace crolang::config
