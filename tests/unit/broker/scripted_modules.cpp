#include "unit/broker/scripted_modules.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>

namespace crolang::broker::testing {
namespace {

using modules::PendingCalls;

constexpr crolang_str kNoError{nullptr, 0};
constexpr std::string_view kStun = R"({"iceServers":[{"urls":["stun:example.org"]}]})";

std::string copy(crolang_str text) {
  return {text.data, text.size};
}
crolang_str borrow(std::string_view text) {
  return {text.data(), text.size()};
}
Holder copy(const crolang_holder& holder) {
  return {copy(holder.instance), holder.token, holder.session, holder.worker};
}
crolang_holder borrow(const Holder& holder) {
  return {borrow(holder.instance), holder.token, holder.session, holder.worker};
}
ScriptedModules& of(void* self) {
  return *static_cast<ScriptedModules*>(self);
}

Asked about(Question question, crolang_str id, void* call) {
  Asked asked;
  asked.question = question;
  asked.id = copy(id);
  asked.call = call;
  return asked;
}

Asked about(Question question, crolang_lease claim, void* call) {
  Asked asked = about(question, claim.id, call);
  asked.token = claim.token;
  asked.session = session::SessionHandle::unpacked(claim.session);
  return asked;
}

Asked about(Question question, const crolang_str* ids, std::size_t count, void* call) {
  Asked asked;
  asked.question = question;
  for (std::size_t i = 0; i < count; ++i) asked.ids.push_back(copy(ids[i]));
  asked.call = call;
  return asked;
}

crolang_status bind(void*, crolang_str, const crolang_registry_events*, char*, std::size_t) {
  return CROLANG_OK;
}
void claim(void* self, crolang_lease claim, std::uint32_t, crolang_claimed_fn, void* call) {
  of(self).on_asked(about(Question::claim, claim, call));
}
void replace(void* self, crolang_lease claim, crolang_holder expected, std::uint32_t,
             crolang_claimed_fn, void* call) {
  Asked asked = about(Question::replace, claim, call);
  asked.holder = copy(expected);
  of(self).on_asked(std::move(asked));
}
void announce(void* self, crolang_lease claim, std::uint32_t, crolang_done_fn, void* call) {
  of(self).on_asked(about(Question::announce, claim, call));
}
void release(void* self, crolang_lease claim, std::uint32_t, crolang_done_fn, void* call) {
  of(self).on_asked(about(Question::release, claim, call));
}
void probe(void* self, crolang_str id, crolang_holder incumbent, std::uint32_t, std::uint32_t,
           crolang_probed_fn, void* call) {
  Asked asked = about(Question::probe, id, call);
  asked.holder = copy(incumbent);
  of(self).on_asked(std::move(asked));
}
void lookup(void* self, const crolang_str* ids, std::size_t count, std::uint32_t,
            crolang_located_fn, void* call) {
  of(self).on_asked(about(Question::lookup, ids, count, call));
}
void send(void* self, crolang_str instance, crolang_lease to, crolang_str body, std::uint32_t,
          crolang_yes_no_fn, void* call) {
  Asked asked = about(Question::send, to, call);
  asked.holder = {copy(instance), to.token, to.session, to.worker};
  asked.body = copy(body);
  of(self).on_asked(std::move(asked));
}
void set_status(void* self, crolang_str status) {
  of(self).statuses.push_back(copy(status));
}
void list_instances(void* self, std::uint32_t, crolang_instances_fn, void* call) {
  Asked asked;
  asked.question = Question::list_instances;
  asked.call = call;
  of(self).on_asked(std::move(asked));
}
void ask(void* self, crolang_str instance, crolang_str body, std::uint32_t, crolang_text_fn,
         void* call) {
  Asked asked;
  asked.question = Question::ask;
  asked.holder.instance = copy(instance);
  asked.body = copy(body);
  asked.call = call;
  of(self).on_asked(std::move(asked));
}
void set_entry(void* self, crolang_entry entry, std::uint32_t, crolang_done_fn, void* call) {
  Asked asked;
  asked.question = Question::set_entry;
  asked.entry = {copy(entry.name), copy(entry.value), entry.expires_at};
  asked.call = call;
  of(self).on_asked(std::move(asked));
}
void list_entries(void* self, crolang_str known_version, std::uint32_t, crolang_entries_fn,
                  void* call) {
  Asked asked;
  asked.question = Question::list_entries;
  asked.known_version = copy(known_version);
  asked.call = call;
  of(self).on_asked(std::move(asked));
}
void resolve(void* self, crolang_str node, std::uint32_t, crolang_text_fn, void* call) {
  of(self).on_asked(about(Question::resolve_rtc, node, call));
}
void authenticate(void* self, const crolang_connecting_node* node, std::uint32_t,
                  crolang_authenticated_fn, void* call) {
  Asked asked = about(Question::authenticate, node->id, call);
  asked.version = copy(node->version);
  asked.runtime = copy(node->runtime);
  if (node->data.data != nullptr) asked.data = copy(node->data);
  asked.client_address = copy(node->client_address);
  crolang_str team{};
  if (node->header(node->request, "x-team", &team)) asked.team = copy(team);
  of(self).on_asked(std::move(asked));
}
void authorize(void* self, crolang_str from, crolang_str to, std::uint32_t, crolang_yes_no_fn,
               void* call) {
  Asked asked = about(Question::authorize, from, call);
  asked.to = copy(to);
  of(self).on_asked(std::move(asked));
}
void check(void* self, const crolang_str* ids, std::size_t count, std::uint32_t, crolang_flags_fn,
           void* call) {
  of(self).on_asked(about(Question::check_validity, ids, count, call));
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
                                     nullptr,
                                     &set_status,
                                     &list_instances,
                                     &ask,
                                     &set_entry,
                                     &list_entries};
constexpr crolang_rtc_config kRtcConfig{sizeof(crolang_rtc_config), &resolve};
constexpr crolang_authentication kAuthentication{sizeof(crolang_authentication),
                                                 CROLANG_READS_REQUEST, &authenticate, nullptr};
constexpr crolang_authorization kAuthorization{sizeof(crolang_authorization), &authorize};
constexpr crolang_validity kValidity{sizeof(crolang_validity), &check};
constexpr crolang_observer kObserver{sizeof(crolang_observer), &on_message};

}  // namespace

void Asked::yes() const {
  if (question == Question::authenticate) return yes_for({});
  PendingCalls::on_yes_no(call, CROLANG_OK, true, kNoError);
}
void Asked::yes_for(std::chrono::milliseconds time) const {
  PendingCalls::on_authenticated(call, CROLANG_OK, true, static_cast<std::uint64_t>(time.count()),
                                 kNoError);
}
void Asked::no(std::string_view why) const {
  PendingCalls::on_yes_no(call, CROLANG_OK, false, borrow(why));
}
void Asked::done() const {
  PendingCalls::on_done(call, CROLANG_OK, kNoError);
}
void Asked::text(std::string_view text) const {
  PendingCalls::on_text(call, CROLANG_OK, borrow(text), kNoError);
}
void Asked::granted() const {
  PendingCalls::on_claimed(call, CROLANG_OK, CROLANG_GRANTED, {}, kNoError);
}
void Asked::held_by(const Holder& incumbent) const {
  PendingCalls::on_claimed(call, CROLANG_OK, CROLANG_HELD, borrow(incumbent), kNoError);
}
void Asked::probed(std::int32_t result) const {
  PendingCalls::on_probed(call, CROLANG_OK, result, kNoError);
}
void Asked::located(const std::vector<Holder>& holders) const {
  std::vector<crolang_holder> found;
  for (const Holder& one : holders) found.push_back(borrow(one));
  PendingCalls::on_located(call, CROLANG_OK, found.data(), found.size(), kNoError);
}
void Asked::instances(const std::vector<modules::InstanceStatus>& instances) const {
  std::vector<crolang_instance> found;
  for (const auto& one : instances) found.push_back({borrow(one.instance), borrow(one.status)});
  PendingCalls::on_instances(call, CROLANG_OK, found.data(), found.size(), kNoError);
}
void Asked::entries(std::int32_t outcome, std::string_view now,
                    const std::vector<modules::Entry>& entries) const {
  std::vector<crolang_entry> listed;
  for (const auto& one : entries) {
    listed.push_back({borrow(one.name), borrow(one.value), one.expires_at});
  }
  PendingCalls::on_entries(call, CROLANG_OK, outcome, borrow(now), listed.data(), listed.size(),
                           kNoError);
}
void Asked::flags(const std::vector<bool>& flags) const {
  const auto array = std::make_unique<bool[]>(flags.size());
  std::copy(flags.begin(), flags.end(), array.get());
  PendingCalls::on_flags(call, CROLANG_OK, array.get(), flags.size(), kNoError);
}
void Asked::fail(crolang_status status) const {
  PendingCalls::on_done(call, status, kNoError);
}

ScriptedModules::ScriptedModules() {
  table.of<modules::Kind::registry>() = {&kRegistry, this, "scripted"};
  table.of<modules::Kind::rtc_config>() = {&kRtcConfig, this, "scripted"};
  table.of<modules::Kind::authentication>() = {&kAuthentication, this, "scripted"};
  table.of<modules::Kind::authorization>() = {&kAuthorization, this, "scripted"};
  table.of<modules::Kind::validity>() = {&kValidity, this, "scripted"};
  table.of<modules::Kind::observer>().push_back({&kObserver, this, "scripted"});
  for (const Question question : {Question::authenticate, Question::authorize}) {
    on(question, [](const Asked& asked) { asked.yes(); });
  }
  for (const Question question : {Question::claim, Question::replace}) {
    on(question, [](const Asked& asked) { asked.granted(); });
  }
  for (const Question question : {Question::announce, Question::release}) {
    on(question, [](const Asked& asked) { asked.done(); });
  }
  on(Question::probe, [](const Asked& asked) { asked.probed(CROLANG_GONE); });
  on(Question::lookup,
     [](const Asked& asked) { asked.located(std::vector<Holder>(asked.ids.size())); });
  on(Question::send, [](const Asked& asked) { asked.no(); });
  on(Question::list_instances, [](const Asked& asked) { asked.instances({}); });
  on(Question::ask, [](const Asked& asked) { asked.fail(CROLANG_UNAVAILABLE); });
  on(Question::set_entry, [](const Asked& asked) { asked.done(); });
  on(Question::list_entries,
     [](const Asked& asked) { asked.entries(CROLANG_UNCHANGED, asked.known_version, {}); });
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
