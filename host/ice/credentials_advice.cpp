#include "ice/advice.hpp"

namespace crolang::ice {
namespace {

using Meaning = Alternative::Meaning;

constexpr std::string_view kFormula = "base64(HMAC-SHA1(secret, username))";

std::string_view words_of(PasswordForm form) {
  switch (form) {
    case PasswordForm::hexadecimal:
      return "is hexadecimal";
    case PasswordForm::unpadded:
      return "lacks the = at its end";
    case PasswordForm::url_safe:
      return "is in the URL-safe alphabet of Base64";
    case PasswordForm::sha256:
      return "is made with SHA-256";
    case PasswordForm::base64_sha1:
      return "is made of another secret or username";
    case PasswordForm::other:
      break;
  }
  return "is none";
}

std::string must_be(PasswordForm form) {
  return "the password " + std::string(words_of(form)) + ", but must be " + std::string(kFormula);
}

/// The server has accepted something else, so the cause is certain.
std::string certain(Meaning meaning, const Target& target, const Circumstances& where) {
  const auto expiry = expiry_of(target.credentials.username);
  switch (meaning) {
    case Meaning::in_base64:
    case Meaning::by_sha1:
      return must_be(form_of(target.credentials.password)) +
             ": with that the server accepts this user";
    case Meaning::quoted_secret:
      return "the server's secret is " + std::string(where.secret_name) +
             " with quotes around it: write it without them (coturn: static-auth-secret)";
    case Meaning::later_expiry:
      break;
  }
  const std::chrono::seconds left = expiry ? *expiry - where.now : std::chrono::seconds(0);
  if (left.count() <= 0) {
    return "the credentials expired " + text_of(-left) +
           " ago; with a later expiry the server accepts the same secret: see what makes them, and "
           "its clock";
  }
  return "clocks apart: the server takes these credentials for expired, although they are valid "
         "for "
         "another " +
         text_of(left) +
         " here, and accepts a later expiry. Its clock is ahead, or the one here is behind: run an "
         "NTP client on both, or raise TURN_CREDENTIAL_TTL_S";
}

std::string likely(const Target& target, const Outcome& outcome, const Circumstances& where) {
  const stun::Credentials& credentials = target.credentials;
  const std::string realm = "'" + printable(outcome.realm) + "'";
  const auto expiry = expiry_of(credentials.username);
  if (!expiry) {
    return "the server (realm " + realm +
           ") does not know this user, has another password, or has a key that was made for "
           "another "
           "realm (turnadmin -k): create the user for this realm. If the server has a shared "
           "secret "
           "(use-auth-secret), the username must begin with its expiry in Unix seconds";
  }
  const std::chrono::seconds left = *expiry - where.now;
  if (left.count() <= 0) {
    return "the credentials expired " + text_of(-left) +
           " ago by this machine's clock: see what makes them (a cache, a short TTL), and its "
           "clock";
  }
  if (outcome.tried_secret) {
    return "the server has another secret than " + std::string(where.secret_name) +
           ": credentials that are valid for ten years were refused too, so it is not the clock. "
           "Compare it with static-auth-secret (without quotes), and see that use-auth-secret is "
           "set";
  }
  if (const PasswordForm form = form_of(credentials.password); form != PasswordForm::base64_sha1) {
    return must_be(form);
  }
  return "the secret that the password was made with is not the server's (coturn: use-auth-secret "
         "and static-auth-secret), or the clocks are apart: the credentials are valid for "
         "another " +
         text_of(left) + " here, less than the server's clock may be ahead";
}

}  // namespace

std::string advice_on_credentials(const Target& target, const Outcome& outcome,
                                  const Circumstances& where) {
  if (outcome.accepted) return certain(*outcome.accepted, target, where);
  return likely(target, outcome, where);
}

}  // namespace crolang::ice
