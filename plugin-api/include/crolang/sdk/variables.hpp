/// A plugin's variables: their values, and the findings of check_variables.
/// Threads: as each class says.
#pragma once

#include <crolang/entry.h>

#include <concepts>
#include <crolang/sdk/base.hpp>
#include <exception>
#include <optional>
#include <string_view>

namespace crolang::plugin {

/// The values of the plugin's variables: the current ones if obtained from a Host, those to be
/// validated in check_variables. Thread: any. Copy it freely; it is valid as long as the object it
/// was obtained from.
class Variables {
 public:
  using Function = bool (*)(void* ctx, const char* name, crolang_str* value);
  Variables(Function function, void* ctx) noexcept : function_(function), ctx_(ctx) {}

  /// The value of a variable that the plugin declares, or its default; empty when it has neither.
  std::string_view env(const char* name) const noexcept { return find_env(name).value_or(""); }

  /// Like env, but distinguishes "not set" from "empty".
  std::optional<std::string_view> find_env(const char* name) const noexcept {
    crolang_str value{};
    if (!function_(ctx_, name, &value)) return std::nullopt;
    return view(value);
  }

 private:
  Function function_;
  void* ctx_;
};

/// Receives the findings of check_variables. Thread: control, until check_variables returns.
class Findings {
 public:
  explicit Findings(const crolang_check* to) noexcept : to_(to) {}

  /// Reports that the plugin cannot be used with these values. The sentence must name the variable
  /// and say what to do, without secrets.
  void fault(std::string_view sentence) const { to_->fault(to_->ctx, raw(sentence)); }
  /// Reports that the plugin can be used, but that the value is probably a mistake.
  void warning(std::string_view sentence) const { to_->warning(to_->ctx, raw(sentence)); }

  /// Calls the function and reports an exception as a fault, so that the constructor and the check
  /// can share code.
  template <std::invocable F>
  void expect_no_throw(F&& function) const {
    try {
      function();
    } catch (const std::exception& error) {
      fault(error.what());
    }
  }

 private:
  const crolang_check* to_;
};

/// A plugin class that validates its variables without being constructed, all of them at once:
/// `static void check_variables(const Variables&, const Findings&)`. An exception is reported as a
/// fault.
template <class P>
concept ChecksVariables = requires(const Variables& variables, const Findings& findings) {
  P::check_variables(variables, findings);
};

}  // namespace crolang::plugin
