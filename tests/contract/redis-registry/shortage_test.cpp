// The registry while memory runs out: every question is answered, no lease is lost or kept for
// ever, and once it is over all is as before.
#include <gtest/gtest.h>

#include <crolang/testing/fake_host.hpp>
#include <crolang/testing/question.hpp>
#include <crolang/testing/registry_instance.hpp>
#include <new>
#include <string>

#include "redis_server.hpp"
#include "support/faults.hpp"

namespace {

namespace faults = crolang::faults;
namespace pt = crolang::plugin::testing;
using crolang::testing::eventually;
using crolang::testing::RedisServer;
using faults::Sparing;

const crolang_plugin* g_plugin = nullptr;
const crolang_host* g_host = nullptr;
crolang_host g_sparing_host;

void log_line(void* ctx, std::int32_t level, crolang_str text) {
  const faults::Spared spared;
  g_host->log(ctx, level, text);
}

crolang_status create(const crolang_host* host, void** self, char* error, std::size_t size) {
  g_host = host;
  g_sparing_host = *host;
  g_sparing_host.log = &log_line;
  return g_plugin->create(&g_sparing_host, self, error, size);
}

// A broker that takes every message, and is no victim.
void take_message(void*, crolang_lease, crolang_str, crolang_yes_no_fn taken, void* call) {
  taken(call, CROLANG_OK, true, {nullptr, 0});
}
void find_alive(void*, crolang_lease, std::uint32_t, crolang_probed_fn answered, void* call) {
  answered(call, CROLANG_OK, CROLANG_ALIVE, {nullptr, 0});
}
void count_lost(void* lost, crolang_lease) {
  ++*static_cast<int*>(lost);
}
void ignore_reason(void*, crolang_str) {}
void ignore(void*) {}
void echo(void*, crolang_str, crolang_str body, std::uint32_t, crolang_text_fn answer, void* call) {
  answer(call, CROLANG_OK, body, {nullptr, 0});
}

class RedisShortage : public ::testing::Test {
 protected:
  static crolang_plugin victim() {
    g_plugin = &pt::open_file(REDIS_REGISTRY);
    crolang_plugin plugin = *g_plugin;
    plugin.create = &create;
    return plugin;
  }

  RedisShortage()
      : plugin_(victim()),
        running_(plugin_, {{"REDIS_URL", redis_.url()},
                           {"REDIS_KEY_PREFIX", "t:"},
                           {"REDIS_LOCK_TTL_MS", "2000"}}),
        table_(*running_.table<crolang_registry>(CROLANG_REGISTRY)) {
    running_.host().on_control([this] {
      const faults::Victim victim;
      char error[512] = "";
      EXPECT_EQ(table_.bind(self(), text("here"), &events_, error, sizeof error), CROLANG_OK);
    });
  }
  ~RedisShortage() override { faults::heal(); }

  void* self() const { return running_.self(); }
  static crolang_str text(std::string_view given) { return {given.data(), given.size()}; }
  static crolang_lease claim_of(std::string_view id, std::uint64_t token) {
    return {text(id), token, 0, 0};
  }

  /// Asks all that can be asked of a registry, as a worker for which memory runs out too, and waits
  /// until all is answered. True: and all is well.
  bool ask_all(const std::string& id, std::uint64_t token) {
    pt::Question taken;
    pt::Question announced;
    pt::Question looked_up;
    pt::Question sent;
    pt::Question probed;
    pt::Question released;
    pt::Question listed;
    pt::Question asked;
    const crolang_str ids = text(id);
    bool well = true;
    const auto ask = [&](pt::Question& question, auto&& call) {
      {
        const faults::Victim victim;
        call();
        table_.flush(self());
      }
      const auto outcome = question.wait();
      EXPECT_TRUE(outcome) << "was never answered";
      EXPECT_EQ(question.answers(), 1);
      well = well && outcome && outcome->status == CROLANG_OK;
    };
    ask(taken, [&] {
      table_.claim(self(), claim_of(id, token), 10'000, &Sparing<&pt::Question::claimed>::call,
                   &taken);
    });
    ask(announced, [&] {
      table_.announce(self(), claim_of(id, token), 10'000, &Sparing<&pt::Question::done>::call,
                      &announced);
    });
    ask(looked_up, [&] {
      table_.lookup(self(), &ids, 1, 10'000, &Sparing<&pt::Question::located>::call, &looked_up);
    });
    ask(sent, [&] {
      table_.send(self(), text("here"), claim_of(id, token), text("42[\"x\"]"), 10'000,
                  &Sparing<&pt::Question::yes_no>::call, &sent);
    });
    ask(probed, [&] {
      table_.probe(self(), text(id), {text("here"), token, 0, 0}, 1000, 10'000,
                   &Sparing<&pt::Question::probed>::call, &probed);
    });
    ask(listed, [&] {
      table_.set_status(self(), text("{}"));
      table_.list_instances(self(), 10'000, &Sparing<&pt::Question::instances>::call, &listed);
    });
    ask(asked, [&] {
      table_.ask(self(), text("here"), text("status"), 10'000, &Sparing<&pt::Question::text>::call,
                 &asked);
    });
    ask(released, [&] {
      table_.release(self(), claim_of(id, token), 10'000, &Sparing<&pt::Question::done>::call,
                     &released);
    });
    return well;
  }

  RedisServer redis_;
  int lost_ = 0;
  const crolang_registry_events events_{sizeof(crolang_registry_events),
                                        &lost_,
                                        &take_message,
                                        &find_alive,
                                        &count_lost,
                                        &ignore_reason,
                                        &ignore,
                                        &echo};
  const crolang_plugin plugin_;
  pt::Running running_;
  const crolang_registry& table_;
};

TEST_F(RedisShortage, OfMemoryFailsQuestionsAndLosesNothing) {
  std::uint64_t token = 1;
  ASSERT_TRUE(eventually([&] { return ask_all("alice", ++token); })) << "while all is well";
  std::uint64_t failed = 0;
  for (std::uint64_t n = 1, untouched = 0; untouched < 3 && n < 400; n += 1 + n / 8) {
    SCOPED_TRACE(n);
    faults::fail_allocations(n, n + 1 + n % 3);
    ask_all("bob", ++token);
    const std::uint64_t times = faults::heal();
    failed += times;
    untouched = times == 0 ? untouched + 1 : 0;
    ASSERT_TRUE(eventually([&] { return ask_all("alice", ++token); })) << "is never well again";
    if (HasFailure()) return;
  }
  EXPECT_GT(failed, 20u);
  EXPECT_EQ(lost_, 0);
  // What could not be given back is not extended either.
  EXPECT_TRUE(eventually([&] { return redis_.command({"GET", "t:node:{bob}"}) == "(nil)"; }));
}

}  // namespace
