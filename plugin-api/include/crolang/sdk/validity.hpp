/// validity/1 in C++: which of these connected nodes may stay?
#pragma once

#include <crolang/validity.h>

#include <crolang/sdk/answers.hpp>
#include <crolang/sdk/dispatch.hpp>
#include <crolang/sdk/ids.hpp>
#include <cstddef>
#include <cstdint>

namespace crolang::plugin {

class Validity : public virtual Kind {
 public:
  /// Which of these connected nodes may stay?
  virtual void check(const Ids& ids, Flags answer) = 0;
};

namespace detail {

template <class P>
struct Module<P, Validity> {
  static constexpr const char* kind = CROLANG_VALIDITY;

  static void check(void* self, const crolang_str* ids, std::size_t count, std::uint32_t timeout_ms,
                    crolang_flags_fn answer, void* call) noexcept {
    dispatch<P, Validity, &Validity::check>(self, Flags(answer, call, timeout_ms), Ids(ids, count));
  }

  static constexpr crolang_validity table{sizeof(crolang_validity), &check};
};

}  // namespace detail

}  // namespace crolang::plugin
