#include "webhook-common/http_status.hpp"

namespace crolang::webhook_common {

StatusMeaning meaning_of(unsigned status, Forbidden forbidden) noexcept {
  if (status >= 200 && status < 300) return StatusMeaning::answer;
  if (forbidden == Forbidden::is_a_no && (status == 401 || status == 403)) {
    return StatusMeaning::refusal;
  }
  return status >= 500 ? StatusMeaning::unavailable : StatusMeaning::fault;
}

std::string describe_status(unsigned status, Url::Scheme scheme) {
  const std::string answered = "answered " + std::to_string(status);
  if (status >= 300 && status < 400)
    return answered + ", a redirect, which is not followed: give the URL that it leads to";
  switch (status) {
    case 400:
      return answered +
             (scheme == Url::Scheme::https ? ": does the server"
                                           : ": does that port expect https, or does the server") +
             " use another WEBHOOK_SIGNING_SECRET?";
    case 401:
    case 403:
      return answered +
             ": does it expect a user and password in the URL, or another WEBHOOK_SIGNING_SECRET?";
    case 404:
      return answered + ": is the path of the URL right?";
    case 405:
      return answered + ": the request is a POST";
    default:  // no enum: HTTP's numbers
      return answered;
  }
}

}  // namespace crolang::webhook_common
