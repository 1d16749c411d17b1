// The contract suite over jwt-auth, as a file, and what only the plugin around the rules does.
#include <gmock/gmock.h>
#include <poll.h>

#include <chrono>
#include <crolang/testing/module_contract.hpp>
#include <future>

#include "unit/jwt-auth/scratch_file.hpp"
#include "unit/jwt-auth/tokens.hpp"

namespace pt = crolang::plugin::testing;
namespace issuer = crolang::jwt_auth::testing;
using issuer::Json;
using pt::Expect;
using pt::ModuleContract;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Json claims(const char* node = "alice") {
  return {{"sub", node}, {"exp", now() + 3600}};
}

template <class K>
std::string token(const K& key, const char* algorithm, const Json& payload = claims()) {
  return issuer::token(key, issuer::header(algorithm), payload.dump());
}

/// For the length of the program: test cases are made before main.
const issuer::ScratchFile& pem_file() {
  static const issuer::ScratchFile file(issuer::public_pem(issuer::rsa()));
  return file;
}
const issuer::ScratchFile& jwks_file() {
  static const issuer::ScratchFile file(
      issuer::jwks({issuer::with(issuer::ec_jwk(issuer::ec()), "kid", "e"),
                    issuer::with(issuer::ed25519_jwk(issuer::ed25519()), "kid", "d")}));
  return file;
}

pt::MakeModule jwt_auth(const pt::Env& env) {
  return pt::module_of(PLUGIN, CROLANG_AUTHENTICATION, env);
}

std::string refusal_of(const pt::Env& env) {
  try {
    const pt::Running plugin(pt::open_file(PLUGIN), env);
  } catch (const std::runtime_error& refusal) {
    return refusal.what();
  }
  return "no refusal";
}

pt::Outcome answer_to(pt::Running& plugin, const std::string& data, const char* node = "alice") {
  pt::Question question;
  plugin.table<crolang_authentication>(CROLANG_AUTHENTICATION)
      ->authenticate(plugin.self(), pt::LentNode(node, data), 1000, &pt::Question::authenticated,
                     &question);
  const auto outcome = question.wait();
  EXPECT_TRUE(outcome && outcome->status == CROLANG_OK);
  return outcome.value_or(pt::Outcome{});
}

bool lets_in(pt::Running& plugin, const std::string& data, const char* node = "alice") {
  return answer_to(plugin, data, node).yes;
}

/// Until a timer has run on the plugin's control thread, where its own run too.
void pass_a_turn(pt::Running& plugin) {
  std::promise<void> passed;
  const crolang_host& host = *plugin.host().table();
  host.post_after(
      host.ctx, 20, [](void* arg) { static_cast<std::promise<void>*>(arg)->set_value(); }, &passed);
  passed.get_future().wait();
  plugin.host().on_control([] {});  // it has let go of the promise
}

std::string log_of(pt::Running& plugin) {
  std::string text;
  for (const auto& line : plugin.host().log()) text += line.text + "\n";
  return text;
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(
    JwtAuth, ModuleContract,
    ::testing::Values(
        pt::ModuleCase{
            "Secret",
            jwt_auth({{"JWT_SECRET", issuer::kSecret}}),
            {pt::authenticate("alice", token(issuer::kSecret, "HS256"), Expect::yes),
             pt::authenticate("alice", Json{{"token", token(issuer::kSecret, "HS256")}}.dump(),
                              Expect::yes),
             pt::authenticate("bob", token(issuer::kSecret, "HS256"), Expect::no),
             pt::authenticate("alice", token(std::string(32, 'x'), "HS256"), Expect::no),
             pt::authenticate("alice", token(issuer::kSecret, "none"), Expect::no),
             pt::authenticate("alice", R"({"token":1})", Expect::no),
             pt::authenticate("alice", "", Expect::no),
             pt::authenticate("alice", std::nullopt, Expect::no)}},
        pt::ModuleCase{"PublicKey",
                       jwt_auth({{"JWT_PUBLIC_KEY_FILE", pem_file().path()}}),
                       {pt::authenticate("alice", token(issuer::rsa(), "RS256"), Expect::yes),
                        pt::authenticate("alice", token(issuer::public_pem(issuer::rsa()), "HS256"),
                                         Expect::no),
                        pt::authenticate("alice", token(issuer::ec(), "ES256"), Expect::no)}},
        pt::ModuleCase{"KeySet",
                       jwt_auth({{"JWT_JWKS_FILE", jwks_file().path()},
                                 {"JWT_ISSUER", "me"},
                                 {"JWT_AUDIENCE", "broker"}}),
                       {pt::authenticate("alice",
                                         token(issuer::ec(), "ES256",
                                               issuer::with(issuer::with(claims(), "iss", "me"),
                                                            "aud", {"broker"})),
                                         Expect::yes),
                        pt::authenticate("alice", token(issuer::ed25519(), "EdDSA"), Expect::no)}}),
    pt::case_name);

TEST(JwtAuthPlugin, ReadsItsFilesAgainWhileItRuns) {
  const issuer::ScratchFile file(issuer::public_pem(issuer::ec()));
  pt::Running plugin(pt::open_file(PLUGIN), {{"JWT_PUBLIC_KEY_FILE", file.path()}});
  const std::string old = token(issuer::ec(), "ES256");
  const std::string fresh = token(issuer::ed25519(), "EdDSA");
  EXPECT_TRUE(lets_in(plugin, old));
  EXPECT_FALSE(lets_in(plugin, fresh));

  file.replace(issuer::public_pem(issuer::ed25519()));
  for (int turns = 0; turns < 1000 && !lets_in(plugin, fresh); ++turns) pass_a_turn(plugin);
  EXPECT_TRUE(lets_in(plugin, fresh));
  EXPECT_FALSE(lets_in(plugin, old));
  EXPECT_THAT(log_of(plugin), HasSubstr("reloaded; usable keys: 1"));
}

TEST(JwtAuthPlugin, SaysWhyItRefusesATokenWithoutShowingIt) {
  pt::Running plugin(pt::open_file(PLUGIN), {{"JWT_SECRET", issuer::kSecret}});
  const std::string expired =
      token(issuer::kSecret, "HS256", issuer::with(claims(), "exp", now() - 3600));
  const pt::Outcome outcome = answer_to(plugin, expired);
  EXPECT_FALSE(outcome.yes);
  EXPECT_THAT(outcome.error, HasSubstr("the token expired 360"));
  const std::string said = outcome.error + log_of(plugin);
  for (std::size_t at = 0; at + 12 < expired.size(); ++at) {
    ASSERT_THAT(said, Not(HasSubstr(expired.substr(at, 12))));
  }
  EXPECT_THAT(said, Not(HasSubstr(issuer::kSecret)));
}

TEST(JwtAuthPlugin, TakesItsRulesFromTheEnvironment) {
  pt::Running plugin(pt::open_file(PLUGIN), {{"JWT_SECRET", issuer::kSecret},
                                             {"JWT_NODE_ID_CLAIM", "node"},
                                             {"JWT_LEEWAY_S", "0"},
                                             {"JWT_REQUIRE_EXP", "false"}});
  EXPECT_TRUE(lets_in(plugin, token(issuer::kSecret, "HS256", {{"node", "alice"}})));
  EXPECT_FALSE(
      lets_in(plugin, token(issuer::kSecret, "HS256", {{"node", "alice"}, {"exp", now() - 2}})));
}

TEST(JwtAuthPlugin, AdmitsANodeForAsLongAsItsTokenIsValidWhereThatIsWanted) {
  const std::string good =
      token(issuer::kSecret, "HS256", {{"sub", "alice"}, {"exp", now() + 600}});
  pt::Running ending(pt::open_file(PLUGIN), {{"JWT_SECRET", issuer::kSecret},
                                             {"JWT_LEEWAY_S", "30"},
                                             {"JWT_REQUIRE_EXP", "false"},
                                             {"JWT_EXPIRY_ENDS_SESSION", "true"}});
  const pt::Outcome outcome = answer_to(ending, good);
  EXPECT_TRUE(outcome.yes);
  EXPECT_GT(outcome.valid_for_ms, 600'000u);
  EXPECT_LE(outcome.valid_for_ms, 630'000u);
  // Without exp there is no end.
  const pt::Outcome endless =
      answer_to(ending, token(issuer::kSecret, "HS256", {{"sub", "alice"}}));
  EXPECT_TRUE(endless.yes);
  EXPECT_EQ(endless.valid_for_ms, 0u);

  pt::Running other(pt::open_file(PLUGIN), {{"JWT_SECRET", issuer::kSecret}});
  EXPECT_TRUE(answer_to(other, good).yes);
  EXPECT_EQ(answer_to(other, good).valid_for_ms, 0u);
}

TEST(JwtAuthPlugin, NamesEveryBadValueAtOnceWithoutBeingCreated) {
  const auto faults_of = [](const pt::Env& env) {
    return pt::check_variables(pt::open_file(PLUGIN), env).faults;
  };
  EXPECT_THAT(faults_of({{"JWT_SECRET", "hunter2"},
                         {"JWT_PUBLIC_KEY_FILE", "/nowhere"},
                         {"JWT_JWKS_FILE", pem_file().path()},
                         {"JWT_LEEWAY_S", "3601"}}),
              ::testing::ElementsAre(HasSubstr("JWT_SECRET has 7 bytes"),
                                     HasSubstr("JWT_PUBLIC_KEY_FILE '/nowhere' cannot be read"),
                                     HasSubstr("JWT_JWKS_FILE"), HasSubstr("JWT_LEEWAY_S")));
  EXPECT_THAT(faults_of({}), ::testing::ElementsAre(HasSubstr("set JWT_SECRET")));
  EXPECT_THAT(faults_of({{"JWT_SECRET", issuer::kSecret}}), ::testing::IsEmpty());
}

TEST(JwtAuthPlugin, TakesANewSecretInsteadOfTheOld) {
  const std::string next = "another secret of at least thirty-two bytes";
  pt::Running plugin(pt::open_file(PLUGIN), {{"JWT_SECRET", issuer::kSecret}});
  plugin.reload({{"JWT_SECRET", next}});
  EXPECT_TRUE(lets_in(plugin, token(next, "HS256")));
  EXPECT_FALSE(lets_in(plugin, token(issuer::kSecret, "HS256")));
}

TEST(JwtAuthPlugin, KeepsItsKeysIfTheNewOnesAreBad) {
  pt::Running plugin(pt::open_file(PLUGIN), {{"JWT_SECRET", issuer::kSecret}});
  plugin.reload({{"JWT_SECRET", "hunter2"}});
  EXPECT_TRUE(lets_in(plugin, token(issuer::kSecret, "HS256")));
  EXPECT_THAT(log_of(plugin), HasSubstr("JWT_SECRET has 7 bytes"));
}

TEST(JwtAuthPlugin, RefusesTheStartWithASentence) {
  EXPECT_THAT(refusal_of({}), HasSubstr("set JWT_SECRET, JWT_PUBLIC_KEY_FILE or JWT_JWKS_FILE"));
  EXPECT_EQ(refusal_of({{"JWT_SECRET", "hunter2"}}),
            "JWT_SECRET has 7 bytes; HS256 needs at least 32");
  EXPECT_EQ(refusal_of({{"JWT_SECRET", issuer::kSecret}, {"JWT_LEEWAY_S", "3601"}}),
            "JWT_LEEWAY_S: '3601' is not between 0 and 3600");
  EXPECT_THAT(refusal_of({{"JWT_JWKS_FILE", pem_file().path()}}),
              HasSubstr("' cannot be used: it is PEM, not a JSON Web Key Set"));
}
