#include "config/dotenv.hpp"

#include <algorithm>

namespace crolang::config {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == '\0' || std::string_view("nr\"\\").find(next) == std::string_view::npos) {
      out += text[i];
      continue;
    }
    out += next == 'n' ? '\n' : next == 'r' ? '\r' : next;
    ++i;
  }
  return out;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
  }

  DotEnv run() {
    while (!rest_.empty()) {
      first_line_ = line_;
      assignment(take_line());
    }
    return std::move(result_);
  }

 private:
  std::string_view take_line() {
    const std::size_t end = rest_.find('\n');
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    ++line_;
    return line;
  }

  void assignment(std::string_view line) {
    const std::string_view whole = line;
    line = trim(line);
    if (line.empty() || line.front() == '#') return;
    if (line.starts_with("export ") || line.starts_with("export\t")) line = trim(line.substr(7));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return fault("is not NAME=value, as PORT=8080 is");
    const std::string_view name = trim(line.substr(0, equals));
    if (!is_name(name))
      return fault("does not begin with a variable's name and =, as PORT=8080 does");
    const std::string_view value = trim(line.substr(equals + 1));
    if (!value.empty() && std::string_view("\"'`").find(value.front()) != std::string_view::npos)
      return quoted_value(name, whole.substr(whole.find(value.front(), whole.find('=')) + 1),
                          value.front());
    result_.values.emplace_back(name, unquoted_value(value));
  }

  // A # counts as a comment only at the start or after a blank, so that URLs keep their fragment.
  static std::string_view unquoted_value(std::string_view value) {
    for (std::size_t i = 0; i < value.size(); ++i)
      if (value[i] == '#' && (i == 0 || kBlanks.find(value[i - 1]) != std::string_view::npos))
        return trim(value.substr(0, i));
    return value;
  }

  void quoted_value(std::string_view name, std::string_view line, char quote) {
    std::string text;
    while (true) {
      const std::size_t end = closing_quote(line, quote);
      text += line.substr(0, end);
      if (end != std::string_view::npos) {
        const std::string_view after = trim(line.substr(end + 1));
        if (!after.empty() && after.front() != '#')
          return fault("has text after the closing quote");
        break;
      }
      if (rest_.empty()) return fault("has a quote that is never closed");
      text += '\n';
      line = take_line();
    }
    result_.values.emplace_back(name, quote == '"' ? unescape(text) : text);
  }

  static std::size_t closing_quote(std::string_view line, char quote) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (quote == '"' && line[i] == '\\')
        ++i;
      else if (line[i] == quote)
        return i;
    }
    return std::string_view::npos;
  }

  void fault(std::string_view what) {
    result_.faults.push_back("line " + std::to_string(first_line_) + " " + std::string(what));
  }

  std::string_view rest_;
  std::size_t line_ = 1;
  std::size_t first_line_ = 1;
  DotEnv result_;
};

}  // namespace

DotEnv parse_dotenv(std::string_view text) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF") ||
      text.find('\0') != std::string_view::npos)
    return {.values = {}, .faults = {"is UTF-16, as some editors save it: save it as UTF-8"}};
  return Parser(text).run();
}

}  // namespace crolang::config
