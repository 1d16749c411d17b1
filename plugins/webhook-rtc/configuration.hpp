#pragma once
/// Is an answer an RTC configuration that nodes can use? The broker checks that too, but only here
/// it is known which webhook to name. Threads: any. Errors: none.

#include <string_view>

namespace crolang::webhook_rtc {

/// What is wrong with it, for the log. nullptr: nothing. Accepts `{"iceServers":[…],…}` and
/// `{"rtcConfiguration":{"iceServers":[…],…}}`.
const char* fault_of(std::string_view answer);

}  // namespace crolang::webhook_rtc
