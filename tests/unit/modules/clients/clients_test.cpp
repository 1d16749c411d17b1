#include "modules/clients/clients.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "support/captured_log.hpp"

namespace crolang::modules {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr crolang_str kNoError{nullptr, 0};

std::string copy(crolang_str text) {
  return text.data == nullptr ? "NULL" : "'" + std::string(text.data, text.size) + "'";
}

/// Nothing, if the session is not named.
std::string at(std::uint32_t worker, std::uint64_t session) {
  if (worker == 0 && session == 0) return {};
  return "@" + std::to_string(worker) + "." + std::to_string(session);
}

std::string copy(crolang_lease claim) {
  return copy(claim.id) + "#" + std::to_string(claim.token) + at(claim.worker, claim.session);
}

std::string copy(crolang_holder holder) {
  return copy(holder.instance) + "#" + std::to_string(holder.token) +
         at(holder.worker, holder.session);
}

/// What reached the tables, in words; `self` of each of them.
struct Recorder {
  std::vector<std::string> calls;

  template <class... Parts>
  static void record(void* self, std::string_view function, const Parts&... parts) {
    std::string call(function);
    ((call += " ", call += parts), ...);
    static_cast<Recorder*>(self)->calls.push_back(std::move(call));
  }
};

std::string ms(std::uint32_t deadline) {
  return std::to_string(deadline) + "ms";
}

constexpr crolang_registry kRegistry{
    sizeof(crolang_registry),
    nullptr,
    [](void* self, crolang_lease claim, std::uint32_t deadline, crolang_claimed_fn answer,
       void* call) {
      Recorder::record(self, "claim", copy(claim), ms(deadline));
      answer(call, CROLANG_OK, CROLANG_GRANTED, {}, kNoError);
    },
    [](void* self, crolang_lease claim, crolang_holder expected, std::uint32_t deadline,
       crolang_claimed_fn answer, void* call) {
      Recorder::record(self, "replace", copy(claim), copy(expected), ms(deadline));
      answer(call, CROLANG_OK, CROLANG_HELD, {{"there", 5}, 9, 90, 3}, kNoError);
    },
    [](void* self, crolang_lease claim, std::uint32_t deadline, crolang_done_fn answer,
       void* call) {
      Recorder::record(self, "announce", copy(claim), ms(deadline));
      answer(call, CROLANG_OK, kNoError);
    },
    [](void* self, crolang_lease claim, std::uint32_t deadline, crolang_done_fn answer,
       void* call) {
      Recorder::record(self, "release", copy(claim), ms(deadline));
      answer(call, CROLANG_OK, kNoError);
    },
    [](void* self, crolang_str id, crolang_holder incumbent, std::uint32_t timeout,
       std::uint32_t deadline, crolang_probed_fn answer, void* call) {
      Recorder::record(self, "probe", copy(id), copy(incumbent), ms(timeout), ms(deadline));
      answer(call, CROLANG_OK, CROLANG_YIELDED, kNoError);
    },
    [](void* self, const crolang_str* ids, std::size_t count, std::uint32_t deadline,
       crolang_located_fn answer, void* call) {
      std::string all;
      std::vector<crolang_holder> holders;
      for (std::size_t i = 0; i < count; ++i) {
        all += copy(ids[i]);
        holders.push_back({{"here", 4}, i, 10 * i, 2});
      }
      Recorder::record(self, "lookup", all, ms(deadline));
      answer(call, CROLANG_OK, holders.data(), holders.size(), kNoError);
    },
    [](void* self, crolang_str instance, crolang_lease to, crolang_str body, std::uint32_t deadline,
       crolang_yes_no_fn answer, void* call) {
      Recorder::record(self, "send", copy(instance), copy(to), copy(body), ms(deadline));
      answer(call, CROLANG_OK, true, kNoError);
    },
    [](void* self) { Recorder::record(self, "flush"); },
    [](void* self, const crolang_str* ids, std::size_t count, std::uint32_t deadline,
       crolang_located_fn answer, void* call) {
      std::string all;
      for (std::size_t i = 0; i < count; ++i) all += copy(ids[i]);
      Recorder::record(self, "presence", all, ms(deadline));
      const std::vector<crolang_holder> holders(count);
      answer(call, CROLANG_OK, holders.data(), holders.size(), kNoError);
    },
    [](void* self, crolang_str status) { Recorder::record(self, "set_status", copy(status)); },
    [](void* self, std::uint32_t deadline, crolang_instances_fn answer, void* call) {
      Recorder::record(self, "list_instances", ms(deadline));
      const crolang_instance instances[] = {{{"here", 4}, {"{}", 2}}, {{"there", 5}, {"{1}", 3}}};
      answer(call, CROLANG_OK, instances, 2, kNoError);
    },
    [](void* self, crolang_str instance, crolang_str body, std::uint32_t deadline,
       crolang_text_fn answer, void* call) {
      Recorder::record(self, "ask", copy(instance), copy(body), ms(deadline));
      answer(call, CROLANG_OK, {"\0answer", 7}, kNoError);
    },
    [](void* self, crolang_entry entry, std::uint32_t deadline, crolang_done_fn answer,
       void* call) {
      Recorder::record(self, "set_entry", copy(entry.name), copy(entry.value),
                       std::to_string(entry.expires_at), ms(deadline));
      answer(call, CROLANG_OK, kNoError);
    },
    [](void* self, crolang_str known_version, std::uint32_t deadline, crolang_entries_fn answer,
       void* call) {
      Recorder::record(self, "list_entries", copy(known_version), ms(deadline));
      const crolang_entry entry{{"name", 4}, {"value", 5}, 7};
      answer(call, CROLANG_OK, CROLANG_CHANGED, {"2", 1}, &entry, 1, kNoError);
    }};

constexpr crolang_rtc_config kRtcConfig{
    sizeof(crolang_rtc_config),
    [](void* self, crolang_str node, std::uint32_t deadline, crolang_text_fn answer, void* call) {
      Recorder::record(self, "resolve", copy(node), ms(deadline));
      answer(call, CROLANG_OK, {"{}", 2}, kNoError);
    }};

constexpr crolang_authentication kAuthentication{
    sizeof(crolang_authentication), CROLANG_READS_REQUEST,
    [](void* self, const crolang_connecting_node* node, std::uint32_t deadline,
       crolang_authenticated_fn answer, void* call) {
      Recorder::record(self, "authenticate", copy(node->id), copy(node->version),
                       copy(node->runtime), copy(node->data), ms(deadline));
      crolang_str first_name{};
      crolang_str first_value{};
      if (node->header_at(node->request, 0, &first_name, &first_value)) {
        crolang_str team{};
        Recorder::record(self, "of", copy(node->client_address), copy(node->tls_client_subject),
                         copy(first_name), copy(first_value),
                         node->header(node->request, "x-TEAM", &team) ? copy(team) : "no team");
      }
      answer(call, CROLANG_OK, true, 1234, kNoError);
    },
    [](void*) {
      return crolang_str{"origin, X-Team,cookie", 21};
    }};

constexpr crolang_authorization kAuthorization{
    sizeof(crolang_authorization),
    [](void* self, crolang_str from, crolang_str to, std::uint32_t deadline,
       crolang_yes_no_fn answer, void* call) {
      Recorder::record(self, "authorize", copy(from), copy(to), ms(deadline));
      answer(call, CROLANG_OK, false, kNoError);
    }};

constexpr crolang_validity kValidity{
    sizeof(crolang_validity), [](void* self, const crolang_str* ids, std::size_t count,
                                 std::uint32_t deadline, crolang_flags_fn answer, void* call) {
      std::string all;
      for (std::size_t i = 0; i < count; ++i) all += copy(ids[i]);
      Recorder::record(self, "check", all, ms(deadline));
      const bool flags[] = {true, false};
      answer(call, CROLANG_OK, flags, count, kNoError);
    }};

constexpr crolang_observer kObserver{
    sizeof(crolang_observer),
    [](void* self, crolang_str from, crolang_str to, bool receiver_connected) {
      Recorder::record(self, "observe", copy(from), copy(to),
                       std::string(receiver_connected ? "connected" : "away"));
    }};

class ClientsTest : public testing::Test, protected AnswerSink {
 protected:
  ~ClientsTest() override = default;
  void on_answer(const Waiter&, const Answer&) override { ADD_FAILURE() << "answered twice"; }

  std::string last_call() const { return seen_.calls.empty() ? "none" : seen_.calls.back(); }

  Recorder seen_;
  ModuleTable modules_{{{&kRegistry, &seen_, "registry"},
                        {&kRtcConfig, &seen_, "rtc"},
                        {&kAuthentication, &seen_, "authentication"},
                        {&kAuthorization, &seen_, "authorization"},
                        {&kValidity, &seen_, "validity"},
                        {}}};
  PendingCalls calls_{
      {[] {}, [] { return false; }, [](const Receipt&) { return Redeemed::no; },
       [](void*, Redeemed) {}, [](CallFault, Question, const std::string&, std::string_view) {},
       [](const std::string&, std::uint64_t) {}, [](std::uint64_t) {}},
      16};
  Clients clients_{modules_, calls_, 300ms};
  const Waiter waiter_{this, 0, 1};
};

TEST_F(ClientsTest, AuthenticateWithWhatTheNodeGave) {
  const Answer* answer =
      clients_.authenticate(waiter_, {"bob", "1.2", "jvm", std::string_view("{\"a\":1}")});
  ASSERT_NE(answer, nullptr);
  EXPECT_TRUE(answer->yes);
  EXPECT_EQ(last_call(), R"(authenticate 'bob' '1.2' 'jvm' '{"a":1}' 300ms)");
}

TEST_F(ClientsTest, AuthenticateWithWhatTheRequestSaid) {
  const Answer* answer = clients_.authenticate(
      waiter_, {"bob", "1", "js", {}, "192.0.2.7", "CN=bob", "Host: here\r\nX-Team: red\r\n"});
  ASSERT_NE(answer, nullptr);
  EXPECT_EQ(answer->valid_for_ms, 1234u);
  EXPECT_EQ(last_call(), "of '192.0.2.7' 'CN=bob' 'Host' 'here' 'red'");
  clients_.authenticate(waiter_, {"bob", "1", "js", {}, "192.0.2.7", {}, "Host: here\r\n"});
  EXPECT_EQ(last_call(), "of '192.0.2.7' '' 'Host' 'here' no team");
}

TEST_F(ClientsTest, KnowWhetherTheAuthenticationReadsTheRequest) {
  EXPECT_TRUE(clients_.reads_request());
  constexpr crolang_authentication kIndifferent{sizeof(crolang_authentication), 0,
                                                kAuthentication.authenticate, nullptr};
  modules_.of<Kind::authentication>().table = &kIndifferent;
  EXPECT_FALSE(clients_.reads_request());
}

TEST_F(ClientsTest, KeepOnlyTheHeadersThatTheAuthenticationReads) {
  std::string scratch;
  const auto kept = [&](std::string_view lines) {
    return std::string(clients_.headers_read(lines, scratch));
  };
  EXPECT_EQ(kept("Host: here\r\nx-team: red\r\nCookie: a\r\nA: b\r\nCOOKIE: b\r\n"),
            "x-team: red\r\nCookie: a\r\nCOOKIE: b\r\n");
  EXPECT_EQ(kept("Host: here\r\n"), "");

  constexpr crolang_authentication kAll{sizeof(crolang_authentication), CROLANG_READS_REQUEST,
                                        kAuthentication.authenticate, [](void*) {
                                          return crolang_str{nullptr, 0};
                                        }};
  modules_.of<Kind::authentication>().table = &kAll;
  const Clients all(modules_, calls_, 1s);
  EXPECT_EQ(all.headers_read("Host: here\r\n", scratch), "Host: here\r\n");
  constexpr crolang_authentication kShorter{offsetof(crolang_authentication, headers),
                                            CROLANG_READS_REQUEST, kAuthentication.authenticate,
                                            nullptr};
  modules_.of<Kind::authentication>().table = &kShorter;
  const Clients shorter(modules_, calls_, 1s);
  EXPECT_EQ(shorter.headers_read("Host: here\r\n", scratch), "Host: here\r\n");
  constexpr crolang_authentication kIndifferent{sizeof(crolang_authentication), 0,
                                                kAuthentication.authenticate, nullptr};
  modules_.of<Kind::authentication>().table = &kIndifferent;
  EXPECT_EQ(shorter.headers_read("Host: here\r\n", scratch), "");
}

TEST_F(ClientsTest, LogThatAPluginReadsHeadersWithoutDeclaringIt) {
  constexpr crolang_authentication kUndeclared{sizeof(crolang_authentication), 0,
                                               kAuthentication.authenticate, nullptr};
  modules_.of<Kind::authentication>().table = &kUndeclared;
  support::CapturedLog log(telemetry::log::Level::essentials);
  clients_.authenticate(waiter_, {"bob", "1", "js", {}});
  clients_.authenticate(waiter_, {"bob", "1", "js", {}});
  EXPECT_THAT(log.lines(), ElementsAre(testing::AllOf(
                               testing::HasSubstr("without declaring CROLANG_READS_REQUEST"),
                               testing::HasSubstr("plugin=authentication"))));
}

TEST_F(ClientsTest, DistinguishEmptyDataFromAbsent) {
  clients_.authenticate(waiter_, {"bob", "1", "js", {}});
  EXPECT_EQ(last_call(), "authenticate 'bob' '1' 'js' NULL 300ms");
  clients_.authenticate(waiter_, {"bob", "1", "js", std::string_view("")});
  EXPECT_EQ(last_call(), "authenticate 'bob' '1' 'js' '' 300ms");
  clients_.authenticate(waiter_, {"bob", "1", "js", std::string_view()});
  EXPECT_EQ(last_call(), "authenticate 'bob' '1' 'js' '' 300ms");
}

TEST_F(ClientsTest, GiveEveryOtherTextAPointerHoweverEmpty) {
  clients_.authenticate(waiter_, {{}, {}, {}, {}});
  EXPECT_EQ(last_call(), "authenticate '' '' '' NULL 300ms");
  clients_.authorize(waiter_, {}, {});
  EXPECT_EQ(last_call(), "authorize '' '' 300ms");
}

TEST_F(ClientsTest, ClaimById) {
  EXPECT_EQ(clients_.claim(waiter_, {"bob", 7})->code, CROLANG_GRANTED);
  EXPECT_EQ(last_call(), "claim 'bob'#7 300ms");
}

TEST_F(ClientsTest, ReplaceTheExpectedHolder) {
  const Answer* answer = clients_.replace(waiter_, {"bob", 7}, {"there", 3});
  EXPECT_EQ(last_call(), "replace 'bob'#7 'there'#3 300ms");
  EXPECT_EQ(answer->code, CROLANG_HELD);
  ASSERT_THAT(answer->holders, SizeIs(1));
  EXPECT_EQ(answer->holders[0].instance, "there");
  EXPECT_EQ(answer->holders[0].token, 9U);
}

TEST_F(ClientsTest, AnnounceAndReleaseByToken) {
  EXPECT_TRUE(clients_.announce(waiter_, {"bob", ~std::uint64_t{0}})->succeeded());
  EXPECT_EQ(last_call(), "announce 'bob'#18446744073709551615 300ms");
  clients_.release({"bob", 7});
  EXPECT_EQ(last_call(), "release 'bob'#7 300ms");
  EXPECT_EQ(calls_.open(), 0U);
}

TEST_F(ClientsTest, GiveAProbeItsTimeOutBeyondTheDeadline) {
  EXPECT_EQ(clients_.probe(waiter_, "bob", {"there", 3}, 1500ms)->code, CROLANG_YIELDED);
  EXPECT_EQ(last_call(), "probe 'bob' 'there'#3 1500ms 1800ms");
}

TEST_F(ClientsTest, LookUpOne) {
  const std::string_view ids[] = {"bob"};
  const Answer* answer = clients_.lookup(waiter_, ids);
  EXPECT_EQ(last_call(), "lookup 'bob' 300ms");
  EXPECT_TRUE(answer->succeeded());
  EXPECT_THAT(answer->holders, SizeIs(1));
}

TEST_F(ClientsTest, LookUpManyInTheOrderGiven) {
  const std::string_view ids[] = {"bob", "", "alice", "bob"};
  const Answer* answer = clients_.lookup(waiter_, ids);
  EXPECT_EQ(last_call(), "lookup 'bob''''alice''bob' 300ms");
  ASSERT_THAT(answer->holders, SizeIs(4));
  EXPECT_EQ(answer->holders[3].token, 3U);
}

TEST_F(ClientsTest, LookUpNobody) {
  const Answer* answer = clients_.lookup(waiter_, {});
  EXPECT_TRUE(answer->succeeded());
  EXPECT_THAT(answer->holders, IsEmpty());
}

TEST_F(ClientsTest, SendABodyAsItIs) {
  const std::string body = "a\0b\n\xFF"s;
  EXPECT_TRUE(clients_.send(waiter_, "there", {"bob", 7}, body, {})->yes);
  EXPECT_EQ(last_call(), "send 'there' 'bob'#7 '" + body + "' 300ms");
}

TEST_F(ClientsTest, ResolveTheConfigurationOfANode) {
  EXPECT_EQ(clients_.resolve_rtc(waiter_, "bob")->text, "{}");
  EXPECT_EQ(last_call(), "resolve 'bob' 300ms");
}

TEST_F(ClientsTest, AuthorizeFromSenderToReceiver) {
  const Answer* answer = clients_.authorize(waiter_, "alice", "bob");
  EXPECT_TRUE(answer->succeeded());
  EXPECT_FALSE(answer->yes);
  EXPECT_EQ(last_call(), "authorize 'alice' 'bob' 300ms");
}

TEST_F(ClientsTest, CheckManyAtOnce) {
  const std::string_view ids[] = {"alice", "bob"};
  const Answer* answer = clients_.check_validity(waiter_, ids);
  EXPECT_EQ(last_call(), "check 'alice''bob' 300ms");
  EXPECT_THAT(answer->flags, ElementsAre(1, 0));
}

TEST_F(ClientsTest, NotifyEveryObserver) {
  Recorder other;
  modules_.of<Kind::observer>() = {{&kObserver, &seen_, "one"}, {&kObserver, &other, "two"}};
  clients_.observe("alice", "bob", true);
  clients_.observe("alice", "bob", false);
  EXPECT_THAT(seen_.calls,
              ElementsAre("observe 'alice' 'bob' connected", "observe 'alice' 'bob' away"));
  EXPECT_EQ(other.calls, seen_.calls);
}

TEST_F(ClientsTest, NotifyNobodyWithoutObservers) {
  clients_.observe("alice", "bob", true);
  EXPECT_THAT(seen_.calls, IsEmpty());
}

TEST_F(ClientsTest, GoBackToTheWaiterWithALaterAnswer) {
  struct Keep final : AnswerSink {
    void on_answer(const Waiter& waiter, const Answer& answer) override {
      tag = waiter.tag;
      yes = answer.yes;
    }
    std::uint64_t tag = 0;
    bool yes = false;
  } keep;
  static void* open = nullptr;
  static constexpr crolang_authorization kLater{sizeof(crolang_authorization),
                                                [](void*, crolang_str, crolang_str, std::uint32_t,
                                                   crolang_yes_no_fn, void* call) { open = call; }};
  modules_.of<Kind::authorization>().table = &kLater;
  EXPECT_EQ(clients_.authorize({&keep, {}, 42}, "alice", "bob"), nullptr);
  PendingCalls::on_yes_no(open, CROLANG_OK, true, kNoError);
  clients_.calls().collect();
  EXPECT_EQ(keep.tag, 42U);
  EXPECT_TRUE(keep.yes);
}

TEST_F(ClientsTest, FlushTheRegistryOnce) {
  clients_.authorize(waiter_, "bob", "eve");
  clients_.flush();
  EXPECT_EQ(last_call(), "authorize 'bob' 'eve' 300ms");
  clients_.claim(waiter_, {"bob", 7});
  clients_.send(waiter_, "there", {"bob", 7}, "42[]", {});
  clients_.flush();
  EXPECT_EQ(last_call(), "flush");
  const std::size_t calls = seen_.calls.size();
  clients_.flush();
  EXPECT_EQ(seen_.calls.size(), calls);
}

TEST_F(ClientsTest, AskForPresenceApartFromLookUpsOfMessages) {
  const std::string_view ids[] = {"bob", "eve"};
  EXPECT_THAT(clients_.presence(waiter_, ids)->holders, SizeIs(2));
  EXPECT_EQ(last_call(), "presence 'bob''eve' 300ms");
}

TEST_F(ClientsTest, LookUpForPresenceInARegistryThatKnowsNoDifference) {
  const std::string_view ids[] = {"bob", "eve"};
  crolang_registry older = kRegistry;
  older.size = offsetof(crolang_registry, presence);
  modules_.of<Kind::registry>().table = &older;
  EXPECT_THAT(clients_.presence(waiter_, ids)->holders, SizeIs(2));
  EXPECT_EQ(last_call(), "lookup 'bob''eve' 300ms");
  crolang_registry without = kRegistry;
  without.presence = nullptr;
  modules_.of<Kind::registry>().table = &without;
  clients_.presence(waiter_, ids);
  EXPECT_EQ(last_call(), "lookup 'bob''eve' 300ms");
}

TEST_F(ClientsTest, HandSessionsToTheRegistryAndBack) {
  clients_.claim(waiter_, {"bob", 9, 70, 5});
  EXPECT_EQ(last_call(), "claim 'bob'#9@5.70 300ms");
  const Answer* answer = clients_.replace(waiter_, {"bob", 9, 70, 5}, {"there", 8, 80, 2});
  EXPECT_EQ(last_call(), "replace 'bob'#9@5.70 'there'#8@2.80 300ms");
  EXPECT_EQ(answer->holders.front().session, 90U);
  EXPECT_EQ(answer->holders.front().worker, 3U);
  const std::string_view ids[] = {"bob", "eve"};
  answer = clients_.lookup(waiter_, ids);
  EXPECT_EQ(answer->holders.back().session, 10U);
  EXPECT_EQ(answer->holders.back().worker, 2U);
}

TEST_F(ClientsTest, ListInstances) {
  const Answer* answer = clients_.list_instances(waiter_);
  EXPECT_EQ(last_call(), "list_instances 300ms");
  ASSERT_THAT(answer->instances, SizeIs(2));
  EXPECT_EQ(answer->instances[1].instance, "there");
  EXPECT_EQ(answer->instances[1].status, "{1}");
}

TEST_F(ClientsTest, AskAnotherInstance) {
  EXPECT_EQ(clients_.ask_instance(waiter_, "there", "status")->text, "\0answer"s);
  EXPECT_EQ(last_call(), "ask 'there' 'status' 300ms");
  const std::size_t calls = seen_.calls.size();
  EXPECT_EQ(clients_.ask_instance(waiter_, "there", std::string(CROLANG_MAX_ASK + 1, 'x'))->status,
            CROLANG_INVALID);
  EXPECT_EQ(seen_.calls.size(), calls);
}

TEST_F(ClientsTest, AskAnotherInstanceWithATimeOutOfItsOwn) {
  clients_.ask_instance(waiter_, "there", "status", std::chrono::milliseconds(200));
  EXPECT_EQ(last_call(), "ask 'there' 'status' 200ms");
  clients_.ask_instance(waiter_, "there", "status", std::chrono::milliseconds(400));
  EXPECT_EQ(last_call(), "ask 'there' 'status' 300ms");
}

TEST_F(ClientsTest, SetAndListEntries) {
  ASSERT_TRUE(clients_.shares_entries());
  EXPECT_EQ(clients_.set_entry(waiter_, {"name", "value", 7})->status, CROLANG_OK);
  EXPECT_EQ(last_call(), "set_entry 'name' 'value' 7 300ms");
  const Answer* answer = clients_.list_entries(waiter_, "1");
  EXPECT_EQ(last_call(), "list_entries '1' 300ms");
  EXPECT_EQ(answer->code, CROLANG_CHANGED);
  EXPECT_EQ(answer->text, "2");
  EXPECT_EQ(answer->entries, (std::vector<Entry>{{"name", "value", 7}}));
}

TEST_F(ClientsTest, KnowThatTheRegistrySharesNoEntries) {
  crolang_registry older = kRegistry;
  older.size = offsetof(crolang_registry, list_entries);
  crolang_registry without = kRegistry;
  without.list_entries = nullptr;
  for (const crolang_registry& table : {older, without}) {
    modules_.of<Kind::registry>().table = &table;
    EXPECT_FALSE(clients_.shares_entries());
  }
}

TEST_F(ClientsTest, FlushAStatus) {
  clients_.set_status("{}");
  EXPECT_EQ(last_call(), "set_status '{}'");
  clients_.flush();
  EXPECT_EQ(last_call(), "flush");
}

TEST_F(ClientsTest, DoWithoutInstancesIfTheRegistryKnowsNone) {
  crolang_registry older = kRegistry;
  older.size = offsetof(crolang_registry, set_status);
  crolang_registry without = kRegistry;
  without.set_status = nullptr;
  without.list_instances = nullptr;
  without.ask = nullptr;
  for (const crolang_registry& table : {older, without}) {
    modules_.of<Kind::registry>().table = &table;
    clients_.set_status("{}");
    EXPECT_EQ(clients_.unflushed(), 0U);
    EXPECT_EQ(clients_.list_instances(waiter_)->status, CROLANG_UNAVAILABLE);
    EXPECT_EQ(clients_.ask_instance(waiter_, "there", "x")->status, CROLANG_UNAVAILABLE);
    EXPECT_THAT(seen_.calls, IsEmpty());
    clients_.flush();
    seen_.calls.clear();
  }
}

TEST_F(ClientsTest, DoNotFlushARegistryWithoutFlush) {
  crolang_registry indifferent = kRegistry;
  indifferent.flush = nullptr;
  modules_.of<Kind::registry>().table = &indifferent;
  clients_.claim(waiter_, {"bob", 7});
  clients_.flush();
  EXPECT_EQ(last_call(), "claim 'bob'#7 300ms");
}

TEST_F(ClientsTest, CountWhatTheRegistryWasAskedSinceThen) {
  clients_.lookup(waiter_, {});
  clients_.release({"bob", 7});
  clients_.authorize(waiter_, "bob", "eve");
  EXPECT_EQ(clients_.unflushed(), 2U);
  clients_.flush();
  EXPECT_EQ(clients_.unflushed(), 0U);
}

}  // namespace
}  // namespace crolang::modules
