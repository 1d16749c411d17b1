#pragma once
/// What the status of an HTTP answer means for a question. Threads: any. Errors: describe_status
/// throws std::bad_alloc.

#include <crolang/plugin.hpp>
#include <string>

#include "webhook-common/url.hpp"

namespace crolang::webhook_common {

/// The meaning of 401 and 403 (RFC 9110 15.5.2, 15.5.4): "no" if the question is whether something
/// is permitted, whatever the body says, else a fault like every other status but 2xx.
enum class Forbidden { is_a_no, is_a_fault };

enum class StatusMeaning {
  answer,       ///< the body is the answer
  refusal,      ///< "no"
  fault,        ///< the request is not acceptable: CROLANG_INVALID
  unavailable,  ///< the server cannot answer now
};

StatusMeaning meaning_of(unsigned status, Forbidden forbidden) noexcept;

/// For the log: the status, and for some a hint what to check.
std::string describe_status(unsigned status, Url::Scheme scheme);

}  // namespace crolang::webhook_common
