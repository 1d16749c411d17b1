#include "config/unread.hpp"

#include <algorithm>
#include <string_view>

#include "kinds/kinds.hpp"
#include "text/alternatives.hpp"

namespace crolang::config {
namespace {

const Variable* find_variable(std::span<const Variable> variables, std::string_view name) {
  const auto found = std::find_if(variables.begin(), variables.end(),
                                  [&](const Variable& each) { return each.name == name; });
  return found == variables.end() ? nullptr : &*found;
}

class Review {
 public:
  Review(const Environment& environment, std::span<const Variable> read,
         std::span<const Variable> of_plugins)
      : environment_(environment), read_(read), of_plugins_(of_plugins) {}

  void modules() {
    for (const kinds::Description& each : kinds::kAll) {
      const std::string plugin(each.plugin_variable);
      const std::string setting(each.setting.name);
      const bool has_plugin = has_value(plugin);
      const bool has_setting = has_value(setting);
      if (has_plugin && has_setting && find_variable(of_plugins_, setting) == nullptr)
        warnings_.push_back(given_as(setting) + " has no effect, since " + plugin +
                            " is set too: the plugin serves (" + value(plugin) + ")");
      if (has_plugin || has_setting) continue;
      const std::string consequence = ": the built-in serves (" + std::string(each.built_in) + ")";
      for (const std::string_view detail : each.details) {
        warn_of_detail(each, std::string(detail), consequence);
      }
      warn_if_empty(plugin, consequence);
      warn_if_empty(setting, consequence);
    }
  }

  void secrets() {
    for (const Variable& each : of_plugins_) {
      if (each.secrecy == Secrecy::secret && each.presence == Presence::optional &&
          !has_value(each.name))
        warn_if_empty(each.name, "");
    }
  }

  void bundled(std::span<const BundledVariable> bundled) {
    for (const BundledVariable& each : bundled) {
      // A plugin that would read it was chosen, but refused.
      if (find_variable(read_, each.name) != nullptr || each.loaded_by.empty()) continue;
      if (is_set(each.name)) no_effect(each, each.name);
      if (const std::string file = each.name + "_FILE";
          each.secrecy == Secrecy::secret && is_set(file))
        no_effect(each, file);
    }
  }

  std::vector<std::string> take_warnings() { return std::move(warnings_); }

 private:
  enum class State { absent, empty, set };

  State state(const std::string& name) const {
    const auto found = environment_.entries.find(name);
    if (found == environment_.entries.end()) return State::absent;
    return found->second.text.empty() ? State::empty : State::set;
  }
  bool is_set(const std::string& name) const { return state(name) == State::set; }
  bool is_secret(const std::string& name) const {
    const Variable* const variable = find_variable(read_, name);
    return variable != nullptr && variable->secrecy == Secrecy::secret;
  }
  /// Set by itself or by its file. Invalid values are reported elsewhere.
  bool has_value(const std::string& name) const {
    return is_set(name) || (is_secret(name) && is_set(name + "_FILE"));
  }
  std::string given_as(const std::string& name) const {
    return is_set(name) ? name : name + "_FILE";
  }
  std::string value(const std::string& name) const {
    const Variable* const variable = find_variable(read_, name);
    return variable == nullptr ? std::string() : find(environment_, *variable).text;
  }

  void warn_of_detail(const kinds::Description& kind, const std::string& detail,
                      const std::string& consequence) {
    const Variable* const variable = find_variable(read_, detail);
    if (variable == nullptr || !is_set(detail) || value(detail) == variable->default_value) return;
    std::string choosing(kind.plugin_variable);
    choosing = kind.setting.name.empty()
                   ? choosing + " is not set"
                   : "neither " + std::string(kind.setting.name) + " nor " + choosing + " is set";
    warnings_.push_back(detail + " has no effect, since " + choosing + consequence);
  }

  void warn_if_empty(const std::string& name, const std::string& consequence) {
    const std::string sentence = " is set but empty, which counts as not set" + consequence;
    if (state(name) == State::empty) warnings_.push_back(name + sentence);
    if (const std::string file = name + "_FILE"; is_secret(name) && state(file) == State::empty)
      warnings_.push_back(file + sentence);
  }

  void no_effect(const BundledVariable& variable, const std::string& given) {
    warnings_.push_back(given + " has no effect, since no plugin that reads it is loaded: " +
                        text::alternatives(variable.loaded_by) + " would load one");
  }

  const Environment& environment_;
  const std::span<const Variable> read_;
  const std::span<const Variable> of_plugins_;
  std::vector<std::string> warnings_;
};

}  // namespace

std::vector<std::string> unread(const Environment& environment, std::span<const Variable> read,
                                std::span<const Variable> of_plugins,
                                std::span<const BundledVariable> bundled) {
  Review review(environment, read, of_plugins);
  review.modules();
  review.secrets();
  review.bundled(bundled);
  return review.take_warnings();
}

std::vector<Variable> known_besides(std::span<const Variable> read,
                                    std::span<const BundledVariable> bundled) {
  std::vector<Variable> known;
  for (const BundledVariable& each : bundled) {
    if (find_variable(read, each.name) == nullptr)
      known.push_back({.name = each.name, .secrecy = each.secrecy});
  }
  return known;
}

}  // namespace crolang::config
