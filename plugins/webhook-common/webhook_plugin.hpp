#pragma once
/// Base of the webhook plugins: one Webhook, at the URL of one variable. Threads and errors: as the
/// kind's class says in crolang/plugin.hpp.

#include <crolang/plugin.hpp>
#include <utility>

#include "webhook-common/settings.hpp"
#include "webhook-common/webhook.hpp"

namespace crolang::webhook_common {

/// `Kind` is the plugin's, `url_variable` the name of the variable that holds the URL.
///
/// A member of a derived class that reply handlers use must outlive the webhook's thread: such a
/// class ends the thread in its destructor, by end_webhook().
template <class Kind, const char* url_variable>
class WebhookPlugin : public Kind {
 public:
  static void check_variables(const plugin::Variables& variables,
                              const plugin::Findings& findings) {
    check_settings(variables, url_variable, findings);
  }

  void reload() override { webhook_.reload(); }

  void stop(plugin::Stopped stopped) override {
    webhook_.stop();
    stopped();
  }

 protected:
  explicit WebhookPlugin(const plugin::Host& host, Sharing sharing,
                         Forbidden forbidden = Forbidden::is_a_fault,
                         Faults faults = Faults::answered)
      : webhook_(host, read_settings(host, url_variable), sharing, forbidden, faults) {}

  Webhook& webhook() noexcept { return webhook_; }
  void end_webhook() { webhook_.stop(); }

 private:
  Webhook webhook_;
};

}  // namespace crolang::webhook_common
