#pragma once
/// What Redis refuses a connection with while the broker logs in, as a sentence for the log.
/// Threads: any. Errors: none.

#include <string>
#include <string_view>

namespace crolang::redis_registry {

/// `command` was answered with the error `text` (RESP without its `-`). Never holds what was given
/// to AUTH: a server that does not know the command repeats its arguments, so of an unknown answer
/// to AUTH only the first word is shown.
std::string describe_refusal(std::string_view command, std::string_view text);

/// `fault` is why a connection ended, in the words of hiredis, or an error of the server without
/// the command that it was the answer to. (If the server refuses the subscription, it is both.)
std::string describe_end(std::string_view fault);

}  // namespace crolang::redis_registry
