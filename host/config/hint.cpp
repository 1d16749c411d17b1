#include "config/hint.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <variant>

#include "client_address/address_set.hpp"
#include "config/cleaning.hpp"
#include "origin/allow_list.hpp"
#include "text/ascii.hpp"

namespace crolang::config {
namespace {

using namespace std::string_view_literals;

template <std::size_t n>
bool is_one_of(const std::array<std::string_view, n>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string about_switch(std::string_view value) {
  constexpr std::array kYes{"true"sv, "yes"sv, "on"sv, "1"sv, "y"sv, "t"sv, "enabled"sv};
  constexpr std::array kNo{"false"sv, "no"sv, "off"sv, "0"sv, "n"sv, "f"sv, "disabled"sv};
  const std::string word = text::to_lower(value);
  if (is_one_of(kYes, word)) return "write true";
  return is_one_of(kNo, word) ? "write false" : "";
}

std::string about_choice(const Variable& variable, std::string_view value) {
  const auto meant = std::find_if(
      variable.choices.begin(), variable.choices.end(),
      [&](std::string_view choice) { return text::equals_ignore_case(choice, value); });
  return meant == variable.choices.end() ? "" : "write " + *meant;
}

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr std::array kMilliseconds{Unit{"ms", 1},        Unit{"s", 1000},     Unit{"sec", 1000},
                                   Unit{"m", 60'000},    Unit{"min", 60'000}, Unit{"h", 3'600'000},
                                   Unit{"d", 86'400'000}};
constexpr std::array kSeconds{Unit{"s", 1},    Unit{"sec", 1},  Unit{"m", 60},
                              Unit{"min", 60}, Unit{"h", 3600}, Unit{"d", 86'400}};
constexpr std::uint64_t kKi = 1024;
constexpr std::array kBytes{Unit{"b", 1},
                            Unit{"k", kKi},
                            Unit{"kb", 1000},
                            Unit{"kib", kKi},
                            Unit{"m", kKi* kKi},
                            Unit{"mb", 1'000'000},
                            Unit{"mib", kKi* kKi},
                            Unit{"g", kKi* kKi* kKi},
                            Unit{"gb", 1'000'000'000},
                            Unit{"gib", kKi* kKi* kKi}};

template <std::size_t n>
std::uint64_t factor_of(const std::array<Unit, n>& units, std::string_view name) {
  const auto found =
      std::find_if(units.begin(), units.end(), [&](const Unit& unit) { return unit.name == name; });
  return found == units.end() ? 0 : found->factor;
}

/// 0: the variable has no unit, or not this one.
std::uint64_t factor(const Variable& variable, std::string_view unit) {
  if (variable.name.ends_with("_MS")) return factor_of(kMilliseconds, unit);
  if (variable.name.ends_with("_S")) return factor_of(kSeconds, unit);
  if (variable.name.ends_with("_BYTES")) return factor_of(kBytes, unit);
  return 0;
}

std::string write(const Variable& variable, std::uint64_t number) {
  return number >= variable.min && number <= variable.max ? "write " + std::to_string(number) : "";
}

/// 10_000 and 10'000: digits in groups. A comma may be a decimal separator.
std::string without_marks(std::string_view value) {
  std::string digits(value);
  std::erase_if(digits, [](char c) { return c == '_' || c == '\''; });
  return digits;
}

std::string about_level(std::string_view value) {
  constexpr std::array kMost{"debug"sv, "trace"sv, "verbose"sv, "all"sv, "silly"sv};
  constexpr std::array kLeast{"info"sv, "notice"sv,   "warn"sv,  "warning"sv, "error"sv,
                              "err"sv,  "critical"sv, "fatal"sv, "off"sv,     "none"sv};
  const std::string word = text::to_lower(value);
  if (is_one_of(kMost, word)) return "write 3, or 1 for connections";
  return is_one_of(kLeast, word) ? "write 0: information, warnings and faults" : "";
}

std::string about_number(const Variable& variable, std::string_view value) {
  if (variable.name == "LOG_LEVEL") {
    if (std::string level = about_level(value); !level.empty()) return level;
  }
  if (variable.name.ends_with("PORT") && value.find(':') != std::string_view::npos)
    return "write the port alone: the address belongs in BIND_ADDRESS";
  const std::string text = without_marks(value);
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{}) return {};
  std::string_view unit(stop, static_cast<std::size_t>(end - stop));
  unit.remove_prefix(std::min(unit.find_first_not_of(' '), unit.size()));
  if (unit.empty()) {
    if (text.size() != value.size()) return write(variable, number);
    // A value too small for milliseconds is usually in seconds.
    const bool is_little = variable.name.ends_with("_MS") && number > 0 && number < variable.min;
    return is_little && number * 1000 <= variable.max
               ? "the unit is milliseconds: " + std::to_string(number) + " s is " +
                     std::to_string(number * 1000)
               : "";
  }
  const std::uint64_t times = factor(variable, text::to_lower(unit));
  if (times == 0 || number > std::numeric_limits<std::uint64_t>::max() / times) return {};
  return write(variable, number * times);
}

std::string about_address(const Variable& variable, std::string_view value) {
  if (value == "localhost") return "write 127.0.0.1 or ::1";
  if (value == "*") return "leave it out: all addresses are the default";
  if (value.starts_with('[') && value.ends_with(']')) {
    if (accepts(variable, value.substr(1, value.size() - 2)))
      return "write it without the brackets";
  }
  if (const std::size_t colon = value.rfind(':'); colon != std::string_view::npos) {
    std::string_view host = value.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (accepts(variable, host)) return "write the address alone: the port belongs in PORT";
  }
  return {};
}

std::string about_address_set(std::string_view value) {
  const auto parsed = client_address::parse_address_set(value);
  const auto* const fault = std::get_if<client_address::AddressFault>(&parsed);
  return fault == nullptr ? std::string() : fault->text;
}

/// Does not quote the value, which may hold a password.
std::string about_url(std::string_view value) {
  const std::size_t scheme_end = value.find("://");
  if (scheme_end == std::string_view::npos) return "it has no scheme followed by ://";
  if (std::any_of(value.begin(), value.end(), [](char c) { return (c & 0x80) != 0; }))
    return "it has non-ASCII characters: write a host as xn--…, others as %XX";
  if (value.find_first_of(" \t\r\n") != std::string_view::npos)
    return "it contains a blank: write %20, or is it more than one URL?";
  const std::string_view rest = value.substr(scheme_end + 3);
  const std::size_t authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  if (rest.find('@', authority_end) != std::string_view::npos)
    return "in a user or password write / as %2F, ? as %3F and # as %23";
  std::string_view host = rest.substr(0, authority_end);
  if (const std::size_t at = host.rfind('@'); at != std::string_view::npos)
    host.remove_prefix(at + 1);
  if (host.empty()) return "it has no host";
  if (host.find(',') != std::string_view::npos)
    return "in a list each host is followed by a comma or by its port, as in redis://a:6379,b:6379";
  if (!host.starts_with('[') && std::count(host.begin(), host.end(), ':') > 1)
    return "an IPv6 address needs brackets, as in http://[::1]:3000/";
  if (host.find(':') != std::string_view::npos)
    return "the port is a number from 1 to 65535, and a # in a password is written %23";
  return {};
}

}  // namespace

std::string hint(const Variable& variable, std::string_view value) {
  // What surrounds a one-word value is easily overlooked.
  const std::string_view bare = clean(value).text;
  if (!bare.empty() && bare != value && accepts(variable, bare))
    return "remove the quotes or blanks around it";
  switch (variable.type) {
    case Type::boolean:
      return about_switch(value);
    case Type::choice:
      return about_choice(variable, value);
    case Type::uint:
      return about_number(variable, value);
    case Type::address:
      return about_address(variable, value);
    case Type::address_set:
      return about_address_set(value);
    case Type::url:
      return about_url(value);
    case Type::origins:
      return origin::fault_in(value);
    case Type::string:
      break;
  }
  return {};
}

}  // namespace crolang::config
