// The contract suite over turn-credentials, as a file, and what only the plugin around it does.
#include <chrono>
#include <crolang/testing/module_contract.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace pt = crolang::plugin::testing;
using pt::ModuleContract;

namespace {

const pt::Env kEnv{{"TURN_URLS", "turn:turn.example.org"}, {"TURN_SHARED_SECRET", "north"}};

pt::Env with(std::string name, std::string value) {
  pt::Env env = kEnv;
  env[std::move(name)] = std::move(value);
  return env;
}

std::string refusal_of(const pt::Env& env) {
  try {
    const pt::Running plugin(pt::open_file(PLUGIN), env);
  } catch (const std::runtime_error& refusal) {
    return refusal.what();
  }
  return "no refusal";
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(
    TurnCredentials, ModuleContract,
    ::testing::Values(
        pt::ModuleCase{"Plain",
                       pt::module_of(PLUGIN, CROLANG_RTC_CONFIG, kEnv),
                       {pt::resolve("alice", R"({"iceServers":[{"urls":["turn:turn.example.org"])"),
                        pt::resolve("alice", R"(:alice","password":")"),
                        pt::resolve("Zoë \"1\"", R"(:Zoë \"1\"","password":")"),
                        pt::resolve("bob", R"("iceTransportPolicy":"all")")}},
        pt::ModuleCase{
            "RelayOnly",
            pt::module_of(PLUGIN, CROLANG_RTC_CONFIG, with("ICE_TRANSPORT_POLICY", "relay")),
            {pt::resolve("alice", R"("iceTransportPolicy":"relay")")}}),
    pt::case_name);

TEST(TurnCredentialsPlugin, GivesCredentialsOfFourHoursUnlessToldOtherwise) {
  pt::Question question;
  pt::Running plugin(pt::open_file(PLUGIN), kEnv);
  const auto now = [] {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  const auto before = now();
  plugin.table<crolang_rtc_config>(CROLANG_RTC_CONFIG)
      ->resolve(plugin.self(), pt::Lent("alice"), 1000, &pt::Question::text, &question);
  const auto answer = nlohmann::json::parse(question.wait()->text);
  const auto expiry = std::stoll(answer["iceServers"][0]["username"].get<std::string>());
  EXPECT_GE(expiry, before + 4 * 3600);
  EXPECT_LE(expiry, now() + 4 * 3600);
}

TEST(TurnCredentialsPlugin, LeavesTheNodeOutOfItsUsernameIfToldTo) {
  pt::Question question;
  pt::Running plugin(pt::open_file(PLUGIN), with("TURN_USERNAME", "expiry"));
  plugin.table<crolang_rtc_config>(CROLANG_RTC_CONFIG)
      ->resolve(plugin.self(), pt::Lent("alice"), 1000, &pt::Question::text, &question);
  const auto answer = nlohmann::json::parse(question.wait()->text);
  const auto username = answer["iceServers"][0]["username"].get<std::string>();
  EXPECT_FALSE(username.empty());
  EXPECT_EQ(username.find_first_not_of("0123456789"), std::string::npos) << username;
}

TEST(TurnCredentialsPlugin, RefusesTheStartWithASentence) {
  EXPECT_EQ(refusal_of(with("TURN_URLS", "http://turn.example.org")),
            "TURN_URLS: 'http://turn.example.org' is not turn:host[:port][?transport=udp|tcp] or "
            "turns:…");
}

TEST(TurnCredentialsPlugin, NamesEveryBadValueAtOnceWithoutBeingCreated) {
  const auto faults =
      pt::check_variables(pt::open_file(PLUGIN), {{"TURN_URLS", "turn.example.org"},
                                                  {"STUN_URLS", "turn:h"},
                                                  {"TURN_SHARED_SECRET", ""},
                                                  {"TURN_CREDENTIAL_TTL_S", "0"},
                                                  {"TURN_USERNAME", "id"},
                                                  {"ICE_TRANSPORT_POLICY", "RELAY"}})
          .faults;
  const std::vector<std::string> variables{"TURN_URLS",          "STUN_URLS",
                                           "TURN_SHARED_SECRET", "TURN_CREDENTIAL_TTL_S",
                                           "TURN_USERNAME",      "ICE_TRANSPORT_POLICY"};
  ASSERT_EQ(faults.size(), variables.size());
  for (std::size_t i = 0; i < faults.size(); ++i) {
    EXPECT_TRUE(faults[i].starts_with(variables[i])) << faults[i];
  }
}
