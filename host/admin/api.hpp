#pragma once
/// What a route of the admin interface is given, and what it answers.
/// Threads: plain values, not synchronised. Errors: std::bad_alloc.

#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace crolang::admin {

/// HEAD is handled as GET; its answer is sent without the body.
enum class Method : std::uint8_t { get, post, del };

std::string_view name_of(Method method) noexcept;

/// The query of a request, validated by what its route declares.
class Parameters {
 public:
  /// nullptr: neither given nor a default.
  const std::string* find(std::string_view name) const;
  /// Only for names that have a default or were found.
  const std::string& text(std::string_view name) const;
  /// Only for parameters of the type number that have a default or were found.
  std::uint64_t number(std::string_view name) const;
  bool is_true(std::string_view name) const;

  void set(std::string name, std::string value);

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

struct ApiRequest {
  std::vector<std::string> path;  ///< the values of {…} in the route's pattern, decoded
  Parameters query;
  std::string client;    ///< address of the peer, for the log
  std::stop_token stop;  ///< the broker is ending: waiting has no use any more
};

struct ApiAnswer {
  enum class Kind : std::uint8_t {
    complete,
    event_stream,  ///< the listener goes on with the events; the rest counts only if it cannot
  };

  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body{};
  std::string extra_headers{};  ///< whole lines
  Kind kind = Kind::complete;
};

/// Invalid UTF-8 in a text is replaced.
ApiAnswer json_answer(unsigned status, const nlohmann::json& body);
/// `{"error":"…"}`
ApiAnswer error_answer(unsigned status, std::string_view sentence);

/// RFC 3339 in UTC with milliseconds.
std::string utc_text(std::chrono::system_clock::time_point time);

}  // namespace crolang::admin
