/// authorization/1 in C++: may `from` send to `to`?
#pragma once

#include <crolang/authorization.h>

#include <crolang/sdk/answers.hpp>
#include <crolang/sdk/dispatch.hpp>
#include <cstdint>
#include <string_view>

namespace crolang::plugin {

class Authorization : public virtual Kind {
 public:
  /// May `from` send to `to`? Asked for each message: keep it cheap.
  virtual void authorize(std::string_view from, std::string_view to, YesNo answer) = 0;
};

namespace detail {

template <class P>
struct Module<P, Authorization> {
  static constexpr const char* kind = CROLANG_AUTHORIZATION;

  static void authorize(void* self, crolang_str from, crolang_str to, std::uint32_t timeout_ms,
                        crolang_yes_no_fn answer, void* call) noexcept {
    dispatch<P, Authorization, &Authorization::authorize>(self, YesNo(answer, call, timeout_ms),
                                                          view(from), view(to));
  }

  static constexpr crolang_authorization table{sizeof(crolang_authorization), &authorize};
};

}  // namespace detail

}  // namespace crolang::plugin
