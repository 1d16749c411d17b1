/// Maps the C functions of a module's table to the handlers of a C++ class. Internal to the SDK.
#pragma once

#include <algorithm>
#include <concepts>
#include <crolang/sdk/host.hpp>
#include <crolang/sdk/ids.hpp>
#include <crolang/sdk/kind.hpp>
#include <cstddef>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace crolang::plugin::detail {

/// The C table of kind K for a plugin of class P: `kind`, its name, and `table`. Each kind's header
/// specialises it.
template <class P, class K>
struct Module;

/// What `self` points to: a plugin of class P, and its host.
template <class P>
struct Instance {
  static P make(const Host& host) requires std::constructible_from<P, Host> { return P(host); }
  static P make(const Host&) { return P(); }

  explicit Instance(const crolang_host* table) : host(table), plugin(make(host)) {}

  template <class K>
  K& as() noexcept {
    return plugin;
  }

  Host host;
  P plugin;
};

template <class P>
Instance<P>& instance(void* self) noexcept {
  return *static_cast<Instance<P>*>(self);
}

/// A copy of a question's borrowed argument: Owned<T>(given).lent() is valid as long as the copy.
template <class T>
struct Owned;

template <>
struct Owned<std::string_view> {
  explicit Owned(std::string_view given) : text(given) {}
  std::string_view lent() const noexcept { return text; }
  std::string text;
};

template <>
struct Owned<Ids> {
  explicit Owned(const Ids& given) : texts(given.begin(), given.end()) {
    for (const std::string& text : texts) ids.push_back(raw(text));
  }
  Owned(Owned&&) = default;
  Ids lent() const noexcept { return {ids.data(), ids.size()}; }
  std::vector<std::string> texts;
  std::vector<crolang_str> ids;
};

template <class P, class K>
inline constexpr bool kSerial = false;
template <class P, ColdKind K>
inline constexpr bool kSerial<P, K> = std::derived_from<P, Serial<K>>;

/// Calls the handler `method` of kind K, on the control thread if the kind is Serial.
template <class P, class K, auto method, class A, class... Args>
void dispatch(void* self, A answer, const Args&... args) noexcept {
  auto& to = instance<P>(self);
  if constexpr (kSerial<P, K>) {
    try {
      to.host.post(
          [&to, answer = std::move(answer), owned = std::tuple(Owned<Args>(args)...)]() mutable {
            ask(to.host.services(), std::move(answer), [&](A asked) {
              std::apply(
                  [&](const auto&... kept) {
                    (to.template as<K>().*method)(kept.lent()..., std::move(asked));
                  },
                  owned);
            });
          });
    } catch (const std::exception& error) {
      to.host.log(LogLevel::error, error.what());
    }
  } else {
    ask(to.host.services(), std::move(answer),
        [&](A asked) { (to.template as<K>().*method)(args..., std::move(asked)); });
  }
}

/// Runs a handler that has no answer.
template <class P, class F>
void run_logged(void* self, F&& function) noexcept {
  try {
    function(instance<P>(self));
  } catch (const std::exception& error) {
    instance<P>(self).host.log(LogLevel::error, error.what());
  } catch (...) {
    instance<P>(self).host.log(LogLevel::error, "exception of unknown type");
  }
}

/// Runs a function whose exception prevents the start, with its text as the error message.
template <class F>
crolang_status run_refusable(char* error, std::size_t error_size, F&& function) noexcept {
  const auto refuse = [&](std::string_view text) {
    if (error_size == 0) return;
    const std::size_t length = std::min(text.size(), error_size - 1);
    std::memcpy(error, text.data(), length);
    error[length] = '\0';
  };
  try {
    function();
    return CROLANG_OK;
  } catch (const std::exception& thrown) {
    refuse(thrown.what());
  } catch (...) {
    refuse("exception of unknown type");
  }
  return CROLANG_INTERNAL;
}

}  // namespace crolang::plugin::detail
