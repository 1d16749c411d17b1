#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <crolang/plugin.hpp>
#include <crolang/testing/fake_host.hpp>
#include <crolang/testing/lent_node.hpp>
#include <crolang/testing/question.hpp>
#include <functional>
#include <new>
#include <stdexcept>
#include <system_error>

namespace crolang::plugin {
namespace {

using testing::Lent;
using testing::LentList;
using testing::LentNode;
using testing::Question;
using testing::Running;

/// All of a test's plugin is what it does when it is asked.
class Scripted final : public Authorization {
 public:
  using Script = std::function<void(Host&, std::string_view from, std::string_view to, YesNo)>;
  static inline Script script;

  explicit Scripted(Host host) : host_(std::move(host)) {}
  void authorize(std::string_view from, std::string_view to, YesNo answer) override {
    script(host_, from, to, std::move(answer));
  }

 private:
  Host host_;
};

class Sdk : public ::testing::Test {
 protected:
  void script(Scripted::Script given) { Scripted::script = std::move(given); }

  Question& ask() {
    Question& question = questions_.emplace_back();
    running_->table<crolang_authorization>(CROLANG_AUTHORIZATION)
        ->authorize(running_->self(), Lent("alice"), Lent("bob"), 1234, &Question::yes_no,
                    &question);
    return question;
  }

  std::vector<std::string> log() const {
    std::vector<std::string> lines;
    for (const auto& line : running_->host().log()) lines.push_back(line.text);
    return lines;
  }

  static constexpr crolang_plugin kEntry =
      make_entry<Scripted>("org.example.scripted", "1.0.0", "does as it is told", kNoEnv);
  std::deque<Question> questions_;
  std::unique_ptr<Running> running_ = std::make_unique<Running>(kEntry, testing::Env{}, 1);
};

TEST_F(Sdk, AnswersYes) {
  script([](Host&, auto, auto, YesNo answer) { answer.yes(); });
  const Question& question = ask();
  EXPECT_EQ(question.answers(), 1);
  EXPECT_EQ(question.wait()->status, CROLANG_OK);
  EXPECT_TRUE(question.wait()->yes);
}

TEST_F(Sdk, AnswersNo) {
  script([](Host&, auto, auto, YesNo answer) { answer.no(); });
  EXPECT_EQ(ask().wait()->status, CROLANG_OK);
  EXPECT_FALSE(ask().wait()->yes);
}

TEST_F(Sdk, SaysWhyNot) {
  script([](Host&, auto, auto, YesNo answer) { answer.no("banned"); });
  EXPECT_EQ(ask().wait()->error, "banned");
  script([](Host&, auto, auto, YesNo answer) { answer.decide(false, "banned"); });
  EXPECT_EQ(ask().wait()->error, "banned");
  script([](Host&, auto, auto, YesNo answer) { answer.decide(true, "banned"); });
  const auto yes = ask().wait();
  EXPECT_EQ(yes->status, CROLANG_OK);
  EXPECT_TRUE(yes->yes);
  EXPECT_EQ(yes->error, "");
}

TEST_F(Sdk, DistinguishesAFailureFromNo) {
  script([](Host&, auto, auto, YesNo answer) { answer.fail(Status::unavailable, "away"); });
  EXPECT_EQ(ask().wait()->status, CROLANG_UNAVAILABLE);
  EXPECT_EQ(ask().wait()->error, "away");
}

TEST_F(Sdk, PassesOnTheArgumentsAndTheDeadline) {
  std::string seen;
  script([&](Host&, auto from, auto to, YesNo answer) {
    seen =
        std::string(from) + ">" + std::string(to) + " " + std::to_string(answer.deadline().count());
    answer.yes();
  });
  ask();
  EXPECT_EQ(seen, "alice>bob 1234");
}

// ---- Answers that go astray ---------------------------------------------------------------------

class Throwing final : public Authorization {
 public:
  void authorize(std::string_view, std::string_view, YesNo) override {
    throw std::runtime_error("the database is on fire");
  }
};

TEST(SdkTrampoline, AnswersInternalWithTheTextOfAnException) {
  constexpr auto kEntry = make_entry<Throwing>("x", "1", "", kNoEnv);
  Question question;
  const Running running(kEntry);
  running.table<crolang_authorization>(CROLANG_AUTHORIZATION)
      ->authorize(running.self(), {}, {}, 1, &Question::yes_no, &question);
  EXPECT_EQ(question.answers(), 1);
  EXPECT_EQ(question.wait()->status, CROLANG_INTERNAL);
  EXPECT_EQ(question.wait()->error, "the database is on fire");
}

class ThrowingAnInt final : public Authorization {
 public:
  void authorize(std::string_view, std::string_view, YesNo) override { throw 42; }
};

TEST(SdkTrampoline, AnswersInternalWhenSomethingElseIsThrown) {
  constexpr auto kEntry = make_entry<ThrowingAnInt>("x", "1", "", kNoEnv);
  Question question;
  const Running running(kEntry);
  running.table<crolang_authorization>(CROLANG_AUTHORIZATION)
      ->authorize(running.self(), {}, {}, 1, &Question::yes_no, &question);
  EXPECT_EQ(question.wait()->status, CROLANG_INTERNAL);
  EXPECT_EQ(question.wait()->error, "exception of unknown type");
}

TEST_F(Sdk, AnswersUnavailableToTemporaryErrors) {
  script([](Host&, auto, auto, YesNo) { throw std::bad_alloc(); });
  EXPECT_EQ(ask().wait()->status, CROLANG_UNAVAILABLE);
  EXPECT_EQ(ask().wait()->error, "out of memory");
  script([](Host&, auto, auto, YesNo) {
    throw std::system_error(EAGAIN, std::generic_category(), "no thread");
  });
  EXPECT_EQ(ask().wait()->status, CROLANG_UNAVAILABLE);
  EXPECT_THAT(ask().wait()->error, ::testing::StartsWith("no thread"));
}

TEST_F(Sdk, AnswersWithTheTextEvenIfTheAnswerWasMovedOn) {
  script([](Host&, auto, auto, YesNo answer) {
    const auto moved_on = [answer = std::move(answer)] {};
    throw std::runtime_error("in the middle of it");
  });
  EXPECT_EQ(ask().wait()->error, "in the middle of it");
}

TEST_F(Sdk, KeepsQuestionsApartThatAreAskedInsideOneAnother) {
  std::optional<YesNo> outer;
  script([&](Host&, auto, auto, YesNo answer) {
    if (outer) throw std::runtime_error("inner");
    outer = std::move(answer);
    EXPECT_EQ(ask().wait()->error, "inner");
  });
  const Question& question = ask();
  EXPECT_EQ(question.answers(), 0);
  outer->yes();
  EXPECT_TRUE(question.wait()->yes);
}

TEST_F(Sdk, AnswersInternalWhenAHandlerDropsTheAnswer) {
  script([](Host&, auto, auto, YesNo) {});
  const Question& question = ask();
  EXPECT_EQ(question.answers(), 1);
  EXPECT_EQ(question.wait()->status, CROLANG_INTERNAL);
  EXPECT_EQ(question.wait()->error, "the plugin left a question unanswered");
}

TEST_F(Sdk, AnswersInternalWhenAStoredAnswerIsDropped) {
  std::optional<YesNo> stored;
  script([&](Host&, auto, auto, YesNo answer) { stored = std::move(answer); });
  const Question& question = ask();
  EXPECT_EQ(question.answers(), 0);
  stored.reset();
  EXPECT_EQ(question.wait()->status, CROLANG_INTERNAL);
}

TEST_F(Sdk, AnswersInternalWhenAStoredAnswerIsOverwritten) {
  std::optional<YesNo> stored;
  script([&](Host&, auto, auto, YesNo answer) { stored = std::move(answer); });
  const Question& first = ask();
  const Question& second = ask();
  EXPECT_EQ(first.wait()->status, CROLANG_INTERNAL);
  EXPECT_EQ(second.answers(), 0);
  stored->yes();
  EXPECT_TRUE(second.wait()->yes);
}

TEST_F(Sdk, LogsWhatIsThrownAfterTheAnswer) {
  script([](Host&, auto, auto, YesNo answer) {
    answer.yes();
    throw std::runtime_error("too late");
  });
  const Question& question = ask();
  EXPECT_EQ(question.answers(), 1);
  EXPECT_TRUE(question.wait()->yes);
  EXPECT_THAT(log(), ::testing::ElementsAre("too late"));
}

TEST(SdkAnswerDeathTest, ASecondAnswerNeverReachesTheBroker) {
  Question question;
  YesNo answer(&Question::yes_no, &question, 1);
  answer.no();
  EXPECT_DEBUG_DEATH(answer.yes(), "answered twice");
  EXPECT_EQ(question.answers(), 1);
  EXPECT_FALSE(question.wait()->yes);
}

TEST_F(Sdk, AnswersFromAnotherThread) {
  std::thread thread;
  script([&](Host&, auto, auto, YesNo answer) {
    thread = std::thread([answer = std::move(answer)]() mutable { answer.yes(); });
  });
  EXPECT_TRUE(ask().wait()->yes);
  thread.join();
}

// ---- Services -----------------------------------------------------------------------------------

TEST_F(Sdk, PostsToTheControlThread) {
  std::thread::id control;
  running_->host().on_control([&] { control = std::this_thread::get_id(); });
  std::thread::id ran_on;
  script([&](Host& host, auto, auto, YesNo answer) {
    host.post([&ran_on, answer = std::move(answer)]() mutable {
      ran_on = std::this_thread::get_id();
      answer.yes();
    });
  });
  EXPECT_TRUE(ask().wait()->yes);
  running_->host().wait_until_idle();
  EXPECT_EQ(ran_on, control);
}

TEST_F(Sdk, LogsWhatAPostedFunctionThrows) {
  script([](Host& host, auto, auto, YesNo answer) {
    host.post([] { throw std::runtime_error("posted trouble"); });
    answer.yes();
  });
  ask();
  running_->host().wait_until_idle();
  EXPECT_THAT(log(), ::testing::ElementsAre("posted trouble"));
}

TEST_F(Sdk, RunsATimer) {
  script([](Host& host, auto, auto, YesNo answer) {
    host.post_after(std::chrono::milliseconds(1),
                    [answer = std::move(answer)]() mutable { answer.yes(); });
  });
  EXPECT_TRUE(ask().wait()->yes);
}

TEST_F(Sdk, AnswersInternalWhenTheTimerThatHeldTheAnswerIsCancelled) {
  script([this](Host& host, auto, auto, YesNo answer) {
    const Timer timer = host.post_after(std::chrono::hours(1),
                                        [answer = std::move(answer)]() mutable { answer.yes(); });
    running_->host().on_control([&] {
      EXPECT_TRUE(host.cancel(timer));
      EXPECT_FALSE(host.cancel(timer));
    });
  });
  EXPECT_EQ(ask().wait()->status, CROLANG_INTERNAL);
}

TEST_F(Sdk, FreesTimersThatAreStillSetAtTheEnd) {
  auto alive = std::make_shared<int>();
  script([&](Host& host, auto, auto, YesNo answer) {
    host.post_after(std::chrono::hours(1), [alive, host] {});
    answer.yes();
  });
  ask();
  EXPECT_GT(alive.use_count(), 1);
  Scripted::script = nullptr;
  running_.reset();
  EXPECT_EQ(alive.use_count(), 1);
}

TEST_F(Sdk, RunsBlockingWorkOnAnotherThread) {
  script([](Host& host, auto, auto, YesNo answer) {
    host.run_blocking(std::move(answer), [asked_on = std::this_thread::get_id()](YesNo blocking) {
      blocking.decide(std::this_thread::get_id() != asked_on);
    });
  });
  EXPECT_TRUE(ask().wait()->yes);
}

TEST_F(Sdk, AnswersInternalWithTheTextThatBlockingWorkThrows) {
  script([](Host& host, auto, auto, YesNo answer) {
    host.run_blocking(std::move(answer), [](YesNo) { throw std::runtime_error("no route"); });
  });
  EXPECT_EQ(ask().wait()->status, CROLANG_INTERNAL);
  EXPECT_EQ(questions_.back().wait()->error, "no route");
}

TEST_F(Sdk, AnswersUnavailableWhenTheQuotaIsUsedUp) {
  std::promise<void> go;
  auto wait = go.get_future().share();
  script([wait](Host& host, auto, auto, YesNo answer) {
    host.run_blocking(std::move(answer), [wait](YesNo blocking) {
      wait.wait();
      blocking.yes();
    });
  });
  const Question& first = ask();
  const Question& second = ask();
  EXPECT_EQ(second.answers(), 1);
  EXPECT_EQ(second.wait()->status, CROLANG_UNAVAILABLE);
  go.set_value();
  EXPECT_TRUE(first.wait()->yes);
}

// ---- Entry --------------------------------------------------------------------------------------

TEST(SdkEntry, NamesAllKindsThatTheClassDerivesFrom) {
  class Two final : public Authorization, public Observer {
   public:
    void authorize(std::string_view, std::string_view, YesNo answer) override { answer.yes(); }
    void on_message(std::string_view, std::string_view, Receiver) override {}
  };
  constexpr auto kEntry = make_entry<Two>("x", "1", "", kNoEnv);
  ASSERT_EQ(kEntry.module_count, 2u);
  EXPECT_STREQ(kEntry.modules[0].kind, CROLANG_AUTHORIZATION);
  EXPECT_STREQ(kEntry.modules[1].kind, CROLANG_OBSERVER);
}

TEST(SdkEntry, RefusesTheStartWithWhatTheConstructorThrows) {
  class Unhappy final : public Observer {
   public:
    explicit Unhappy(Host host) {
      throw std::runtime_error("MODE=" + std::string(host.env("MODE")) + " is no mode");
    }
    void on_message(std::string_view, std::string_view, Receiver) override {}
  };
  static constexpr crolang_env kEnv[] = {{"MODE", CROLANG_STRING, 0, "odd", "how"}};
  constexpr auto kEntry = make_entry<Unhappy>("x", "1", "", kEnv);
  EXPECT_THAT([&] { Running running(kEntry); },
              ::testing::ThrowsMessage<std::runtime_error>("MODE=odd is no mode"));
}

TEST(SdkEntry, CutsARefusalToTheSpaceGiven) {
  class Unhappy final : public Observer {
   public:
    Unhappy() { throw std::runtime_error("a long story"); }
    void on_message(std::string_view, std::string_view, Receiver) override {}
  };
  constexpr auto kEntry = make_entry<Unhappy>("x", "1", "", kNoEnv);
  const testing::FakeHost host(kEntry);
  void* self = nullptr;
  char error[7] = "??????";
  EXPECT_EQ(kEntry.create(host.table(), &self, error, sizeof error), CROLANG_INTERNAL);
  EXPECT_STREQ(error, "a long");
  EXPECT_EQ(self, nullptr);
}

// ---- Other kinds --------------------------------------------------------------------------------

class SerialOne final : public Serial<Authentication>, public Serial<Validity> {
 public:
  static constexpr bool kReadsRequest = true;
  void authenticate(const ConnectingNode& node, Authenticated answer) override {
    threads.insert(std::this_thread::get_id());
    const auto second = node.header_at(1);
    answer.decide(node.id == "alice" && node.version == "1" && node.runtime == "jvm" &&
                  node.data == "secret" && node.client_address == "192.0.2.7" &&
                  node.tls_client_subject == "CN=alice" && node.header("x-team") == "red" &&
                  !node.header("x-tea") && second && second->name == "Cookie" &&
                  second->value == "a=b" && !node.header_at(2));
  }
  void check(const Ids& ids, Flags answer) override {
    threads.insert(std::this_thread::get_id());
    std::vector<bool> valid;
    for (const std::string_view id : ids) valid.push_back(id != "eve");
    answer.flags(valid);
  }
  static inline std::set<std::thread::id> threads;
};

TEST(SdkSerial, RunsHandlersOnTheControlThreadWithCopiesOfTheArguments) {
  constexpr auto kEntry = make_entry<SerialOne>("x", "1", "", kNoEnv);
  SerialOne::threads.clear();
  std::deque<Question> questions;
  Running running(kEntry);
  std::thread::id control;
  // The control thread is busy until all questions have been asked and their arguments are gone.
  running.host().on_control([&] {
    control = std::this_thread::get_id();
    for (int i = 0; i < 20; ++i) {
      running.table<crolang_authentication>(CROLANG_AUTHENTICATION)
          ->authenticate(
              running.self(),
              LentNode(testing::Connecting{.id = "alice",
                                           .data = "secret",
                                           .version = "1",
                                           .runtime = "jvm",
                                           .client_address = "192.0.2.7",
                                           .headers = {{"X-Team", "red"}, {"Cookie", "a=b"}},
                                           .tls_client_subject = "CN=alice"}),
              1000, &Question::authenticated, &questions.emplace_back());
      const LentList ids({"alice", "eve"});
      running.table<crolang_validity>(CROLANG_VALIDITY)
          ->check(running.self(), ids.data(), ids.size(), 1000, &Question::flags,
                  &questions.emplace_back());
    }
    EXPECT_EQ(questions.back().answers(), 0);
  });
  for (std::size_t i = 0; i < questions.size(); i += 2) {
    EXPECT_TRUE(questions[i].wait()->yes);
    EXPECT_EQ(questions[i + 1].wait()->flags, (std::vector{true, false}));
  }
  running.host().wait_until_idle();
  EXPECT_EQ(SerialOne::threads, std::set{control});
}

class SerialWithoutHeaders final : public Serial<Authentication> {
 public:
  void authenticate(const ConnectingNode& node, Authenticated answer) override {
    answer.decide(node.id == "bob" && !node.header("x-team") && !node.header_at(0));
  }
};

TEST(SdkSerial, AsksForNoHeadersUnlessThePluginReadsThem) {
  constexpr auto kEntry = make_entry<SerialWithoutHeaders>("x", "1", "", kNoEnv);
  const Running running(kEntry);
  const LentNode lent("bob");
  crolang_connecting_node node = *static_cast<const crolang_connecting_node*>(lent);
  node.header_at = [](const void*, std::size_t, crolang_str*, crolang_str*) {
    ADD_FAILURE() << "the broker would warn of that";
    return false;
  };
  Question question;
  running.table<crolang_authentication>(CROLANG_AUTHENTICATION)
      ->authenticate(running.self(), &node, 1000, &Question::authenticated, &question);
  EXPECT_TRUE(question.wait()->yes);
}

class Listening final : public Authentication {
 public:
  void authenticate(const ConnectingNode& node, Authenticated answer) override {
    answer.decide(!node.data.has_value());
  }
};

TEST(SdkAuthentication, TellsMissingDataFromEmptyData) {
  constexpr auto kEntry = make_entry<Listening>("x", "1", "", kNoEnv);
  std::deque<Question> questions(2);
  const Running running(kEntry);
  const auto* const table = running.table<crolang_authentication>(CROLANG_AUTHENTICATION);
  table->authenticate(running.self(), LentNode("bob"), 1, &Question::authenticated, &questions[0]);
  table->authenticate(running.self(), LentNode("bob", ""), 1, &Question::authenticated,
                      &questions[1]);
  EXPECT_TRUE(questions[0].wait()->yes);
  EXPECT_FALSE(questions[1].wait()->yes);
}

class Limiting final : public Authentication {
 public:
  static constexpr bool kReadsRequest = true;
  void authenticate(const ConnectingNode& node, Authenticated answer) override {
    if (node.id == "for ever") return answer.yes();
    if (node.id == "no") return answer.no("a stranger");
    answer.yes_for(std::chrono::seconds(std::stol(std::string(node.id))));
  }
};

TEST(SdkAuthentication, SaysForHowLong) {
  constexpr auto kEntry = make_entry<Limiting>("x", "1", "", kNoEnv);
  const Running running(kEntry);
  const auto answer_to = [&](const char* id) {
    Question question;
    running.table<crolang_authentication>(CROLANG_AUTHENTICATION)
        ->authenticate(running.self(), LentNode(id), 1000, &Question::authenticated, &question);
    return *question.wait();
  };
  EXPECT_TRUE(answer_to("for ever").yes);
  EXPECT_EQ(answer_to("for ever").valid_for_ms, 0u);
  EXPECT_TRUE(answer_to("60").yes);
  EXPECT_EQ(answer_to("60").valid_for_ms, 60'000u);
  // What is over already is not for ever.
  EXPECT_EQ(answer_to("0").valid_for_ms, 1u);
  EXPECT_EQ(answer_to("-5").valid_for_ms, 1u);
  EXPECT_FALSE(answer_to("no").yes);
  EXPECT_EQ(answer_to("no").error, "a stranger");
}

TEST(SdkAuthentication, SaysWhetherTheRequestIsRead) {
  constexpr auto kReading = make_entry<Limiting>("x", "1", "", kNoEnv);
  constexpr auto kOther = make_entry<Listening>("x", "1", "", kNoEnv);
  const auto flags_of = [](const crolang_plugin& entry) {
    return static_cast<const crolang_authentication*>(entry.modules[0].table)->flags;
  };
  EXPECT_EQ(flags_of(kReading), CROLANG_READS_REQUEST);
  EXPECT_EQ(flags_of(kOther), 0u);
}

class Choosy final : public Authentication {
 public:
  static constexpr bool kReadsRequest = true;
  explicit Choosy(const Host& host) : names_(host.env("HEADERS")) {}
  std::optional<std::string_view> headers() const override { return names_; }
  void authenticate(const ConnectingNode&, Authenticated answer) override { answer.yes(); }

 private:
  std::string names_;
};

TEST(SdkAuthentication, SaysWhichHeadersAreRead) {
  static constexpr crolang_env kHeaders[] = {{"HEADERS", CROLANG_STRING, 0, nullptr, "names"}};
  constexpr auto kChoosy = make_entry<Choosy>("x", "1", "", kHeaders);
  const auto headers_of = [](const Running& running) {
    const auto* const table = running.table<crolang_authentication>(CROLANG_AUTHENTICATION);
    return table->headers(running.self());
  };
  const crolang_str two = headers_of(Running(kChoosy, {{"HEADERS", "Origin,Cookie"}}));
  EXPECT_EQ(two.size, 13u);
  const crolang_str none = headers_of(Running(kChoosy));
  EXPECT_NE(none.data, nullptr);
  EXPECT_EQ(none.size, 0u);
  constexpr auto kAll = make_entry<Limiting>("x", "1", "", kNoEnv);
  EXPECT_EQ(headers_of(Running(kAll)).data, nullptr);
}

class ThrowingObserver final : public Observer {
 public:
  void on_message(std::string_view, std::string_view, Receiver receiver) override {
    throw std::runtime_error(receiver == Receiver::connected ? "connected" : "absent");
  }
};

TEST(SdkObserver, LogsWhatAnObserverThrows) {
  constexpr auto kEntry = make_entry<ThrowingObserver>("x", "1", "", kNoEnv);
  Running running(kEntry);
  const auto* const table = running.table<crolang_observer>(CROLANG_OBSERVER);
  table->on_message(running.self(), {}, {}, true);
  table->on_message(running.self(), {}, {}, false);
  ASSERT_EQ(running.host().log().size(), 2u);
  EXPECT_EQ(running.host().log()[0].text, "connected");
  EXPECT_EQ(running.host().log()[1].text, "absent");
}

class ThrowingStop final : public Observer {
 public:
  void on_message(std::string_view, std::string_view, Receiver) override {}
  void stop(Stopped) override { throw std::runtime_error("will not"); }
};

TEST(SdkStop, StopsEvenIfStopThrows) {
  constexpr auto kEntry = make_entry<ThrowingStop>("x", "1", "", kNoEnv);
  Running running(kEntry);
  running.stop();
  ASSERT_EQ(running.host().log().size(), 1u);
  EXPECT_EQ(running.host().log()[0].text, "will not");
}

// ---- Variables that are judged, and read again --------------------------------------------------

constexpr crolang_env kJudgedEnv[] = {
    {"GREETING", CROLANG_STRING, CROLANG_RELOADABLE, "hello", ""},
    {"NAME", CROLANG_STRING, 0, nullptr, ""},
};

/// Says what it sees, and throws where it is told to.
class Judging : public Authorization {
 public:
  explicit Judging(Host host) : host_(std::move(host)) {}
  static void check_variables(const Variables& variables, const Findings& findings) {
    findings.fault(std::string(variables.env("GREETING")) + " " +
                   std::string(variables.find_env("NAME").value_or("nobody")));
    findings.warning("careful");
    findings.expect_no_throw([] { throw std::invalid_argument("NAME: no"); });
    if (variables.env("GREETING") == "throw") throw std::runtime_error("thrown");
    if (variables.env("GREETING") == "throw 42") throw 42;
  }
  void authorize(std::string_view, std::string_view, YesNo answer) override { answer.yes(); }
  void reload() override {
    if (host_.env("GREETING") == "throw") throw std::runtime_error("no such greeting");
    host_.log(LogLevel::info, host_.env("GREETING"));
  }

 private:
  Host host_;
};

TEST(SdkCheck, HandsOverValuesAndFindingsWithoutAnInstance) {
  constexpr auto kEntry = make_entry<Judging>("x", "1", "", kJudgedEnv);
  const auto checked = testing::check_variables(kEntry, {{"NAME", "bob"}});
  EXPECT_THAT(checked.faults, ::testing::ElementsAre("hello bob", "NAME: no"));
  EXPECT_THAT(checked.warnings, ::testing::ElementsAre("careful"));
  EXPECT_THAT(testing::check_variables(kEntry).faults, ::testing::Contains("hello nobody"));
}

TEST(SdkCheck, MakesAFaultOfWhatIsThrown) {
  constexpr auto kEntry = make_entry<Judging>("x", "1", "", kJudgedEnv);
  EXPECT_EQ(testing::check_variables(kEntry, {{"GREETING", "throw"}}).faults.back(), "thrown");
  EXPECT_EQ(testing::check_variables(kEntry, {{"GREETING", "throw 42"}}).faults.back(),
            "exception of unknown type");
}

TEST(SdkCheck, IsAbsentWhereAPluginHasNone) {
  constexpr auto kEntry = make_entry<Throwing>("x", "1", "", kNoEnv);
  EXPECT_EQ(kEntry.check, nullptr);
}

/// Its check of nodes is none of variables.
class CheckingNodes final : public Validity {
 public:
  void check(const Ids& ids, Flags answer) override {
    answer.flags(std::vector<bool>(ids.size(), true));
  }
};

TEST(SdkCheck, IsNotTheCheckOfNodes) {
  constexpr auto kEntry = make_entry<CheckingNodes>("x", "1", "", kNoEnv);
  EXPECT_EQ(kEntry.check, nullptr);
}

TEST(SdkReload, ShowsThePluginItsNewValues) {
  constexpr auto kEntry = make_entry<Judging>("x", "1", "", kJudgedEnv);
  Running running(kEntry);
  running.reload({{"GREETING", "good evening"}});
  ASSERT_EQ(running.host().log().size(), 1u);
  EXPECT_EQ(running.host().log()[0].text, "good evening");
}

TEST(SdkReload, LogsWhatIsThrown) {
  constexpr auto kEntry = make_entry<Judging>("x", "1", "", kJudgedEnv);
  Running running(kEntry);
  running.reload({{"GREETING", "throw"}});
  ASSERT_EQ(running.host().log().size(), 1u);
  EXPECT_EQ(running.host().log()[0].level, CROLANG_LOG_ERROR);
  EXPECT_EQ(running.host().log()[0].text, "no such greeting");
}

TEST(SdkReload, DoesNothingWithoutAReloadFunction) {
  constexpr auto kEntry = make_entry<CheckingNodes>("x", "1", "", kNoEnv);
  Running running(kEntry);
  running.reload({});
  EXPECT_TRUE(running.host().log().empty());
}

TEST(SdkMetrics, AreTheHosts) {
  const testing::FakeHost host(crolang_plugin{});
  const Metrics metrics{Host(host.table())};
  const Counter refusals = metrics.counter("refusals", "pairs refused");
  const Gauge open = metrics.gauge("open", "questions open");
  const auto by_outcome = metrics.counters("asked", "questions", "outcome");
  refusals.add();
  refusals.add(2);
  open.set(5);
  open.add(-1);
  by_outcome.with("yes").add();
  by_outcome.with("no");
  by_outcome.with("yes").add();
  EXPECT_EQ(host.metrics().value("refusals"), 3);
  EXPECT_EQ(host.metrics().value("open"), 4);
  EXPECT_EQ(host.metrics().value("asked", "yes"), 2);
  EXPECT_EQ(host.metrics().value("asked", "no"), 0);
  const Gauge here = metrics.gauges("server", "the one in use", "server").with("here");
  EXPECT_EQ(host.metrics().value("server", "here"), 0);
  here.remove();
  EXPECT_EQ(host.metrics().value("server", "here"), std::nullopt);
}

TEST(SdkMetrics, DoNothingWhereTheBrokerHasNone) {
  const testing::FakeHost host(crolang_plugin{});
  crolang_host without = *host.table();
  without.service = [](void*, const char*) -> const void* { return nullptr; };
  const Metrics metrics{Host(&without)};
  metrics.counter("refusals", "pairs refused").add();
  metrics.gauge("open", "questions open").set(1);
  metrics.gauges("server", "the one in use", "server").with("here").remove();
  EXPECT_EQ(host.metrics().value("refusals"), std::nullopt);
  EXPECT_EQ(host.metrics().value("open"), std::nullopt);
}

TEST(SdkMetrics, DoNothingWhenTheyWereRefused) {
  const testing::FakeHost host(crolang_plugin{});
  const Metrics metrics{Host(host.table())};
  metrics.counter("refusals", "pairs refused").add();
  metrics.counter("refusals", "once more").add();
  metrics.gauges("refusals", "once more", "kind").with("x").add(1);
  EXPECT_EQ(host.metrics().value("refusals"), 1);
  EXPECT_EQ(host.metrics().value("refusals", "x"), std::nullopt);
}

}  // namespace
}  // namespace crolang::plugin
