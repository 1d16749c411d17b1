#pragma once
/// The kinds of modules and the questions that modules are asked, each described once: the code
/// that chooses, loads, calls and counts modules is driven by these tables. A new kind is added
/// here first; the compiler then reports the other places that need it. Threads: any; constants.
/// Errors: none.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include "crolang/enum_count.hpp"
#include "crolang/plugin.h"

namespace crolang::kinds {

enum class Kind : std::uint8_t {
  registry,
  rtc_config,
  authentication,
  authorization,
  validity,
  observer,
};

/// Their tables, in the order of the kinds.
using Tables = std::tuple<crolang_registry, crolang_rtc_config, crolang_authentication,
                          crolang_authorization, crolang_validity, crolang_observer>;

/// A function of a kind's table.
struct Function {
  std::string_view name;
  std::size_t offset;
  enum class Presence { required, may_be_null } presence = Presence::required;
};

/// The variable that loads the bundled plugin of a kind: the URL of the service that the plugin
/// calls.
struct Setting {
  std::string_view name{};     ///< empty: there is none
  std::string_view help{};     ///< what the URL is used for
  std::string_view without{};  ///< what happens if it is not set
  enum class Secrecy { shown, secret } secrecy = Secrecy::shown;
  std::string_view example = "https://example.org/path";
  std::string_view bundled{};  ///< the plugin: its file without .so
};

struct Description {
  Kind kind;
  std::string_view name;  ///< "registry/1", as plugins state it
  enum class Plugins { one, many } plugins;
  /// Those of the first release: a plugin's table may lack later ones.
  std::span<const Function> functions;
  std::string_view plugin_variable;  ///< names the plugin; a list with commas if there may be many
  std::string_view plugin_help;      ///< what the plugin does
  Setting setting{};                 ///< counts if plugin_variable is not set
  std::string_view built_in;         ///< what serves the kind without a plugin, in words
  std::span<const std::string_view> details{};  ///< the host's variables about calls of the module

  /// "registry": the label in metrics.
  constexpr std::string_view label() const { return name.substr(0, name.find('/')); }
  /// The least size of a plugin's table in bytes. Tables may grow.
  constexpr std::size_t table_size() const { return functions.back().offset + sizeof(void (*)()); }
};

namespace detail {

inline constexpr std::array<std::string_view, 2> kAuthorizationDetails{
    "AUTHORIZE_NODES_COMMUNICATION_SCOPE", "AUTHORIZE_PRESENCE"};

inline constexpr std::array kRegistry{
    Function{"bind", offsetof(crolang_registry, bind)},
    Function{"claim", offsetof(crolang_registry, claim)},
    Function{"replace", offsetof(crolang_registry, replace)},
    Function{"announce", offsetof(crolang_registry, announce)},
    Function{"release", offsetof(crolang_registry, release)},
    Function{"probe", offsetof(crolang_registry, probe)},
    Function{"lookup", offsetof(crolang_registry, lookup)},
    Function{"send", offsetof(crolang_registry, send)},
    Function{"flush", offsetof(crolang_registry, flush), Function::Presence::may_be_null},
};
inline constexpr std::array kRtcConfig{Function{"resolve", offsetof(crolang_rtc_config, resolve)}};
inline constexpr std::array kAuthentication{
    Function{"authenticate", offsetof(crolang_authentication, authenticate)}};
inline constexpr std::array kAuthorization{
    Function{"authorize", offsetof(crolang_authorization, authorize)}};
inline constexpr std::array kValidity{Function{"check", offsetof(crolang_validity, check)}};
inline constexpr std::array kObserver{
    Function{"on_message", offsetof(crolang_observer, on_message)}};

constexpr Description describe(Kind kind) {
  using Plugins = Description::Plugins;
  switch (kind) {
    case Kind::registry:
      return {.kind = kind,
              .name = CROLANG_REGISTRY,
              .plugins = Plugins::one,
              .functions = kRegistry,
              .plugin_variable = "NODES_REGISTRY_PLUGIN",
              .plugin_help = "records which node is connected to which broker, instead of Redis",
              .setting = {.name = "REDIS_URL",
                          .help = "Redis that lets several brokers act as one, "
                                  "redis[s]://user:password@host:port[,host:port…]/db or "
                                  "unix:///path?db=n",
                          .without = "one broker on its own",
                          .secrecy = Setting::Secrecy::secret,
                          .example = "redis://localhost:6379",
                          .bundled = "redis-registry"},
              .built_in = "in memory, one instance"};
    case Kind::rtc_config:
      return {.kind = kind,
              .name = CROLANG_RTC_CONFIG,
              .plugins = Plugins::one,
              .functions = kRtcConfig,
              .plugin_variable = "RTC_CONFIGURATION_RESOLVER_PLUGIN",
              .plugin_help = "provides each node's RTC configuration, instead of the webhook",
              .setting = {.name = "RTC_CONFIGURATION_RESOLVER_WEBHOOK_URL",
                          .help = "asked for a node's RTC configuration",
                          .without = "Google's STUN servers",
                          .bundled = "webhook-rtc"},
              .built_in = "Google's STUN servers"};
    case Kind::authentication:
      return {.kind = kind,
              .name = CROLANG_AUTHENTICATION,
              .plugins = Plugins::one,
              .functions = kAuthentication,
              .plugin_variable = "NODES_AUTHENTICATION_PLUGIN",
              .plugin_help = "decides whether a node may connect, instead of the webhook",
              .setting = {.name = "NODES_AUTHENTICATION_WEBHOOK_URL",
                          .help = "asked whether a node may connect",
                          .without = "every node may connect",
                          .bundled = "webhook-auth"},
              .built_in = "every node"};
    case Kind::authorization:
      return {.kind = kind,
              .name = CROLANG_AUTHORIZATION,
              .plugins = Plugins::one,
              .functions = kAuthorization,
              .plugin_variable = "AUTHORIZE_NODES_COMMUNICATION_PLUGIN",
              .plugin_help = "decides whether a node may send to another, instead of the webhook",
              .setting = {.name = "AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL",
                          .help = "asked whether a node may send to another",
                          .without = "every node may send",
                          .bundled = "webhook-authorize"},
              .built_in = "every pair",
              .details = kAuthorizationDetails};
    case Kind::validity:
      return {
          .kind = kind,
          .name = CROLANG_VALIDITY,
          .plugins = Plugins::one,
          .functions = kValidity,
          .plugin_variable = "NODES_VALIDITY_CHECK_PLUGIN",
          .plugin_help = "decides which connected nodes are still valid, instead of the webhook",
          .setting = {.name = "NODES_VALIDITY_CHECK_WEBHOOK_URL",
                      .help = "asked which connected nodes are still valid",
                      .without = "all are valid",
                      .bundled = "webhook-validity"},
          .built_in = "all valid"};
    case Kind::observer:
      return {.kind = kind,
              .name = CROLANG_OBSERVER,
              .plugins = Plugins::many,
              .functions = kObserver,
              .plugin_variable = "ON_AUTHENTICATED_SOCKET_MSG_PLUGIN",
              .plugin_help = "is notified of each SOCKET_MSG_EXCHANGE, instead of the webhook",
              .setting = {.name = "ON_AUTHENTICATED_SOCKET_MSG_WEBHOOK_URL",
                          .help = "notified of each SOCKET_MSG_EXCHANGE",
                          .without = "no notifications",
                          .bundled = "webhook-message"},
              .built_in = "none"};
  }
  return {};
}

}  // namespace detail

inline constexpr std::size_t kKinds = enum_count<Kind>();

constexpr std::size_t index(Kind kind) {
  return static_cast<std::size_t>(kind);
}

/// All of them, in the order of their values.
inline constexpr std::array<Description, kKinds> kAll = [] {
  std::array<Description, kKinds> all{};
  for (std::size_t i = 0; i < kKinds; ++i) all[i] = detail::describe(static_cast<Kind>(i));
  return all;
}();

constexpr const Description& describe(Kind kind) {
  return kAll[index(kind)];
}

static_assert(std::tuple_size_v<Tables> == kKinds);
template <Kind kind>
using Table = std::tuple_element_t<index(kind), Tables>;

/// nullptr: this broker knows no such kind.
const Description* find(std::string_view name);

/// "registry/1, rtc-config/1, …"
std::string names();

/// A call of a module: a question with an answer, or a notification.
enum class Question : std::uint8_t {
  authenticate,
  claim,
  replace,
  announce,
  release,
  probe,
  lookup,
  send,
  resolve_rtc,
  authorize,
  check_validity,
  list_instances,
  ask,  ///< another instance
  set_entry,
  list_entries,
  flush,       ///< not a question, but called in the same way
  set_status,  ///< the same
};

struct QuestionInfo {
  Kind kind{};              ///< of the module that it goes to
  std::string_view name{};  ///< its name in the log
};

constexpr QuestionInfo describe(Question question) {
  switch (question) {
    case Question::authenticate:
      return {Kind::authentication, "authenticate"};
    case Question::claim:
      return {Kind::registry, "claim"};
    case Question::replace:
      return {Kind::registry, "replace"};
    case Question::announce:
      return {Kind::registry, "announce"};
    case Question::release:
      return {Kind::registry, "release"};
    case Question::probe:
      return {Kind::registry, "probe"};
    case Question::lookup:
      return {Kind::registry, "lookup"};
    case Question::send:
      return {Kind::registry, "send"};
    case Question::resolve_rtc:
      return {Kind::rtc_config, "resolve"};
    case Question::authorize:
      return {Kind::authorization, "authorize"};
    case Question::check_validity:
      return {Kind::validity, "check validity"};
    case Question::list_instances:
      return {Kind::registry, "list instances"};
    case Question::ask:
      return {Kind::registry, "ask"};
    case Question::set_entry:
      return {Kind::registry, "set entry"};
    case Question::list_entries:
      return {Kind::registry, "list entries"};
    case Question::flush:
      return {Kind::registry, "flush"};
    case Question::set_status:
      return {Kind::registry, "set status"};
  }
  return {};
}

inline constexpr std::size_t kQuestions = enum_count<Question>();

constexpr std::string_view question_name(Question question) {
  return describe(question).name;
}

}  // namespace crolang::kinds
