#include "webhook-common/replies.hpp"

#include <new>

namespace crolang::webhook_common {

const char* describe(const std::exception& error) noexcept {
  const bool memory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr;
  return memory ? "out of memory" : error.what();
}

void Replies::call(ReplyHandler& handler, const Reply& reply) noexcept {
  try {
    handler(reply);
  } catch (const std::exception& error) {
    // The handler could not read the reply. This second reply does not allocate.
    try {
      handler({plugin::Status::unavailable, describe(error), reporter_});
    } catch (const std::exception& again) {
      host_.log(plugin::LogLevel::error, again.what());
    }
  }
}

}  // namespace crolang::webhook_common
