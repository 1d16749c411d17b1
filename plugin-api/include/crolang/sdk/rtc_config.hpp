/// rtc-config/1 in C++: the RTC configuration of a node.
#pragma once

#include <crolang/rtc_config.h>

#include <crolang/sdk/answers.hpp>
#include <crolang/sdk/dispatch.hpp>
#include <cstdint>
#include <string_view>

namespace crolang::plugin {

class RtcConfig : public virtual Kind {
 public:
  /// The RTC configuration of the node, as JSON.
  virtual void resolve(std::string_view node, Text answer) = 0;
};

namespace detail {

template <class P>
struct Module<P, RtcConfig> {
  static constexpr const char* kind = CROLANG_RTC_CONFIG;

  static void resolve(void* self, crolang_str node, std::uint32_t timeout_ms,
                      crolang_text_fn answer, void* call) noexcept {
    dispatch<P, RtcConfig, &RtcConfig::resolve>(self, Text(answer, call, timeout_ms), view(node));
  }

  static constexpr crolang_rtc_config table{sizeof(crolang_rtc_config), &resolve};
};

}  // namespace detail

}  // namespace crolang::plugin
