#pragma once
/// What the log says of refused requests at LOG_LEVEL 1: why, and what to do about it. Anybody can
/// cause these lines, so each reason is limited by itself. Threads: any. Errors: std::bad_alloc.
/// Time is an argument.

#include <chrono>
#include <string>

#include "net/http_request.hpp"

namespace crolang::net {

/// A sentence.
std::string describe(const RequestRefusal& refusal);

/// `status`: of the answer; 0: there is none.
void log_refusal(const RequestRefusal& refusal, unsigned status,
                 std::chrono::steady_clock::time_point now);

}  // namespace crolang::net
