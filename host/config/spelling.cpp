#include "config/spelling.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "config/foreign.hpp"
#include "text/alternatives.hpp"
#include "text/similarity.hpp"

namespace crolang::config {
namespace {

// The lengths from which two typing errors are accepted, and three, and errors in the first two
// letters.
constexpr std::size_t kLongName = 8;
constexpr std::size_t kVeryLongName = 20;
constexpr std::size_t kFirstLettersMayDiffer = 12;
constexpr std::string_view kFile = "_FILE";

// Prefixes that are put before a variable's name by mistake.
constexpr std::array<std::string_view, 5> kPrefixes{"CROLANG_BROKER_", "CROLANG_", "BROKER_",
                                                    "LISTEN_", "BIND_"};

// Synonyms at the end of a name.
constexpr std::array<std::array<std::string_view, 9>, 6> kSynonyms{{
    {"URL", "URLS", "URI", "HOST", "HOSTNAME", "ADDRESS", "ENDPOINT", "SERVER", "SERVERS"},
    {"SECRET", "KEY", "PASSWORD", "PASS", "TOKEN"},
    {"BYTES", "SIZE", "LENGTH", "KB", "MB"},
    {"DURATION", "TIMEOUT", "INTERVAL", "PERIOD", "TTL", "TIME"},
    {"CONNECTIONS", "NODES", "CLIENTS", "PEERS", "SOCKETS"},
    {"DIR", "DIRECTORY", "FOLDER", "PATH"},
}};

using Words = std::vector<std::string_view>;

Words words_of(std::string_view name) {
  Words words;
  while (!name.empty()) {
    const std::size_t end = std::min(name.find('_'), name.size());
    if (end > 0) words.push_back(name.substr(0, end));
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return words;
}

/// Converts to the form of variable names: redis-url and redis.url become REDIS_URL.
std::string in_capitals(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == '-' || c == '.') c = '_';
  }
  return out;
}

std::string without_underscores(std::string_view name) {
  std::string out(name);
  std::erase(out, '_');
  return out;
}

/// A different word is not a typing error: REDIS_TTL is not REDIS_URL.
bool has_another_word(std::string_view name, std::string_view known) {
  const Words words = words_of(name);
  const Words others = words_of(known);
  return words.size() == others.size() &&
         !std::equal(words.begin(), words.end(), others.begin(),
                     [](std::string_view word, std::string_view other) {
                       return text::edit_distance(word, other) <=
                              std::max<std::size_t>(1, other.size() / 2);
                     });
}

bool is_near(std::string_view name, std::string_view known) {
  const std::size_t most = known.size() < kLongName ? 1 : known.size() < kVeryLongName ? 2 : 3;
  const std::size_t longer = std::max(name.size(), known.size());
  const std::size_t shorter = std::min(name.size(), known.size());
  const bool begins =
      known.size() >= kFirstLettersMayDiffer || name.substr(0, 2) == known.substr(0, 2);
  return longer - shorter <= most && begins && text::edit_distance(name, known) <= most &&
         !has_another_word(name, known);
}

bool has_a_prefix(std::string_view name, std::string_view known) {
  return std::any_of(kPrefixes.begin(), kPrefixes.end(), [&](std::string_view prefix) {
    return name.starts_with(prefix) && name.substr(prefix.size()) == known;
  });
}

bool is_typo(std::string_view name, std::string_view known) {
  if (is_near(name, known)) return true;
  return without_underscores(in_capitals(name)) == without_underscores(known);
}

/// AUTH and AUTHENTICATION, NODE and NODES, AUTHORIZATION and AUTHORIZE.
bool is_form_of(std::string_view a, std::string_view b) {
  const auto [end, other] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  const auto common = static_cast<std::size_t>(end - a.begin());
  const std::size_t shorter = std::min(a.size(), b.size());
  return (common == shorter && shorter >= 3) || common >= 6;
}

bool is_synonym(std::string_view a, std::string_view b) {
  return std::any_of(kSynonyms.begin(), kSynonyms.end(), [&](const auto& group) {
    const auto has = [&](std::string_view word) {
      return std::find(group.begin(), group.end(), word) != group.end();
    };
    return has(a) && has(b);
  });
}

/// Whether the word at `at` is the noun of the name: its last word, or the one before its unit.
bool is_noun(const Words& known, std::size_t at) {
  return at + 1 == known.size() ||
         (at + 2 == known.size() && (known.back() == "MS" || known.back() == "S"));
}

/// If the words of `name` occur in `known` in this order: the number of the other words, plus the
/// number of those that occur in another form or as a synonym.
std::optional<std::size_t> distance_to_whole(const Words& name, const Words& known) {
  std::size_t changed = 0;
  std::size_t next = 0;
  for (std::size_t i = 0; i < name.size(); ++i, ++next) {
    const auto fits = [&](const std::string_view& word) {
      const auto place = static_cast<std::size_t>(&word - known.data());
      return is_form_of(word, name[i]) ||
             (i > 0 && is_noun(known, place) && is_synonym(word, name[i]));
    };
    // The same word if there is one, else another form or a synonym.
    auto at = std::find(known.begin() + static_cast<std::ptrdiff_t>(next), known.end(), name[i]);
    if (at == known.end()) {
      at = std::find_if(known.begin() + static_cast<std::ptrdiff_t>(next), known.end(), fits);
      ++changed;
    }
    if (at == known.end()) return std::nullopt;
    next = static_cast<std::size_t>(at - known.begin());
  }
  // One or two words that occur in many names do not identify one, unless they begin or end it.
  const std::size_t missing = known.size() - name.size();
  const bool begins = name.front() == known.front() && 2 * name.size() >= known.size();
  const bool ends = std::equal(name.rbegin(), name.rend(), known.rbegin());
  const bool is_most = name.size() >= 3 && 2 * name.size() > known.size();
  if (!begins && !ends && !is_most) return std::nullopt;
  return missing + changed;
}

bool begin_alike(const Words& name, const Words& known, std::size_t count) {
  return name.size() >= count && known.size() >= count &&
         std::equal(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(count), known.begin());
}

/// How many words `name` is away from `known`; nullopt: too many.
std::optional<std::size_t> distance_in_words(const Words& name, const Words& known) {
  if (name.empty() || known.empty()) return std::nullopt;
  if (name.size() == 1) {
    const bool begins = known.size() == 2 && name.front() == known.front();
    return begins && name.front().size() >= 4 ? std::optional<std::size_t>(1) : std::nullopt;
  }
  // One word too many at the end.
  if (name.size() == known.size() + 1 && begin_alike(name, known, known.size()) &&
      (known.size() >= 2 || known.front().size() >= 6))
    return 1;
  if (name.size() > known.size()) return std::nullopt;
  if (const auto distance = distance_to_whole(name, known)) return distance;
  // Another last word: SECONDS for MS, SIZE for BYTES.
  if (name.size() == known.size() && name.size() >= 3 && begin_alike(name, known, name.size() - 1))
    return 2;
  return std::nullopt;
}

std::vector<std::string> readable_names(std::span<const Variable> known) {
  std::vector<std::string> names;
  for (const Variable& each : known) {
    names.push_back(each.name);
    if (each.secrecy == Secrecy::secret) names.push_back(each.name + std::string(kFile));
  }
  return names;
}

Meant nearest(std::string_view name, const std::vector<std::string>& known) {
  Meant meant;
  if (std::find(known.begin(), known.end(), name) != known.end()) return meant;
  meant.by = Meant::By::typo;
  for (const std::string& each : known) {
    if (is_typo(name, each)) meant.names.push_back(each);
  }
  if (!meant.names.empty()) return meant;

  meant.by = Meant::By::part;
  const std::string capitals = in_capitals(name);
  const Words words = words_of(capitals);
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (const std::string& each : known) {
    const auto distance = has_a_prefix(capitals, each) ? std::optional<std::size_t>(0)
                                                       : distance_in_words(words, words_of(each));
    if (!distance || *distance > least) continue;
    if (*distance < least) meant.names.clear();
    least = *distance;
    meant.names.push_back(each);
  }
  return meant;
}

bool is_set(const Environment& environment, std::string_view name) {
  const auto found = environment.entries.find(name);
  return found != environment.entries.end() && !found->second.text.empty();
}

/// Whether `name` or its NAME_FILE is set, or, if `name` is a NAME_FILE, NAME.
bool is_given(const Environment& environment, const std::vector<std::string>& known,
              const std::string& name) {
  if (is_set(environment, name) || is_set(environment, name + std::string(kFile))) return true;
  if (!name.ends_with(kFile)) return false;
  const std::string variable = name.substr(0, name.size() - kFile.size());
  return std::find(known.begin(), known.end(), variable) != known.end() &&
         is_set(environment, variable);
}

/// The variable NAME if `name` is NAME_FILE and NAME is not a secret; else nullptr.
const Variable* unread_file(std::string_view name, std::span<const Variable> known) {
  if (!name.ends_with(kFile)) return nullptr;
  name.remove_suffix(kFile.size());
  const auto found = std::find_if(known.begin(), known.end(),
                                  [&](const Variable& each) { return each.name == name; });
  return found != known.end() && found->secrecy == Secrecy::shown ? &*found : nullptr;
}

}  // namespace

Meant meant_by(std::string_view name, std::span<const Variable> known) {
  return nearest(name, readable_names(known));
}

std::vector<std::string> misspelt(const Environment& environment, std::span<const Variable> known) {
  const std::vector<std::string> names = readable_names(known);
  std::vector<std::string> warnings;
  for (const auto& [name, entry] : environment.entries) {
    if (std::find(names.begin(), names.end(), name) != names.end() ||
        is_service_variable(name, entry.text) || is_system_variable(name))
      continue;
    if (const Variable* const variable = unread_file(name, known)) {
      warnings.push_back(name + " is not read, since only secrets may be given as files: set " +
                         variable->name);
      continue;
    }
    Meant meant = nearest(name, names);
    if (meant.by == Meant::By::part) {
      std::erase_if(meant.names,
                    [&](const std::string& each) { return is_given(environment, names, each); });
    }
    if (meant.names.empty()) continue;
    warnings.push_back(name + " is not a variable of this broker: did you mean " +
                       text::alternatives(meant.names) + "?");
  }
  return warnings;
}

}  // namespace crolang::config
