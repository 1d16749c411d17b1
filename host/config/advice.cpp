#include "config/advice.hpp"

#include <algorithm>
#include <array>

#include "config/spelling.hpp"
#include "telemetry/escape.hpp"
#include "text/alternatives.hpp"
#include "text/similarity.hpp"

namespace crolang::config {
namespace {

constexpr std::size_t kMaxTypos = 2;
constexpr std::size_t kLargestFamily = 5;

struct Alias {
  std::string_view name;
  std::string_view variable;
};
constexpr std::array kAliases{
    Alias{"HOST", "BIND_ADDRESS"}, Alias{"ADDRESS", "BIND_ADDRESS"}, Alias{"LISTEN", "PORT"},
    Alias{"VERBOSE", "LOG_LEVEL"}, Alias{"DEBUG", "LOG_LEVEL"},      Alias{"QUIET", "LOG_LEVEL"},
    Alias{"THREADS", "WORKERS"},   Alias{"JSON", "LOG_FORMAT"},      Alias{"CERT", "TLS_CERT_FILE"},
    Alias{"KEY", "TLS_KEY_FILE"},  Alias{"SSL", "TLS_CERT_FILE"},
};

const Variable* find_variable(std::span<const Variable> known, std::string_view name) {
  const auto found = std::find_if(known.begin(), known.end(),
                                  [&](const Variable& each) { return each.name == name; });
  return found == known.end() ? nullptr : &*found;
}

/// --redis-url as REDIS_URL, -p as P.
std::string as_variable(std::string_view option) {
  option.remove_prefix(std::min(option.find_first_not_of('-'), option.size()));
  std::string name(option);
  for (char& c : name) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == '-' || c == '.') c = '_';
  }
  return name;
}

/// -p is PORT, -w WORKERS: names of one word.
const Variable* by_letter(std::span<const Variable> known, std::string_view letter) {
  const auto found = std::find_if(known.begin(), known.end(), [&](const Variable& each) {
    return each.name.starts_with(letter) && each.name.find('_') == std::string::npos;
  });
  return found == known.end() ? nullptr : &*found;
}

/// A secret is not repeated: it is in the shell's history already.
std::string assignment(const Variable& variable, std::string_view value) {
  if (value.empty()) return variable.name;
  return variable.name + "=" +
         (variable.secrecy == Secrecy::secret ? std::string("…") : shown(variable, value));
}

std::string_view near_option(std::string_view word, std::span<const std::string_view> options) {
  const auto found = std::find_if(options.begin(), options.end(), [&](std::string_view option) {
    const std::string_view bare = option.substr(2);
    const std::string_view asked = word.substr(std::min(word.find_first_not_of('-'), word.size()));
    // -v and -V: an option of one letter.
    if (asked.size() == 1) return word.size() == 2 && (asked.front() | 0x20) == bare.front();
    return asked == bare || (asked.size() >= 4 && bare.starts_with(asked)) ||
           (asked.size() >= 4 && text::edit_distance(asked, bare) <= kMaxTypos);
  });
  return found == options.end() ? std::string_view{} : *found;
}

/// The variable that other programs call by this name.
std::string_view alias_target(std::string_view name) {
  const auto found = std::find_if(kAliases.begin(), kAliases.end(),
                                  [&](const Alias& each) { return each.name == name; });
  return found == kAliases.end() ? name : found->variable;
}

/// --log: LOG_LEVEL or LOG_FORMAT.
std::vector<std::string> family(std::string_view name, std::span<const Variable> known) {
  std::vector<std::string> names;
  for (const Variable& each : known) {
    if (each.name.starts_with(name) && each.name.substr(name.size()).starts_with('_'))
      names.push_back(each.name);
  }
  return names.size() <= kLargestFamily ? names : std::vector<std::string>{};
}

std::string about_option(std::string_view option, std::string_view value,
                         std::span<const std::string_view> options,
                         std::span<const Variable> known) {
  const std::string sentence = "unknown option " + telemetry::in_quotes(option) + ": ";
  const auto set = [&](const std::string& what) {
    return sentence + "set " + what + " in the environment or in .env";
  };
  const std::string name = as_variable(option);
  const Variable* const variable =
      name.size() == 1 ? by_letter(known, name) : find_variable(known, name);
  if (variable != nullptr) return set(assignment(*variable, value));
  if (const std::string_view near = near_option(option, options); !near.empty())
    return sentence + "did you mean " + std::string(near) + "?";
  if (const std::string_view other = alias_target(name); other != name)
    return set(std::string(other));
  std::vector<std::string> names = meant_by(name, known).names;
  std::erase_if(names, [&](const std::string& each) { return !find_variable(known, each); });
  if (names.empty()) names = family(name, known);
  if (!names.empty()) return set(text::alternatives(names));
  return sentence +
         "the broker is configured by environment variables and .env, see crolang-broker --help";
}

std::string about_word(std::string_view word, std::span<const std::string_view> options,
                       std::span<const Variable> known) {
  const std::size_t equals = word.find('=');
  if (equals != std::string_view::npos) {
    const Variable* const variable = find_variable(known, word.substr(0, equals));
    if (variable != nullptr)
      return variable->name + " is set before the name of the program: " +
             assignment(*variable, word.substr(equals + 1)) + " crolang-broker";
  }
  if (const std::string_view near = near_option(word, options); !near.empty())
    return telemetry::in_quotes(word) + " is not a command: did you mean " + std::string(near) +
           "?";
  return {};
}

}  // namespace

std::string advice_on(std::span<const std::string_view> words,
                      std::span<const std::string_view> options, std::span<const Variable> known) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (std::find(options.begin(), options.end(), word) != options.end()) continue;
    if (word.size() < 2 || word.front() != '-' || word == "--") {
      if (std::string sentence = about_word(word, options, known); !sentence.empty())
        return sentence;
      continue;
    }
    const std::size_t equals = word.find('=');
    std::string_view value;
    // -p9000
    if (word.size() > 2 && word[1] != '-' && word[2] >= '0' && word[2] <= '9')
      return about_option(word.substr(0, 2), word.substr(2), options, known);
    if (equals != std::string_view::npos) {
      value = word.substr(equals + 1);
    } else if (i + 1 < words.size() && !words[i + 1].starts_with('-')) {
      value = words[i + 1];
    }
    return about_option(word.substr(0, equals), value, options, known);
  }
  return {};
}

}  // namespace crolang::config
