#pragma once
/// What an error code, refused credentials or a certificate most likely mean; parts of diagnose.
/// Pure. Threads: any. Errors: none.

#include <string>

#include "ice/diagnosis.hpp"

namespace crolang::ice {

std::string advice_on_error(const Target& target, const Outcome& outcome,
                            const stun::Failure& failure, const Circumstances& where);

/// A 401 although the request had credentials.
std::string advice_on_credentials(const Target& target, const Outcome& outcome,
                                  const Circumstances& where);

std::string advice_on_certificate(const Target& target, const Fault& fault);

}  // namespace crolang::ice
