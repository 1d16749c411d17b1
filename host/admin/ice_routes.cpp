#include "admin/ice_routes.hpp"

#include <sys/eventfd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>

#include "admin/reply.hpp"
#include "broker/rtc_configuration.hpp"
#include "ice/configuration.hpp"
#include "ice/report.hpp"
#include "modules/clients/clients.hpp"
#include "net/descriptor.hpp"
#include "net/ice_check/check.hpp"

namespace crolang::admin {
namespace {

using namespace std::chrono_literals;

constexpr auto kModulePatience = 5s;
constexpr auto kCheckTime = 20s;
constexpr std::string_view kDefaultNode = "check-ice";

struct Configuration {
  ice::Targets servers{};
  ice::NotTried not_tried{};
  std::string fault{};  ///< not empty: there is none
};

/// What the module answers, by value: it is set on the worker.
struct ModuleAnswer {
  std::string text{};
  std::string fault{};
};

ModuleAnswer read_answer(const modules::Answer& answer) {
  if (answer.succeeded()) return {.text = answer.text};
  if (answer.error.empty()) return {.fault = modules::status_name(answer.status)};
  return {.fault = answer.error};
}

/// What this node would get.
Configuration configuration_for(const Backend& backend, const std::string& node,
                                const std::stop_token& stop) {
  const Reply<ModuleAnswer> reply;
  broker::AskModule question{
      [node](modules::Clients& clients, const modules::Waiter& waiter) {
        return clients.resolve_rtc(waiter, node);
      },
      [reply](const modules::Answer& answer) { reply.set(read_answer(answer)); }};
  backend.shared.workers.post(0, std::move(question));
  const std::optional<ModuleAnswer> answer = reply.wait(stop, kModulePatience);
  if (!answer) return {.fault = "no answer within 5 s"};
  if (!answer->fault.empty()) return {.fault = answer->fault};
  auto normalised = broker::RtcNormaliser().normalise(answer->text);
  if (auto* fault = std::get_if<broker::RtcNormaliser::Fault>(&normalised)) {
    return {.fault = std::move(fault->text)};
  }
  const auto& good = std::get<broker::RtcNormaliser::Configuration>(normalised);
  Configuration configuration;
  configuration.servers =
      ice::targets_in(nlohmann::json::parse(*good.literal).get_ref<const std::string&>());
  configuration.not_tried =
      ice::not_tried(configuration.servers, good.why_left_out, good.turn_left_out);
  return configuration;
}

/// A descriptor that becomes readable when the broker ends.
class StopDescriptor {
 public:
  explicit StopDescriptor(const std::stop_token& stop)
      : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        callback_(stop, [this] { ::eventfd_write(descriptor_.get(), 1); }) {}

  int get() const noexcept { return descriptor_.get(); }

 private:
  net::Descriptor descriptor_;
  std::stop_callback<std::function<void()>> callback_;
};

ApiAnswer check(const Backend& backend, const ApiRequest& request) {
  const std::string& node = request.query.text("node");
  Configuration configuration = configuration_for(backend, node, request.stop);
  if (!configuration.fault.empty()) {
    return error_answer(503,
                        "no RTC configuration for the node '" + node + "': " + configuration.fault);
  }
  const StopDescriptor stop(request.stop);
  const auto results =
      net::check_ice(configuration.servers.all(), {.time_limit = kCheckTime, .stop = stop.get()});
  if (request.stop.stop_requested()) return error_answer(503, "the broker is ending");
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  ApiAnswer answer;
  answer.body = ice::report_json(results, {now}, configuration.not_tried);
  return answer;
}

}  // namespace

void add_ice_routes(Router& router, const Backend& backend) {
  const auto is_running = std::make_shared<std::atomic<bool>>(false);
  router.add({.method = Method::get,
              .pattern = "/api/v1/ice-check",
              .parameters = {{.name = "node", .default_value = kDefaultNode}},
              .handler = [&backend, is_running](const ApiRequest& request) {
                if (is_running->exchange(true)) {
                  return error_answer(409, "another check of the ICE servers is running");
                }
                const std::shared_ptr<void> ends(nullptr, [&](void*) { is_running->store(false); });
                return check(backend, request);
              }});
}

}  // namespace crolang::admin
