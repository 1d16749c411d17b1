#include "unit/broker/scripted_modules.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>

namespace crolang::broker::testing {
namespace {

using modules::CallDesk;

constexpr crolang_str kNoError{nullptr, 0};
constexpr std::string_view kStun = R"({"iceServers":[{"urls":["stun:example.org"]}]})";

std::string copy(crolang_str text) {
  return {text.data, text.size};
}
crolang_str borrow(std::string_view text) {
  return {text.data(), text.size()};
}
Holder copy(const crolang_holder& holder) {
  return {copy(holder.instance), holder.token};
}
crolang_holder borrow(const Holder& holder) {
  return {borrow(holder.instance), holder.token};
}
ScriptedModules& of(void* self) {
  return *static_cast<ScriptedModules*>(self);
}

Asked about(Question question, crolang_str id, void* op) {
  Asked asked;
  asked.question = question;
  asked.id = copy(id);
  asked.op = op;
  return asked;
}

Asked about(Question question, crolang_claim claim, void* op) {
  Asked asked = about(question, claim.id, op);
  asked.token = claim.token;
  return asked;
}

Asked about(Question question, const crolang_str* ids, std::size_t count, void* op) {
  Asked asked;
  asked.question = question;
  for (std::size_t i = 0; i < count; ++i) asked.ids.push_back(copy(ids[i]));
  asked.op = op;
  return asked;
}

crolang_status bind(void*, crolang_str, const crolang_registry_events*, char*, std::size_t) {
  return CROLANG_OK;
}
void claim(void* self, crolang_claim claim, std::uint32_t, crolang_claimed, void* op) {
  of(self).on_asked(about(Question::claim, claim, op));
}
void replace(void* self, crolang_claim claim, crolang_holder expected, std::uint32_t,
             crolang_claimed, void* op) {
  Asked asked = about(Question::replace, claim, op);
  asked.holder = copy(expected);
  of(self).on_asked(std::move(asked));
}
void announce(void* self, crolang_claim claim, std::uint32_t, crolang_done, void* op) {
  of(self).on_asked(about(Question::announce, claim, op));
}
void release(void* self, crolang_claim claim, std::uint32_t, crolang_done, void* op) {
  of(self).on_asked(about(Question::release, claim, op));
}
void probe(void* self, crolang_str id, crolang_holder incumbent, std::uint32_t, std::uint32_t,
           crolang_verdict, void* op) {
  Asked asked = about(Question::probe, id, op);
  asked.holder = copy(incumbent);
  of(self).on_asked(std::move(asked));
}
void lookup(void* self, const crolang_str* ids, std::size_t count, std::uint32_t, crolang_located,
            void* op) {
  of(self).on_asked(about(Question::lookup, ids, count, op));
}
void send(void* self, crolang_str instance, crolang_claim to, crolang_str body, std::uint32_t,
          crolang_yes_no, void* op) {
  Asked asked = about(Question::send, to, op);
  asked.holder = {copy(instance), to.token};
  asked.body = copy(body);
  of(self).on_asked(std::move(asked));
}
void resolve(void* self, crolang_str node, std::uint32_t, crolang_text, void* op) {
  of(self).on_asked(about(Question::resolve_rtc, node, op));
}
void authenticate(void* self, crolang_str node, crolang_str version, crolang_str runtime,
                  crolang_str data, std::uint32_t, crolang_yes_no, void* op) {
  Asked asked = about(Question::authenticate, node, op);
  asked.version = copy(version);
  asked.runtime = copy(runtime);
  if (data.data != nullptr) asked.data = copy(data);
  of(self).on_asked(std::move(asked));
}
void authorize(void* self, crolang_str from, crolang_str to, std::uint32_t, crolang_yes_no,
               void* op) {
  Asked asked = about(Question::authorize, from, op);
  asked.to = copy(to);
  of(self).on_asked(std::move(asked));
}
void check(void* self, const crolang_str* ids, std::size_t count, std::uint32_t, crolang_flags,
           void* op) {
  of(self).on_asked(about(Question::check_validity, ids, count, op));
}
void on_message(void* self, crolang_str from, crolang_str to, bool connected) {
  of(self).observed.push_back({copy(from), copy(to), connected});
}

constexpr crolang_registry kRegistry{sizeof(crolang_registry),
                                     &bind,
                                     &claim,
                                     &replace,
                                     &announce,
                                     &release,
                                     &probe,
                                     &lookup,
                                     &send,
                                     nullptr,
                                     nullptr};
constexpr crolang_rtc_config kRtcConfig{sizeof(crolang_rtc_config), &resolve};
constexpr crolang_authentication kAuthentication{sizeof(crolang_authentication), &authenticate};
constexpr crolang_authorization kAuthorization{sizeof(crolang_authorization), &authorize};
constexpr crolang_validity kValidity{sizeof(crolang_validity), &check};
constexpr crolang_observer kObserver{sizeof(crolang_observer), &on_message};

}  // namespace

void Asked::yes() const {
  CallDesk::on_yes_no(op, CROLANG_OK, true, kNoError);
}
void Asked::no(std::string_view why) const {
  CallDesk::on_yes_no(op, CROLANG_OK, false, borrow(why));
}
void Asked::done() const {
  CallDesk::on_done(op, CROLANG_OK, kNoError);
}
void Asked::text(std::string_view text) const {
  CallDesk::on_text(op, CROLANG_OK, borrow(text), kNoError);
}
void Asked::granted() const {
  CallDesk::on_claimed(op, CROLANG_OK, CROLANG_GRANTED, {kNoError, 0}, kNoError);
}
void Asked::held_by(const Holder& incumbent) const {
  CallDesk::on_claimed(op, CROLANG_OK, CROLANG_HELD, borrow(incumbent), kNoError);
}
void Asked::verdict(std::int32_t verdict) const {
  CallDesk::on_verdict(op, CROLANG_OK, verdict, kNoError);
}
void Asked::located(const std::vector<Holder>& holders) const {
  std::vector<crolang_holder> found;
  for (const Holder& one : holders) found.push_back(borrow(one));
  CallDesk::on_located(op, CROLANG_OK, found.data(), found.size(), kNoError);
}
void Asked::flags(const std::vector<bool>& flags) const {
  const auto array = std::make_unique<bool[]>(flags.size());
  std::copy(flags.begin(), flags.end(), array.get());
  CallDesk::on_flags(op, CROLANG_OK, array.get(), flags.size(), kNoError);
}
void Asked::fail(crolang_status status) const {
  CallDesk::on_done(op, status, kNoError);
}

ScriptedModules::ScriptedModules() {
  table.registry = {&kRegistry, this, "scripted"};
  table.rtc_config = {&kRtcConfig, this, "scripted"};
  table.authentication = {&kAuthentication, this, "scripted"};
  table.authorization = {&kAuthorization, this, "scripted"};
  table.validity = {&kValidity, this, "scripted"};
  table.observers.push_back({&kObserver, this, "scripted"});
  for (const Question question : {Question::authenticate, Question::authorize}) {
    on(question, [](const Asked& asked) { asked.yes(); });
  }
  for (const Question question : {Question::claim, Question::replace}) {
    on(question, [](const Asked& asked) { asked.granted(); });
  }
  for (const Question question : {Question::announce, Question::release}) {
    on(question, [](const Asked& asked) { asked.done(); });
  }
  on(Question::probe, [](const Asked& asked) { asked.verdict(CROLANG_GONE); });
  on(Question::lookup,
     [](const Asked& asked) { asked.located(std::vector<Holder>(asked.ids.size())); });
  on(Question::send, [](const Asked& asked) { asked.no(); });
  on(Question::resolve_rtc, [](const Asked& asked) { asked.text(kStun); });
  on(Question::check_validity,
     [](const Asked& asked) { asked.flags(std::vector<bool>(asked.ids.size(), true)); });
}

void ScriptedModules::on_asked(Asked asked) {
  asked_.push_back(asked);
  if (delayed_) {
    waiting_.push_back(std::move(asked));
  } else {
    scripts_[index(asked.question)](asked);
  }
}

bool ScriptedModules::answer_one() {
  if (waiting_.empty()) return false;
  const Asked asked = std::move(waiting_.front());
  waiting_.pop_front();
  scripts_[index(asked.question)](asked);
  return true;
}

std::vector<Asked> ScriptedModules::asked(Question question) const {
  std::vector<Asked> found;
  std::ranges::copy_if(asked_, std::back_inserter(found),
                       [&](const Asked& asked) { return asked.question == question; });
  return found;
}

const Asked& ScriptedModules::last(Question question) const {
  const auto found = std::find_if(asked_.rbegin(), asked_.rend(),
                                  [&](const Asked& asked) { return asked.question == question; });
  if (found == asked_.rend()) throw std::logic_error("that was never asked");
  return *found;
}

}  // namespace crolang::broker::testing
