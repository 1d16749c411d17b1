#include "telemetry/metric_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>
#include <vector>

namespace crolang::telemetry {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using Type = MetricStore::Type;

class Store : public ::testing::Test {
 protected:
  MetricStore::Metric* declare(const MetricStore::Declaration& declaration) {
    auto made = store_.declare(*owner_, declaration);
    refusal_ = made.refusal;
    return made.made;
  }
  MetricStore::Series* series(MetricStore::Metric* metric, std::string_view value = {}) {
    auto made = store_.series(*metric, value);
    refusal_ = made.refusal;
    return made.made;
  }

  MetricStore store_;
  MetricStore::Owner* owner_ = store_.add_owner("org.example.Team-rules").made;
  std::string refusal_;
};

TEST_F(Store, ShowsMetricsUnderThePrefixOfTheirPlugin) {
  series(declare({Type::counter, "refusals", "Pairs that were refused"}))->add(3);
  series(declare({Type::gauge, "open", "Questions open"}))->set(-1.5);
  EXPECT_EQ(store_.text(),
            "# HELP crolang_team_rules_refusals_total Pairs that were refused\n"
            "# TYPE crolang_team_rules_refusals_total counter\n"
            "crolang_team_rules_refusals_total 3\n"
            "# HELP crolang_team_rules_open Questions open\n"
            "# TYPE crolang_team_rules_open gauge\n"
            "crolang_team_rules_open -1.5\n");
}

TEST_F(Store, ShowsOneSeriesForEachValueOfALabel) {
  auto* const asked = declare({Type::counter, "asked", "Questions", "outcome"});
  EXPECT_THAT(store_.text(), IsEmpty()) << "without a series there is nothing to show";
  series(asked, "yes")->add(1);
  series(asked, "no");
  EXPECT_EQ(series(asked, "yes"), series(asked, "yes"));
  series(asked, "yes")->add(1);
  EXPECT_THAT(store_.text(), HasSubstr("crolang_team_rules_asked_total{outcome=\"yes\"} 2\n"
                                       "crolang_team_rules_asked_total{outcome=\"no\"} 0\n"));
}

TEST_F(Store, EscapesWhatAPluginSays) {
  auto* const asked = declare({Type::gauge, "asked", "a\nb \\ c", "what"});
  series(asked, "x\" 1\ny{\xff\\")->set(1);
  EXPECT_EQ(store_.text(),
            "# HELP crolang_team_rules_asked a\\\\u000ab \\\\ c\n"
            "# TYPE crolang_team_rules_asked gauge\n"
            "crolang_team_rules_asked{what=\"x\\\" 1\\\\u000ay{\\\\ufffd\\\\\"} 1\n");
}

TEST_F(Store, AddsToCountersOnlyWhatIsPositiveAndFinite) {
  auto* const counter = series(declare({Type::counter, "seconds", "Time"}));
  counter->add(0.25);
  for (const double odd : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    counter->add(odd);
  }
  counter->set(7);
  EXPECT_THAT(store_.text(), HasSubstr("seconds_total 0.25\n"));
}

TEST_F(Store, LosesNothingBetweenThreads) {
  auto* const counter = series(declare({Type::counter, "messages", "Messages"}));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) counter->add(1);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(store_.text(), HasSubstr("messages_total 4000\n"));
}

TEST_F(Store, RefusesBadNames) {
  for (const char* name : {"", "Upper", "1st", "_x", "a-b", "a b", "a\n", "ä"}) {
    EXPECT_EQ(declare({Type::gauge, name, "help"}), nullptr) << name;
    EXPECT_THAT(refusal_, StartsWith("its name must be ")) << name;
    if (*name == '\0') continue;
    EXPECT_EQ(declare({Type::gauge, "fine", "help", name}), nullptr) << name;
    EXPECT_THAT(refusal_, StartsWith("its label ")) << name;
  }
  for (const char* name : {"x_total", "x_count", "x_sum", "x_bucket"}) {
    EXPECT_EQ(declare({Type::counter, name, "help"}), nullptr) << name;
    EXPECT_THAT(refusal_, StartsWith("its name must not end with ")) << name;
  }
  for (const char* label : {"le", "quantile", "job", "instance"}) {
    EXPECT_EQ(declare({Type::counter, "fine", "help", label}), nullptr) << label;
    EXPECT_EQ(refusal_, std::string("its label must not be ") + label);
  }
  EXPECT_EQ(declare({Type::gauge, std::string(65, 'a'), "help"}), nullptr);
  EXPECT_NE(declare({Type::gauge, std::string(64, 'a'), "help"}), nullptr);
}

TEST_F(Store, RefusesHelpThatIsNoneOrTooLong) {
  for (const std::string& help : {std::string(), std::string(513, 'x')}) {
    EXPECT_EQ(declare({Type::gauge, "x", help}), nullptr);
    EXPECT_EQ(refusal_, "its help must have 1 to 512 bytes");
  }
  EXPECT_NE(declare({Type::gauge, "x", std::string(512, 'x')}), nullptr);
}

TEST_F(Store, RefusesWhatIsDeclaredAlready) {
  declare({Type::gauge, "open", "help"});
  EXPECT_EQ(declare({Type::gauge, "open", "help"}), nullptr);
  EXPECT_EQ(refusal_, "crolang_team_rules_open is declared already, by org.example.Team-rules");
}

TEST_F(Store, RefusesANameThatAnotherPluginHas) {
  auto* const other = store_.add_owner("com.example.team").made;
  EXPECT_NE(store_.declare(*other, {Type::gauge, "rules_open", "help"}).made, nullptr);
  EXPECT_EQ(declare({Type::gauge, "open", "help"}), nullptr);
  EXPECT_EQ(refusal_, "crolang_team_rules_open is declared already, by com.example.team");
}

TEST_F(Store, RefusesAPluginWhosePrefixIsTheBrokers) {
  for (const char* id : {"broker", "org.example.broker", "org.example.Broker-two"}) {
    EXPECT_EQ(store_.add_owner(id).made, nullptr) << id;
  }
  EXPECT_EQ(store_.add_owner("org.example.").refusal, "the plugin's id ends with a dot");
  EXPECT_NE(store_.add_owner("org.broker.brokers").made, nullptr);
}

TEST_F(Store, RefusesMoreMetricsThanAPluginMayHave) {
  for (std::size_t i = 0; i < MetricStore::kMostMetrics; ++i) {
    EXPECT_NE(declare({Type::gauge, "x" + std::to_string(i), "help"}), nullptr);
  }
  EXPECT_EQ(declare({Type::gauge, "more", "help"}), nullptr);
  EXPECT_EQ(refusal_, "the plugin has 64 metrics already");
  auto* const other = store_.add_owner("com.example.other").made;
  EXPECT_NE(store_.declare(*other, {Type::gauge, "more", "help"}).made, nullptr);
}

TEST_F(Store, RefusesMoreSeriesThanAPluginMayHave) {
  auto* const metric = declare({Type::gauge, "x", "help", "label"});
  for (std::size_t i = 0; i < MetricStore::kMostSeries; ++i) {
    EXPECT_NE(series(metric, std::to_string(i)), nullptr);
  }
  EXPECT_EQ(series(metric, "more"), nullptr);
  EXPECT_EQ(refusal_, "crolang_team_rules_x: the plugin has 64 series already");
  EXPECT_NE(series(metric, "63"), nullptr);
  store_.remove(*series(metric, "5"));
  EXPECT_NE(series(metric, "more"), nullptr);
}

TEST_F(Store, RefusesValuesOfLabelsThatAreTooLongOrOfNoLabel) {
  EXPECT_EQ(series(declare({Type::gauge, "x", "help", "label"}), std::string(513, 'v')), nullptr);
  EXPECT_EQ(refusal_, "crolang_team_rules_x: the value of a label has more than 512 bytes");
  EXPECT_EQ(series(declare({Type::gauge, "y", "help"}), "value"), nullptr);
  EXPECT_EQ(refusal_, "crolang_team_rules_y has no label");
}

TEST_F(Store, ShowsARemovedSeriesNoMoreAndBeginsAnewWithZero) {
  auto* const server = declare({Type::gauge, "server", "help", "server"});
  auto* const one = series(server, "one");
  one->set(1);
  store_.remove(*one);
  EXPECT_THAT(store_.text(), IsEmpty());
  auto* const total = series(declare({Type::counter, "uses", "help"}));
  EXPECT_EQ(total, one) << "its place is used again";
  total->set(3);
  EXPECT_THAT(store_.text(), HasSubstr("uses_total 0\n")) << "as what it is now";
  EXPECT_THAT(store_.text(), Not(HasSubstr("server")));
}

}  // namespace
}  // namespace crolang::telemetry
