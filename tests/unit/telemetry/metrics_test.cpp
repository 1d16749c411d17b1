#include "telemetry/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <thread>
#include <vector>

namespace crolang::telemetry {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

std::string page(std::initializer_list<const Counters*> counters, const Gauges& gauges = {}) {
  const std::vector<const Counters*> list(counters);
  return render(list, gauges);
}

TEST(WorkerCounters, StandAloneOnTheirCacheLines) {
  EXPECT_EQ(alignof(WorkerCounters), kCacheLine);
  EXPECT_EQ(sizeof(WorkerCounters) % kCacheLine, 0u);
}

TEST(WorkerCounters, AddUp) {
  WorkerCounters counters;
  counters.add(Counter::bytes_sent, 100);
  counters.add(Counter::bytes_sent, 23);
  EXPECT_EQ(counters.value(Counter::bytes_sent), 123u);
  EXPECT_EQ(counters.value(Counter::bytes_received), 0u);
}

TEST(SharedCounters, LoseNothingBetweenThreads) {
  SharedCounters counters;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) counters.add(Counter::accept_errors);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(counters.value(Counter::accept_errors), 4000u);
}

TEST(Metrics, NameTheHttpCounterByItsStatusClass) {
  EXPECT_EQ(http_counter(101), Counter::http_1xx);
  EXPECT_EQ(http_counter(204), Counter::http_2xx);
  EXPECT_EQ(http_counter(304), Counter::http_3xx);
  EXPECT_EQ(http_counter(431), Counter::http_4xx);
  EXPECT_EQ(http_counter(503), Counter::http_5xx);
}

TEST(Metrics, GiveEveryPluginKindAndEventItsOwnCounter) {
  std::set<Counter> seen;
  for (std::size_t kind = 0; kind < kinds::kKinds; ++kind)
    for (std::size_t event = 0; event < kPluginEvents; ++event) {
      const Counter counter =
          plugin_counter(static_cast<kinds::Kind>(kind), static_cast<PluginEvent>(event));
      EXPECT_GE(static_cast<std::size_t>(counter), kPlainCounters);
      EXPECT_LT(static_cast<std::size_t>(counter), kCounters);
      seen.insert(counter);
    }
  EXPECT_EQ(seen.size(), kinds::kKinds * kPluginEvents);
}

TEST(Metrics, SumTheCountersOfAllWorkers) {
  WorkerCounters one, two;
  SharedCounters others;
  one.add(Counter::relayed_local, 5);
  two.add(Counter::relayed_local, 6);
  others.add(Counter::relayed_local);
  EXPECT_THAT(page({&one, &two, &others}),
              HasSubstr("crolang_broker_messages_relayed_total{route=\"local\"} 12\n"));
}

TEST(Metrics, WriteLargeCountsExactly) {
  WorkerCounters counters;
  counters.add(Counter::bytes_received, 1'234'567'890'123);
  EXPECT_THAT(page({&counters}), HasSubstr("crolang_broker_received_bytes_total 1234567890123\n"));
}

TEST(Metrics, LabelPluginCallsByKindAndOutcome) {
  WorkerCounters counters;
  counters.add(plugin_counter(kinds::Kind::authorization, PluginEvent::timeout));
  counters.add(plugin_counter(kinds::Kind::rtc_config, PluginEvent::double_answer), 2);
  EXPECT_THAT(page({&counters}),
              HasSubstr("crolang_broker_plugin_call_faults_total{kind=\"authorization\","
                        "fault=\"timeout\"} 1\n"));
  EXPECT_THAT(page({&counters}),
              HasSubstr("crolang_broker_plugin_stray_answers_total{kind=\"rtc-config\","
                        "answer=\"double\"} 2\n"));
}

TEST(Metrics, TellTheGauges) {
  const Gauges gauges{.version = "1.2.3",
                      .started = std::chrono::system_clock::time_point(std::chrono::seconds(99)),
                      .workers = 2,
                      .connections = 12,
                      .nodes = 11,
                      .nodes_limit = 1000,
                      .outbox_bytes = 4096,
                      .log_lines_dropped = 3,
                      .draining = true};
  const std::string text = page({}, gauges);
  for (const char* line :
       {"crolang_broker_build_info{version=\"1.2.3\"} 1\n",
        "crolang_broker_start_time_seconds 99\n", "crolang_broker_workers 2\n",
        "crolang_broker_connections 12\n", "crolang_broker_nodes 11\n",
        "crolang_broker_nodes_limit 1000\n", "crolang_broker_outbox_bytes 4096\n",
        "crolang_broker_draining 1\n", "crolang_broker_log_lines_dropped_total 3\n"})
    EXPECT_THAT(text, HasSubstr(line));
}

TEST(Metrics, TellWhenTheCertificateExpiresIfThereIsOne) {
  const std::chrono::system_clock::time_point expiry(std::chrono::seconds(1'900'000'000));
  EXPECT_THAT(page({}, {.certificate_expiry = expiry}),
              HasSubstr("crolang_broker_certificate_expiry_time_seconds 1900000000\n"));
  EXPECT_THAT(page({}), Not(HasSubstr("certificate_expiry")));
}

TEST(Metrics, TellOfRenewalsThatSucceededAndFailed) {
  SharedCounters counters;
  counters.add(Counter::certificates_renewed, 3);
  counters.add(Counter::certificates_not_renewed, 2);
  const std::string text = page({&counters});
  EXPECT_THAT(text, HasSubstr("crolang_broker_certificate_renewals_total{status=\"ok\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("crolang_broker_certificate_renewals_total{status=\"failed\"} 2\n"));
}

TEST(Metrics, EscapeLabelValues) {
  EXPECT_THAT(page({}, {.version = "a\"b\nc"}), HasSubstr(R"({version="a\"b\nc"} 1)"));
}

TEST(Metrics, RenderHistogramsCumulatively) {
  WorkerCounters one, two;
  one.observe(Latency::admission, std::chrono::microseconds(8));
  two.observe(Latency::admission, std::chrono::milliseconds(2));
  two.observe(Latency::admission, std::chrono::seconds(100));
  const std::string text = page({&one, &two});
  for (const char* line : {"# TYPE crolang_broker_admission_seconds histogram\n",
                           "crolang_broker_admission_seconds_bucket{le=\"1e-05\"} 1\n",
                           "crolang_broker_admission_seconds_bucket{le=\"0.001\"} 1\n",
                           "crolang_broker_admission_seconds_bucket{le=\"0.0025\"} 2\n",
                           "crolang_broker_admission_seconds_bucket{le=\"60\"} 2\n",
                           "crolang_broker_admission_seconds_bucket{le=\"+Inf\"} 3\n",
                           "crolang_broker_admission_seconds_count 3\n",
                           "crolang_broker_admission_seconds_sum 100.002008\n"})
    EXPECT_THAT(text, HasSubstr(line));
}

TEST(Metrics, LabelHistogramsByRouteAndKind) {
  WorkerCounters counters;
  SharedCounters others;
  counters.observe(Latency::relay_remote, std::chrono::milliseconds(1));
  others.observe(call_latency(kinds::Kind::rtc_config), std::chrono::milliseconds(1));
  const std::string text = page({&counters, &others});
  for (const char* line : {"crolang_broker_relay_seconds_count{route=\"local\"} 0\n",
                           "crolang_broker_relay_seconds_count{route=\"remote\"} 1\n",
                           "crolang_broker_plugin_call_seconds_count{kind=\"rtc-config\"} 1\n",
                           "crolang_broker_plugin_call_seconds_count{kind=\"registry\"} 0\n"})
    EXPECT_THAT(text, HasSubstr(line));
  EXPECT_THAT(text, Not(HasSubstr("plugin_call_seconds_count{kind=\"observer\"}")));
}

TEST(Metrics, FollowTheTextFormat) {
  WorkerCounters counters;
  std::istringstream in(page({&counters}));
  const auto is_help = MatchesRegex("# HELP crolang_broker_[a-z_]+ .+");
  const auto is_type = MatchesRegex("# TYPE crolang_broker_[a-z_]+ (counter|gauge|histogram)");
  const auto is_sample = MatchesRegex(
      "crolang_broker_[a-z_]+([{][a-z]+=\"[^\"]*\"(,[a-z]+=\"[^\"]*\")*[}])? [0-9]+");  // nothing
                                                                                        // was
                                                                                        // observed,
                                                                                        // so the
                                                                                        // sums are
                                                                                        // 0
  std::set<std::string> seen;
  for (std::string line; std::getline(in, line);) {
    EXPECT_THAT(line, AnyOf(is_help, is_type, is_sample));
    EXPECT_TRUE(seen.insert(line).second) << "twice: " << line;
  }
  EXPECT_GT(seen.size(), kCounters);
}

TEST(Metrics, EndCountersInTotalAndNothingElse) {
  WorkerCounters counters;
  std::istringstream in(page({&counters}));
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("# TYPE ", 0) != 0) continue;
    const bool counter = line.find(" counter") != std::string::npos;
    const bool total = line.find("_total ") != std::string::npos;
    EXPECT_EQ(counter, total) << line;
  }
}

}  // namespace
}  // namespace crolang::telemetry
