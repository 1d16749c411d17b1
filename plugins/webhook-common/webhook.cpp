#include "webhook-common/webhook.hpp"

#include "webhook-common/request_loop.hpp"

namespace crolang::webhook_common {

Webhook::Webhook(const plugin::Host& host, const Settings& settings, Sharing sharing,
                 Forbidden forbidden, Faults faults)
    : loop_(std::make_unique<RequestLoop>(host, settings, sharing, forbidden, faults)) {}

Webhook::~Webhook() = default;

void Webhook::post(RequestContent content, std::chrono::milliseconds limit,
                   std::unique_ptr<ReplyHandler> handler) {
  loop_->ask(std::move(content), limit, std::move(handler));
}

void Webhook::reload() {
  loop_->reload();
}

void Webhook::stop() {
  loop_->stop();
}

}  // namespace crolang::webhook_common
