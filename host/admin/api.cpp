#include "admin/api.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <stdexcept>
#include <utility>

namespace crolang::admin {

std::string_view name_of(Method method) noexcept {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::post:
      return "POST";
    case Method::del:
      return "DELETE";
  }
  return {};
}

const std::string* Parameters::find(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

const std::string& Parameters::text(std::string_view name) const {
  const std::string* const value = find(name);
  if (value == nullptr) throw std::logic_error("no parameter " + std::string(name));
  return *value;
}

std::uint64_t Parameters::number(std::string_view name) const {
  const std::string& digits = text(name);
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

bool Parameters::is_true(std::string_view name) const {
  const std::string* const value = find(name);
  return value != nullptr && *value == "true";
}

void Parameters::set(std::string name, std::string value) {
  values_.insert_or_assign(std::move(name), std::move(value));
}

ApiAnswer json_answer(unsigned status, const nlohmann::json& body) {
  ApiAnswer answer;
  answer.status = status;
  answer.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  answer.body += '\n';
  return answer;
}

ApiAnswer error_answer(unsigned status, std::string_view sentence) {
  return json_answer(status, {{"error", sentence}});
}

std::string utc_text(std::chrono::system_clock::time_point time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time - whole).count();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(whole);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, sizeof "-2147483648-01-01T00:00:00"> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::string result(text.data(), size);
  const std::string digits = std::to_string(1000 + ms);
  return result + '.' + digits.substr(1) + 'Z';
}

}  // namespace crolang::admin
