// What becomes of a validity check whose server finds its requests too large.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "contract/webhooks/hooks.hpp"
#include "contract/webhooks/server.hpp"

namespace crolang::webhooks {
namespace {

namespace pt = plugin::testing;

std::size_t ids_in(const Request& request) {
  return static_cast<std::size_t>(std::count(request.body.begin(), request.body.end(), ',')) + 1;
}

/// A server that takes so many ids at once, and wants whoever is "bad" to go.
class Picky {
 public:
  explicit Picky(std::size_t most)
      : server([most](Peer& peer, const Request& request) {
          const bool too_large =
              ids_in(request) > most || request.body.find("huge") != std::string::npos;
          if (too_large) return answer("{}", "413 Content Too Large")(peer, request);
          if (request.body.find("fault") != std::string::npos) {
            return answer("{}", "500 Oh")(peer, request);
          }
          return answer(R"({"invalidNodesIds":["bad"]})")(peer, request);
        }),
        asked(hook("validity"), url_of(server)) {}

  pt::Outcome check(const std::vector<std::string>& ids) {
    pt::Question& question = *questions.emplace_back(std::make_unique<pt::Question>());
    const pt::LentList lent(ids);
    asked.running()
        .table<crolang_validity>(CROLANG_VALIDITY)
        ->check(asked.running().self(), lent.data(), lent.size(), 60'000, &pt::Question::flags,
                &question);
    return question.wait().value_or(pt::Outcome{});
  }
  std::vector<std::size_t> sizes() const {
    std::vector<std::size_t> sizes;
    for (const Request& each : server.requests()) sizes.push_back(ids_in(each));
    return sizes;
  }

  std::vector<std::unique_ptr<pt::Question>> questions;
  Server server;
  Asked asked;
};

std::vector<std::string> nodes(std::size_t count) {
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back("node" + std::to_string(i));
  return ids;
}

using Sizes = std::vector<std::size_t>;

TEST(Pages, AreHalvedUntilTheServerTakesThem) {
  Picky picky(3);
  auto ids = nodes(8);
  ids[7] = "bad";
  const auto outcome = picky.check(ids);
  EXPECT_EQ(outcome.status, CROLANG_OK) << outcome.error;
  EXPECT_EQ(outcome.flags, (std::vector<bool>{true, true, true, true, true, true, true, false}));
  EXPECT_EQ(picky.sizes(), (Sizes{8, 4, 2, 2, 2, 2}));
}

TEST(Pages, StaySmallerForTheNextCheck) {
  Picky picky(3);
  picky.check(nodes(4));
  picky.check(nodes(4));
  EXPECT_EQ(picky.sizes(), (Sizes{4, 2, 2, 2, 2}));
  ASSERT_FALSE(picky.asked.warnings().empty());
  EXPECT_EQ(picky.asked.warnings()[0],
            "NODES_VALIDITY_CHECK_WEBHOOK_URL: 127.0.0.1:" + std::to_string(picky.server.port()) +
                ": answered 413 to 4 ids: asking for 2 at a time for 10 minutes; raise its limit, "
                "or lower NODES_VALIDITY_CHECK_MAX_IDS");
}

TEST(Pages, OfOneThatIsTooLargeIsAFault) {
  Picky picky(0);
  const auto outcome = picky.check({"alice"});
  EXPECT_EQ(outcome.status, CROLANG_INVALID);
  EXPECT_NE(outcome.error.find("answered 413"), std::string::npos) << outcome.error;
}

TEST(Pages, ThatFailLoseNothingOfTheOthers) {
  Picky picky(1);
  const auto outcome = picky.check({"huge", "bad", "fault", "bad", "alice"});
  EXPECT_EQ(outcome.status, CROLANG_OK) << outcome.error;
  EXPECT_EQ(outcome.flags, (std::vector<bool>{true, false, true, false, true}));
  // The line about the halves came first.
  ASSERT_TRUE(eventually([&] { return picky.asked.warnings().size() > 1; }));
  EXPECT_NE(picky.asked.warnings()[1].find("validity check failed for 2 of 5 nodes ("),
            std::string::npos)
      << picky.asked.warnings()[1];
}

TEST(Pages, AreNotAskedAboutOneByOneIfTheServerTakesNone) {
  Picky picky(0);
  const auto outcome = picky.check(nodes(1000));
  EXPECT_EQ(outcome.status, CROLANG_INVALID);
  EXPECT_NE(outcome.error.find("answered 413"), std::string::npos) << outcome.error;
  EXPECT_LT(picky.sizes().size(), 30u);
}

TEST(Pages, ThatAllFailAreOneFault) {
  Picky picky(1);
  const auto outcome = picky.check({"fault", "fault"});
  EXPECT_EQ(outcome.status, CROLANG_UNAVAILABLE);
  EXPECT_NE(outcome.error.find("answered 500"), std::string::npos) << outcome.error;
}

}  // namespace
}  // namespace crolang::webhooks
