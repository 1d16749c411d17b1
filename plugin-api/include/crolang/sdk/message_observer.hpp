/// message-observer/1 in C++: notified of each authorized message.
#pragma once

#include <crolang/message_observer.h>

#include <crolang/sdk/dispatch.hpp>
#include <string_view>

namespace crolang::plugin {

enum class Receiver { absent, connected };

class Observer : public virtual Kind {
 public:
  /// A message was authorized. The broker does not wait for a result.
  virtual void on_message(std::string_view from, std::string_view to, Receiver receiver) = 0;
};

namespace detail {

template <class P>
struct Module<P, Observer> {
  static constexpr const char* kind = CROLANG_OBSERVER;

  static void observe(void* self, crolang_str from, crolang_str to, bool connected) noexcept {
    run_logged<P>(self, [&](auto& to_run) {
      to_run.template as<Observer>().on_message(view(from), view(to),
                                                connected ? Receiver::connected : Receiver::absent);
    });
  }

  static constexpr crolang_observer table{sizeof(crolang_observer), &observe};
};

}  // namespace detail

}  // namespace crolang::plugin
