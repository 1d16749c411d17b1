#include "webhook-common/json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace crolang::webhook_common {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kBlanks = " \t\r\n";

bool is_same_in_other_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char left, char right) { return lower(left) == lower(right); });
}

/// Finds the wanted member of an object while parsing; of duplicate names the last counts. No tree
/// is built: nlohmann's needs memory even to be destroyed, and a destructor that gets none
/// terminates the process; nor can it be arbitrarily deep.
class MemberReader final : public nlohmann::json_sax<Json> {
 public:
  explicit MemberReader(std::string_view member) : member_(member) {}

  bool is_object_in(std::string_view text) { return Json::sax_parse(text, this); }

  /// What was found instead; call it after is_object_in.
  std::string instead() const {
    if (!is_json_) return "it is not JSON";
    if (!whole_.empty()) return "it is " + std::string(whole_) + ", not an object";
    if (!kind_.empty()) return "it is " + std::string(kind_);
    if (has_other_case_) return "its name is spelled with different capitals";
    return "there is no such member";
  }

  bool has_member() const { return !kind_.empty(); }

  std::optional<bool> flag;
  std::optional<double> number;
  std::optional<TextSet> strings;

  bool null() override { return other("null"); }
  bool number_integer(number_integer_t value) override {
    return any_number(static_cast<double>(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return any_number(static_cast<double>(value));
  }
  bool number_float(number_float_t value, const string_t&) override { return any_number(value); }
  bool binary(binary_t&) override { return other("bytes"); }

  bool boolean(bool value) override {
    if (is_member()) flag = value;
    return other("true or false");
  }

  bool string(string_t& value) override {
    if (!is_element()) return other("a string");
    strings->insert(std::move(value));
    return true;
  }

  bool start_array(std::size_t) override {
    constexpr std::string_view kList = "a list";
    if (is_member()) {
      strings.emplace();
      in_list_ = true;
      kind_ = kList;
    } else if (!other(kList)) {
      return false;
    }
    ++depth_;
    return true;
  }

  bool end_array() override {
    --depth_;
    if (is_member()) in_list_ = false;
    return true;
  }

  bool start_object(std::size_t) override {
    if (depth_ > 0 && !other("an object")) return false;
    ++depth_;
    return true;
  }

  bool end_object() override {
    --depth_;
    return true;
  }

  bool key(string_t& name) override {
    if (depth_ > 1) return true;
    wanted_ = name == member_;
    has_other_case_ = has_other_case_ || (!wanted_ && is_same_in_other_case(name, member_));
    if (!wanted_) return true;
    flag.reset();
    number.reset();
    strings.reset();
    kind_ = {};
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    is_json_ = false;
    return false;
  }

 private:
  bool is_member() const { return depth_ == 1 && wanted_; }
  bool is_element() const { return depth_ == 2 && in_list_ && strings; }

  /// A value of an unexpected type; outside of the object it ends the search, in the list it
  /// invalidates the list.
  bool other(std::string_view kind) {
    if (is_element()) {
      strings.reset();
      kind_ = "a list, but not of strings alone";
    } else if (is_member()) {
      kind_ = kind;
    } else if (depth_ == 0) {
      whole_ = kind;
    }
    return depth_ > 0;
  }

  bool any_number(double value) {
    if (is_member()) number = value;
    return other("a number");
  }

  const std::string_view member_;
  std::size_t depth_ = 0;
  bool wanted_ = false;   // the member that is being read
  bool in_list_ = false;  // the wanted member is a list
  bool is_json_ = true;
  bool has_other_case_ = false;
  std::string_view whole_;  // the type of the text, if not an object
  std::string_view kind_;   // the type of the member
};

}  // namespace

void append_string(std::string& out, std::string_view text) {
  const auto plain = [](char c) { return c >= ' ' && c < '\x7f' && c != '"' && c != '\\'; };
  if (std::all_of(text.begin(), text.end(), plain)) {
    out.append(1, '"').append(text).append(1, '"');
  } else {
    out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  }
}

std::optional<std::string> compact_container(std::string_view text) {
  const std::size_t start = text.find_first_not_of(kBlanks);
  if (start == std::string_view::npos || (text[start] != '{' && text[start] != '[') ||
      !Json::accept(text)) {
    return std::nullopt;
  }
  std::string out;
  out.reserve(text.size());
  bool in_string = false;
  for (std::size_t i = start; i < text.size(); ++i) {
    const char c = text[i];
    if (!in_string && kBlanks.find(c) != std::string_view::npos) continue;
    out += c;
    if (c == '"') in_string = !in_string;
    if (in_string && c == '\\') out += text[++i];
  }
  return out;
}

std::optional<bool> read_bool(std::string_view text, std::string_view member) {
  MemberReader reader(member);
  return reader.is_object_in(text) ? reader.flag : std::nullopt;
}

std::optional<double> read_number(std::string_view text, std::string_view member) {
  MemberReader reader(member);
  return reader.is_object_in(text) ? reader.number : std::nullopt;
}

bool has_member(std::string_view text, std::string_view member) {
  MemberReader reader(member);
  return reader.is_object_in(text) && reader.has_member();
}

std::optional<TextSet> read_strings(std::string_view text, std::string_view member) {
  MemberReader reader(member);
  return reader.is_object_in(text) ? std::move(reader.strings) : std::nullopt;
}

std::string why_unreadable(std::string_view text, std::string_view member) {
  // RFC 1952 2.3.1
  if (text.starts_with("\x1f\x8b")) return "it is compressed, which was not requested";
  const std::size_t start = text.find_first_not_of(kBlanks);
  if (start == std::string_view::npos) return "it is empty";
  if (text[start] == '<') return "it starts with '<', so it is HTML or XML, not JSON";
  MemberReader reader(member);
  reader.is_object_in(text);
  return reader.instead();
}

}  // namespace crolang::webhook_common
