#include "admin/event_routes.hpp"

namespace crolang::admin {

void add_event_routes(Router& router, const Backend&) {
  router.add({.method = Method::get, .pattern = "/api/v1/events", .handler = [](const ApiRequest&) {
                ApiAnswer answer;
                answer.content_type = "text/event-stream";
                answer.kind = ApiAnswer::Kind::event_stream;
                return answer;
              }});
}

}  // namespace crolang::admin
