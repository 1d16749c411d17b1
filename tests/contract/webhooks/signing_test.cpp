// Signed requests, as the verifiers of examples/webhook-verifiers see them.
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "contract/webhooks/hooks.hpp"
#include "contract/webhooks/server.hpp"

extern char** environ;

namespace crolang::webhooks {
namespace {

// Of the specification's own test, and another one.
const std::string kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const std::string kNewSecret = "C2FVsBQIhrscChlQIMV+b5sSYspob7oDazfgh2tXJCE=";

/// A request as it came to a server.
Request signed_request(const std::string& secrets) {
  Server server(answer(R"({"authenticated":true})"));
  Asked asked(hook("auth"), url_of(server), {{"WEBHOOK_SIGNING_SECRET", secrets}});
  hook("auth").expect_good(asked.answer());
  return server.request(0);
}

TEST(Signing, AddsIdTimestampAndSignature) {
  const Request request = signed_request(kSecret);
  EXPECT_EQ(request.headers.at("webhook-id").find_first_of(". \t"), std::string::npos);
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  EXPECT_NEAR(std::stod(request.headers.at("webhook-timestamp")), static_cast<double>(now), 30);
  EXPECT_TRUE(request.headers.at("webhook-signature").starts_with("v1,"));
}

TEST(Signing, GivesEachRequestAnIdOfItsOwn) {
  Server server(answer(R"({"authenticated":true})"));
  Asked asked(hook("auth"), url_of(server), {{"WEBHOOK_SIGNING_SECRET", kSecret}});
  asked.answer();
  asked.answer();
  EXPECT_NE(server.request(0).headers.at("webhook-id"), server.request(1).headers.at("webhook-id"));
}

TEST(Signing, KeepsTheIdOfARequestThatIsSentAgain) {
  Server server(answer(R"({"authenticated":true})"));
  Asked asked(hook("auth"), url_of(server), {{"WEBHOOK_SIGNING_SECRET", kSecret}});
  asked.answer();
  server.behave([good = answer(R"({"authenticated":true})")](Peer& peer, const Request& request) {
    return peer.requests() > 1 ? After::close : good(peer, request);
  });
  asked.answer();
  EXPECT_EQ(server.request(1).headers.at("webhook-id"), server.request(2).headers.at("webhook-id"));
}

TEST(Signing, SignsWithEachOfSeveralSecrets) {
  const std::string both =
      signed_request(kSecret + ", " + kNewSecret).headers.at("webhook-signature");
  EXPECT_EQ(both.find(" v1,"), both.rfind("v1,") - 1);
}

// ---- Verifiers ----------------------------------------------------------------------------------

struct Verifier {
  std::string name;
  std::vector<std::string> command;
  std::vector<std::string> prepare;  // succeeds where the runtime is present
};

void PrintTo(const Verifier& verifier, std::ostream* out) {
  *out << verifier.name;
}

const std::string kFolder = VERIFIERS_DIR;

std::vector<Verifier> verifiers() {
  return {{"Node", {"node", kFolder + "/verify.mjs"}, {"node", "--version"}},
          {"Python", {"python3", kFolder + "/verify.py"}, {"python3", "--version"}},
          {"Java",
           {"java", "-XX:TieredStopAtLevel=1", "-cp", ::testing::TempDir(), "Verify"},
           {"javac", "-d", ::testing::TempDir(), kFolder + "/Verify.java"}}};
}

/// The exit code of a program with this input; its output goes nowhere.
int run(const std::vector<std::string>& command, const std::string& secret,
        const std::string& input) {
  std::string file = ::testing::TempDir() + "body-XXXXXX";
  ::close(::mkstemp(file.data()));
  std::ofstream(file, std::ios::binary) << input;

  std::vector<std::string> strings = command;
  std::vector<char*> arguments;
  for (std::string& string : strings) arguments.push_back(string.data());
  arguments.push_back(nullptr);
  std::string variable = "WEBHOOK_SIGNING_SECRET=" + secret;
  std::vector<char*> variables{variable.data()};
  for (char** each = environ; *each != nullptr; ++each) variables.push_back(*each);
  variables.push_back(nullptr);

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, file.c_str(), 0, 0);
  posix_spawn_file_actions_addopen(&files, 1, "/dev/null", 1, 0);
  posix_spawn_file_actions_addopen(&files, 2, "/dev/null", 1, 0);
  pid_t process = 0;
  const int error =
      ::posix_spawnp(&process, arguments[0], &files, nullptr, arguments.data(), variables.data());
  posix_spawn_file_actions_destroy(&files);
  int status = -1;
  if (error == 0) ::waitpid(process, &status, 0);
  ::unlink(file.c_str());
  return error == 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

class Verifiers : public ::testing::TestWithParam<Verifier> {
 protected:
  void SetUp() override {
    static std::map<std::string, bool> ready;
    const auto& [name, command, prepare] = GetParam();
    if (!ready.contains(name)) ready[name] = run(prepare, "", "") == 0;
    if (!ready[name]) GTEST_SKIP() << name << " is not here";
  }

  int verify(const Request& request, const std::string& secret) const {
    auto command = GetParam().command;
    for (const char* name : {"webhook-id", "webhook-timestamp", "webhook-signature"}) {
      command.push_back(request.headers.at(name));
    }
    return run(command, secret, request.body);
  }
};

TEST_P(Verifiers, AcceptWhatTheBrokerSigned) {
  const Request request = signed_request(kSecret);
  EXPECT_EQ(verify(request, kSecret), 0);
  EXPECT_EQ(verify(request, kSecret.substr(6)), 0) << "the prefix may be missing";
}

TEST_P(Verifiers, AcceptEitherSecretWhileItIsChanged) {
  const Request request = signed_request(kNewSecret + " " + kSecret);
  EXPECT_EQ(verify(request, kSecret), 0);
  EXPECT_EQ(verify(request, kNewSecret), 0);
}

TEST_P(Verifiers, RefuseWhatWasSignedWithAnotherSecret) {
  EXPECT_EQ(verify(signed_request(kNewSecret), kSecret), 1);
}

TEST_P(Verifiers, RefuseWhatWasChangedOnTheWay) {
  const Request request = signed_request(kSecret);
  Request changed = request;
  changed.body.back() = ']';
  EXPECT_EQ(verify(changed, kSecret), 1);
  changed = request;
  changed.headers["webhook-id"] += "0";
  EXPECT_EQ(verify(changed, kSecret), 1);
  changed = request;
  std::string& timestamp = changed.headers["webhook-timestamp"];
  timestamp = std::to_string(std::stoll(timestamp) + 1);
  EXPECT_EQ(verify(changed, kSecret), 1);
  changed = request;
  changed.headers["webhook-signature"] = "v1a," + request.headers.at("webhook-signature").substr(3);
  EXPECT_EQ(verify(changed, kSecret), 1);
  changed.headers["webhook-signature"] = "v1,";
  EXPECT_EQ(verify(changed, kSecret), 1);
}

TEST_P(Verifiers, TakeASecretWithWhiteSpaceAroundItAsOneWithout) {
  EXPECT_EQ(verify(signed_request(kSecret), " " + kSecret + "\r\n"), 0);
}

// With an empty key, everybody could sign.
TEST_P(Verifiers, SayThatTheSecretIsMissingOrIsNone) {
  const Request request = signed_request(kSecret);
  for (const char* secret : {"", " ", "whsec_", "whsec_c2hvcnQ=", "whsec_%"}) {
    EXPECT_EQ(verify(request, secret), 2) << secret;
  }
}

TEST_P(Verifiers, RefuseWhatIsOld) {
  // The example of the specification's own libraries, of the year 2021.
  const Request request{
      .line = "",
      .headers = {{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"},
                  {"webhook-timestamp", "1614265330"},
                  {"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}},
      .body = R"({"test": 2432232314})"};
  EXPECT_EQ(verify(request, kSecret), 1);
  Request undated = request;
  undated.headers["webhook-timestamp"] = "yesterday";
  EXPECT_EQ(verify(undated, kSecret), 1);
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(VerifiersOfTheExamples, StandInTheDocumentationAsTheyAre) {
  const std::string documentation = content_of(DOCUMENTATION);
  for (const char* name : {"verify.mjs", "verify.py", "Verify.java"}) {
    const std::string verifier = content_of(kFolder + "/" + name);
    ASSERT_FALSE(verifier.empty()) << name;
    EXPECT_NE(documentation.find(verifier), std::string::npos) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Webhooks, Verifiers, ::testing::ValuesIn(verifiers()), name_of_case);

}  // namespace
}  // namespace crolang::webhooks
