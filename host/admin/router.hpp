#pragma once
/// The routes of the API: matched segment by segment, without regular expressions.
/// Threads: add before the listener starts; find from any. Errors: answers; std::bad_alloc.

#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "admin/api.hpp"
#include "admin/query.hpp"

namespace crolang::admin {

/// Called on one of the admin interface's own threads. May block for a bounded time, if it observes
/// ApiRequest::stop. What it throws becomes a 500.
using Handler = std::function<ApiAnswer(const ApiRequest&)>;

struct Route {
  Method method = Method::get;
  std::string_view pattern;  ///< "/api/v1/nodes/{id}"; {…} stands for one segment, not empty
  std::vector<Parameter> parameters{};
  Handler handler;
};

class Router {
 public:
  void add(Route route);

  struct Match {
    const Route* route;  ///< valid as long as the router
    ApiRequest request;  ///< without client and stop
  };
  /// `method`: as in the request line, HEAD included. The answer is 400, 404 or 405.
  std::variant<Match, ApiAnswer> find(std::string_view method, std::string_view path,
                                      std::string_view query) const;

 private:
  struct Entry {
    Route route;
    std::vector<std::string> segments;  // a placeholder is empty
  };
  std::vector<Entry> entries_;
};

}  // namespace crolang::admin
