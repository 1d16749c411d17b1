// Each webhook while memory or threads run out: the question is answered, and the next one
// as if nothing had been.
#include <gtest/gtest.h>

#include <new>
#include <string>
#include <tuple>

#include "contract/webhooks/certificates.hpp"
#include "contract/webhooks/hooks.hpp"
#include "contract/webhooks/server.hpp"
#include "support/faults.hpp"

namespace crolang::webhooks {
namespace {

namespace pt = plugin::testing;

// A plugin whose threads are victims, in a host that is none.
const crolang_plugin* g_plugin = nullptr;
const crolang_host* g_host = nullptr;
crolang_host g_sparing_host;

void log_line(void* ctx, std::int32_t level, crolang_str text) {
  const faults::Spared spared;
  g_host->log(ctx, level, text);
}

crolang_status create(const crolang_host* host, void** self, char* error, std::size_t size) {
  const faults::Victim victim;
  g_host = host;
  g_sparing_host = *host;
  g_sparing_host.log = &log_line;
  return g_plugin->create(&g_sparing_host, self, error, size);
}

crolang_plugin victim_of(const std::string& file) {
  g_plugin = &pt::open_file(file);
  crolang_plugin plugin = *g_plugin;
  plugin.create = &create;
  return plugin;
}

struct Way {
  std::string name;
  std::string host;
  std::string headers;  // of an answer
  enum class Scheme { http, https } scheme = Scheme::http;
};

void PrintTo(const Way& way, std::ostream* out) {
  *out << way.name;
}

class Shortage : public ::testing::TestWithParam<std::tuple<Hook, Way>> {
 protected:
  Shortage()
      : authority_(),
        context_(way().scheme == Way::Scheme::https ? authority_.issue("DNS:localhost,IP:127.0.0.1")
                                                    : nullptr),
        server_(answer(hook().good_answer, "200 OK", way().headers), context_.get()),
        plugin_(victim_of(hook().file)),
        running_(plugin_, {{hook().variable, url()},
                           {"WEBHOOK_CA_FILE", authority_.file()},
                           {"AUTHORIZE_NODES_COMMUNICATION_CACHE_TTL_MS", "0"}}) {}
  ~Shortage() override { faults::heal(); }

  static const Hook& hook() { return std::get<Hook>(GetParam()); }
  static const Way& way() { return std::get<Way>(GetParam()); }

  /// Asks as a worker would, for which memory runs out too. False: it had none before it asked.
  bool ask(pt::Question& question) {
    const faults::Victim victim;
    try {
      hook().ask(running_, question, 10'000);
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  void expect_good() {
    if (hook().answers == Hook::Answers::ignored) {
      const std::size_t before = server_.requests().size();
      pt::Question told;
      hook().ask(running_, told, 60'000);
      EXPECT_EQ(server_.request(before).body, hook().body);
      return;
    }
    pt::Question question;
    hook().ask(running_, question, 60'000);
    const auto outcome = question.wait();
    ASSERT_TRUE(outcome) << "is never answered again";
    hook().expect_good(*outcome);
  }

  /// Asks while memory runs out at the allocations that `fail` says, until there is none such.
  template <class Fail>
  void expect_survival(Fail&& fail) {
    if (hook().answers == Hook::Answers::ignored) GTEST_SKIP() << "nobody knows when it is done";
    std::uint64_t failed = 0;
    int survived = 0;
    for (std::uint64_t n = 1, untouched = 0; untouched < 3; ++n) {
      SCOPED_TRACE(n);
      fail(n);
      pt::Question question;
      const bool asked = ask(question);
      const auto outcome = question.wait(std::chrono::seconds(asked ? 10 : 0));
      const std::uint64_t times = faults::heal();
      failed += times;
      untouched = times == 0 ? untouched + 1 : 0;
      if (asked) {
        ASSERT_TRUE(outcome) << "was never answered";
        ++survived;
        if (outcome->status == CROLANG_OK) {
          hook().expect_good(*outcome);
        } else {
          EXPECT_EQ(outcome->status, CROLANG_UNAVAILABLE) << outcome->error;
        }
      }
      expect_good();
      if (HasFatalFailure()) return;
    }
    EXPECT_GT(failed, 5u);
    EXPECT_GT(survived, 5);
  }

  std::string url() const {
    return (way().scheme == Way::Scheme::https ? "https://" : "http://") + way().host + ":" +
           std::to_string(server_.port()) + "/";
  }

  Authority authority_;
  ServerContext context_;
  Server server_;
  const crolang_plugin plugin_;
  pt::Running running_;
};

TEST_P(Shortage, OfMemoryForOneAllocationFailsOneQuestionAtMost) {
  expect_survival([](std::uint64_t n) { faults::fail_allocations(n, n + 1); });
}

TEST_P(Shortage, OfMemoryFromOneAllocationOnFailsTheQuestionsUntilItIsOver) {
  expect_survival([](std::uint64_t n) { faults::fail_allocations(n, n + 1000); });
}

TEST_P(Shortage, OfThreadsFailsTheQuestionsUntilItIsOver) {
  faults::fail_thread_starts(1'000'000);
  for (int i = 0; i < 3; ++i) {
    pt::Question question;
    ASSERT_TRUE(ask(question));
    const auto outcome = question.wait();
    ASSERT_TRUE(outcome) << "was never answered";
    if (way().host == "127.0.0.1") {
      hook().expect_good(*outcome);
    } else if (hook().answers == Hook::Answers::waited_for) {
      EXPECT_EQ(outcome->status, CROLANG_UNAVAILABLE);
      EXPECT_EQ(outcome->error, hook().variable + ": localhost:" + std::to_string(server_.port()) +
                                    ": Resource temporarily unavailable");
    }
  }
  faults::heal();
  expect_good();
}

const Way kWays[] = {
    {"ByAddress", "127.0.0.1", ""},
    {"ByAddressOnce", "127.0.0.1", "Connection: close\r\n"},
    {"ByNameOnce", "localhost", "Connection: close\r\n"},
    {"ByTlsOnce", "127.0.0.1", "Connection: close\r\n", Way::Scheme::https},
};

std::string name_of(const ::testing::TestParamInfo<std::tuple<Hook, Way>>& info) {
  return std::get<Hook>(info.param).name + std::get<Way>(info.param).name;
}

INSTANTIATE_TEST_SUITE_P(Webhooks, Shortage,
                         ::testing::Combine(::testing::ValuesIn(hooks()),
                                            ::testing::ValuesIn(kWays)),
                         name_of);

TEST(Shortages, OfThreadsAtTheStartRefuseItWithASentence) {
  for (const Hook& each : hooks()) {
    const crolang_plugin plugin = victim_of(each.file);
    faults::fail_thread_starts(1);
    try {
      const pt::Running running(plugin, {{each.variable, "http://127.0.0.1:1/"}});
      FAIL() << "started";
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(error.what(),
                each.variable + ": cannot start a thread: Resource temporarily unavailable");
    }
    EXPECT_EQ(faults::heal(), 1u);
  }
}

}  // namespace
}  // namespace crolang::webhooks
