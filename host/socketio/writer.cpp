#include "socketio/writer.hpp"

#include <cstring>

#include "json/scanner.hpp"

namespace crolang::socketio {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kEventBegin = R"(42[")"sv;
constexpr std::string_view kEventMiddle = R"(",)"sv;
constexpr std::string_view kEventEnd = "]"sv;

char* put(char* out, std::string_view text) noexcept {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

}  // namespace

char* write_ack(char* out, const AckId& id, std::string_view arguments) noexcept {
  return put(put(put(out, kAck), id.text()), arguments);
}

std::size_t event_size(std::string_view name, std::string_view argument) noexcept {
  return kEventBegin.size() + name.size() + kEventMiddle.size() + argument.size() +
         kEventEnd.size();
}

char* write_event(char* out, std::string_view name, std::string_view argument) noexcept {
  out = put(put(put(out, kEventBegin), name), kEventMiddle);
  return put(put(out, argument), kEventEnd);
}

void append_text_ack(std::string& out, const AckId& id, std::string_view text) {
  out.append(kAck).append(id.text()).append("[");
  json::append_quoted(out, text);
  out.append("]");
}

void append_connect(std::string& out, std::string_view sid) {
  out.append(R"(40{"sid":")").append(sid).append(R"("})");
}

void append_connect_error(std::string& out, std::string_view message, std::string_view name_space) {
  out.append("44");
  if (name_space != kMainNamespace) out.append(name_space).append(",");
  out.append(R"({"message":)");
  json::append_quoted(out, message);
  out.append("}");
}

}  // namespace crolang::socketio
