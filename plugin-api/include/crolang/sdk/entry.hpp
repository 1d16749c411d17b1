/// The entry of a plugin class: CROLANG_PLUGIN. Includes the headers of all kinds, since it lists
/// those that the class derives from.
#pragma once

#include <crolang/entry.h>

#include <array>
#include <concepts>
#include <crolang/sdk/authentication.hpp>
#include <crolang/sdk/authorization.hpp>
#include <crolang/sdk/dispatch.hpp>
#include <crolang/sdk/message_observer.hpp>
#include <crolang/sdk/registry.hpp>
#include <crolang/sdk/rtc_config.hpp>
#include <crolang/sdk/validity.hpp>
#include <crolang/sdk/variables.hpp>
#include <cstddef>
#include <exception>
#include <span>

namespace crolang::plugin {

namespace detail {

template <class... Kinds>
struct KindList {};
using AllKinds = KindList<Authorization, Authentication, RtcConfig, Validity, Observer, Registry>;

template <class P>
crolang_status create(const crolang_host* host, void** self, char* error,
                      std::size_t error_size) noexcept {
  *self = nullptr;
  return run_refusable(error, error_size, [&] { *self = new Instance<P>(host); });
}

template <class P>
void stop(void* self, void (*stopped)(void*), void* call) noexcept {
  run_logged<P>(self, [&](auto& to) { to.template as<Kind>().stop(Stopped(stopped, call)); });
}

template <class P>
void destroy(void* self) noexcept {
  const Host host = instance<P>(self).host;
  delete &instance<P>(self);
  host.services().drop_tasks();  // they may own copies of the host, and so form a cycle
}

template <class P>
void reload(void* self) noexcept {
  run_logged<P>(self, [](auto& to) { to.template as<Kind>().reload(); });
}

template <ChecksVariables P>
void check_variables(const crolang_check* to) noexcept {
  const Findings findings(to);
  try {
    P::check_variables(Variables(to->env, to->ctx), findings);
  } catch (const std::exception& error) {
    findings.fault(error.what());
  } catch (...) {
    findings.fault("exception of unknown type");
  }
}

/// nullptr: P validates its variables in its constructor only.
template <class P>
constexpr auto check_of() noexcept -> void (*)(const crolang_check*) {
  if constexpr (ChecksVariables<P>) return &check_variables<P>;
  return nullptr;
}

/// One crolang_module for each of these kinds that P derives from.
template <class P, class... Kinds>
constexpr auto list_modules(KindList<Kinds...>) {
  constexpr std::size_t kCount = (std::size_t{std::derived_from<P, Kinds>} + ...);
  static_assert(kCount > 0, "derive the plugin from at least one kind, publicly");
  std::array<crolang_module, kCount> modules{};
  std::size_t next = 0;
  const auto add = [&]<class K>() {
    if constexpr (std::derived_from<P, K>) {
      modules[next++] = {Module<P, K>::kind, &Module<P, K>::table};
    }
  };
  (add.template operator()<Kinds>(), ...);
  return modules;
}

template <class P>
inline constexpr auto kModules = list_modules<P>(AllKinds());

}  // namespace detail

/// The entry of plugin class P. All strings and `env` must live as long as the process.
template <class P>
constexpr crolang_plugin make_entry(const char* id, const char* version, const char* description,
                                    std::span<const crolang_env> env) {
  return {CROLANG_MAGIC,
          CROLANG_ABI_MAJOR,
          0,  // nothing that was added after minor 0 is used here
          sizeof(crolang_plugin),
          0,
          id,
          version,
          description,
          env.data(),
          env.size(),
          detail::kModules<P>.data(),
          detail::kModules<P>.size(),
          &detail::create<P>,
          &detail::stop<P>,
          &detail::destroy<P>,
          detail::check_of<P>(),
          &detail::reload<P>};
}

}  // namespace crolang::plugin

/// Once per plugin, outside of any namespace. `env` is a constexpr array of crolang_env, or kNoEnv.
/// The constructor of `Class` takes a Host, or nothing; see ChecksVariables for what else it may
/// have.
#define CROLANG_PLUGIN(Class, id, version, description, env) \
  constinit const crolang_plugin crolang_plugin_entry =      \
      ::crolang::plugin::make_entry<Class>(id, version, description, env);
