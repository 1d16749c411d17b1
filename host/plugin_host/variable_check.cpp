#include "plugin_host/variable_check.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

#include "crolang/until_memory.hpp"
#include "plugin_host/variable_values.hpp"

namespace crolang::plugin_host {
namespace {

bool is_of_a_name(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/// Whether the sentence contains the name as a word: REDIS_URL is not in "REDIS_URL_2".
bool names(std::string_view sentence, std::string_view variable) {
  for (std::size_t at = sentence.find(variable); at != std::string_view::npos;
       at = sentence.find(variable, at + 1)) {
    const std::size_t end = at + variable.size();
    if ((at == 0 || !is_of_a_name(sentence[at - 1])) &&
        (end == sentence.size() || !is_of_a_name(sentence[end]))) {
      return true;
    }
  }
  return false;
}

/// Implements crolang_check. The plugin calls it through C, so nothing is thrown.
struct Check {
  static Check& of(void* ctx) { return *static_cast<Check*>(ctx); }

  static bool find_env(void* ctx, const char* name, crolang_str* value) noexcept {
    const auto found = of(ctx).values.find(name, *value);
    if (found == VariableValues::Found::undeclared) {
      until_there_is_memory([&] {
        of(ctx).result.faults.push_back(of(ctx).id + " asks for the variable " + name +
                                        ", which it does not declare");
      });
    }
    return found == VariableValues::Found::value;
  }
  static void fault(void* ctx, crolang_str sentence) noexcept {
    of(ctx).note(of(ctx).result.faults, {sentence.data, sentence.size});
  }
  static void warning(void* ctx, crolang_str sentence) noexcept {
    of(ctx).note(of(ctx).result.warnings, {sentence.data, sentence.size});
  }

  void note(std::vector<std::string>& sentences, std::string_view sentence) {
    const auto is_named = [&](const std::string& variable) { return names(sentence, variable); };
    if (std::any_of(refused.begin(), refused.end(), is_named)) return;
    until_there_is_memory([&] {
      sentences.push_back(sentence.empty()
                              ? id + ": check reported a fault or warning without a text"
                              : std::string(sentence));
    });
  }

  const std::string id;
  const VariableValues values;
  const std::span<const std::string> refused;
  CheckResult result{};
};

}  // namespace

CheckResult check_variables(const crolang_plugin& plugin, const Lookup& values,
                            std::span<const std::string> refused) {
  if (!CROLANG_HAS(&plugin, check) || plugin.check == nullptr) return {};
  const Lookup shown = [&](std::string_view name) -> std::optional<std::string> {
    if (std::find(refused.begin(), refused.end(), name) != refused.end()) return std::nullopt;
    return values(name);
  };
  Check check{plugin.id, VariableValues(plugin, shown), refused};
  const crolang_check table{sizeof(crolang_check), &check, &Check::find_env, &Check::fault,
                            &Check::warning};
  plugin.check(&table);
  return std::move(check.result);
}

}  // namespace crolang::plugin_host
