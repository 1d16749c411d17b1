#include "webhook-common/reply.hpp"

namespace crolang::webhook_common {

std::string why_no_bool(std::string_view text, std::string_view member) {
  return "the answer has no \"" + std::string(member) +
         "\" that is true or false: " + why_unreadable(text, member);
}

}  // namespace crolang::webhook_common
