#include "webhook-common/reply.hpp"

#include <gtest/gtest.h>

#include <crolang/testing/fake_host.hpp>
#include <optional>
#include <string>

namespace crolang::webhook_common {
namespace {

namespace pt = plugin::testing;
using plugin::Status;

const crolang_plugin kNoPlugin{};

class AReply : public ::testing::Test {
 protected:
  struct Answered {
    crolang_status status = CROLANG_OK;
    std::string error;
    int times = 0;
  };

  /// What read_or_fail reads; `answered_` is what it has answered by itself.
  std::optional<bool> read(const Reply& reply) {
    plugin::YesNo answer(&note, this, 1000);
    const auto said = read_or_fail(reply, "authorized", answer);
    if (said) answer.decide(true, "");
    return said;
  }
  Reply ok(std::string_view text) { return {Status::ok, text, reporter_, 200}; }

  static void note(void* self, crolang_status status, bool, crolang_str error) {
    Answered& answered = static_cast<AReply*>(self)->answered_;
    answered = {status, std::string(plugin::view(error)), answered.times + 1};
  }

  pt::FakeHost fake_{kNoPlugin, {}};
  Reporter reporter_{plugin::Host(fake_.table()), "HOOK_URL: hooks.test", Faults::answered};
  Answered answered_;
};

TEST_F(AReply, IsReadForItsMember) {
  EXPECT_EQ(read(ok(R"({"authorized":true})")), true);
  EXPECT_EQ(read(ok(R"({"authorized":false})")), false);
  EXPECT_EQ(answered_.status, CROLANG_OK);
}

TEST_F(AReply, IsANoIfTheServerRefuses) {
  EXPECT_EQ(read(Reply::refusal(reporter_)), false);
}

TEST_F(AReply, FailsTheAnswerIfItCannotBeRead) {
  EXPECT_EQ(read(ok(R"({"authorized":"true"})")), std::nullopt);
  EXPECT_EQ(answered_.times, 1);
  EXPECT_EQ(answered_.status, CROLANG_INVALID);
  EXPECT_EQ(answered_.error,
            "HOOK_URL: hooks.test: the answer has no \"authorized\" that is true or false: it is "
            "a string");
}

TEST_F(AReply, FailsTheAnswerAsTheRequestHasFailed) {
  EXPECT_EQ(read({Status::timeout, "no answer", reporter_}), std::nullopt);
  EXPECT_EQ(answered_.times, 1);
  EXPECT_EQ(answered_.status, CROLANG_TIMEOUT);
  EXPECT_EQ(answered_.error, "no answer");
}

}  // namespace
}  // namespace crolang::webhook_common
