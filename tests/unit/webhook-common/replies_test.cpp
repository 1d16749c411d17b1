#include "webhook-common/replies.hpp"

#include <gmock/gmock.h>

#include <crolang/testing/fake_host.hpp>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace crolang::webhook_common {
namespace {

namespace pt = plugin::testing;
using plugin::Status;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const crolang_plugin kNoPlugin{};

class RepliesOf : public ::testing::Test {
 protected:
  struct Handler final : ReplyHandler {
    explicit Handler(std::function<void(const Reply&)> given) : function(std::move(given)) {}
    void operator()(const Reply& reply) override { function(reply); }
    std::function<void(const Reply&)> function;
  };

  /// Notes what it is told.
  std::unique_ptr<ReplyHandler> handler() {
    return std::make_unique<Handler>(
        [this](const Reply& reply) { told_.emplace_back(reply.status(), reply.text()); });
  }
  /// Throws at the first reply, notes the others.
  template <class Thrown>
  std::unique_ptr<ReplyHandler> thrower(Thrown thrown) {
    return std::make_unique<Handler>([this, thrown, first = true](const Reply& reply) mutable {
      if (std::exchange(first, false)) throw thrown;
      told_.emplace_back(reply.status(), reply.text());
    });
  }
  Question put(std::string body) {
    Question question{std::move(body), {}, {}, handler()};
    inbox_.put(question, [] {});
    return std::move(inbox_.take().front());
  }

  using Told = std::pair<Status, std::string>;

  pt::FakeHost fake_{kNoPlugin, {}};
  plugin::Host host_{fake_.table()};
  Reporter reporter_{host_, "HOOK_URL: hooks.test", Faults::answered};
  QuestionInbox inbox_;
  Replies replies_{host_, inbox_, reporter_};
  std::vector<Told> told_;
};

TEST_F(RepliesOf, AllQuestionsOfARequestAreTheSame) {
  put("ab");
  put("");
  Request request;
  request.content = "ab";
  request.handlers.push_back(handler());
  request.handlers.push_back(handler());
  replies_.send(request, {Status::ok, "yes", reporter_, 200});
  EXPECT_THAT(told_, ElementsAre(Told(Status::ok, "yes"), Told(Status::ok, "yes")));
  EXPECT_EQ(inbox_.open(), 0u);
  EXPECT_EQ(inbox_.open_bytes(), 0u);
}

TEST_F(RepliesOf, AFailedRequestNameTheVariableTheHostAndTheReason) {
  put("");
  Request request;
  request.handlers.push_back(handler());
  replies_.fail(request, Status::timeout, [] { return "no answer"; });
  EXPECT_THAT(told_, ElementsAre(Told(Status::timeout, "HOOK_URL: hooks.test: no answer")));
}

TEST_F(RepliesOf, AFailedRequestSayThatThereIsNoMemoryToSayWhy) {
  put("");
  Request request;
  request.handlers.push_back(handler());
  replies_.fail(request, Status::timeout, []() -> std::string { throw std::bad_alloc(); });
  EXPECT_THAT(told_, ElementsAre(Told(Status::timeout, "out of memory")));
}

TEST_F(RepliesOf, AQuestionThatIsNoRequestFreeItsPlace) {
  Question question = put("body");
  replies_.send(question, 4, Status::cancelled, "the broker is stopping");
  EXPECT_THAT(told_, ElementsAre(Told(Status::cancelled, "the broker is stopping")));
  EXPECT_EQ(inbox_.open(), 0u);
  EXPECT_EQ(inbox_.open_bytes(), 0u);
}

TEST_F(RepliesOf, AHandlerThatThrowsAreFollowedByOneThatSaysSo) {
  put("");
  put("");
  Request request;
  request.handlers.push_back(thrower(std::runtime_error("unreadable")));
  request.handlers.push_back(thrower(std::bad_alloc()));
  replies_.send(request, {Status::ok, "yes", reporter_});
  EXPECT_THAT(told_, ElementsAre(Told(Status::unavailable, "unreadable"),
                                 Told(Status::unavailable, "out of memory")));
}

}  // namespace
}  // namespace crolang::webhook_common
