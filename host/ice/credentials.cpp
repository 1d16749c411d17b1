#include "ice/credentials.hpp"

#include <algorithm>
#include <charconv>
#include <crolang/base64.hpp>

#include "stun/integrity.hpp"

namespace crolang::ice {
namespace {

constexpr std::size_t kSha1Size = 20;
constexpr std::size_t kSha256Size = 32;
constexpr auto kTenYears = std::chrono::seconds(315'360'000);

bool is_hexadecimal(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

/// A variant of Base64 by its alphabet: letters and digits are in all.
bool has_only(std::string_view text, std::string_view others) {
  return std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           others.find(c) != std::string_view::npos;
  });
}

std::size_t digits_of_base64(std::size_t bytes) {
  return (bytes * 8 + 5) / 6;
}

stun::ByteView bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string password_for(std::string_view secret, std::string_view username) {
  const stun::Sha1 hash = stun::hmac_sha1(bytes_of(secret), bytes_of(username));
  return base64::encode({reinterpret_cast<const char*>(hash.data()), hash.size()});
}

std::string base64_of_hexadecimal(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    unsigned byte = 0;
    std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    bytes += static_cast<char>(byte);
  }
  return base64::encode(bytes);
}

std::string standard_base64(std::string password) {
  std::ranges::replace(password, '-', '+');
  std::ranges::replace(password, '_', '/');
  while (password.size() % 4 != 0) password += '=';
  return password;
}

}  // namespace

stun::Credentials time_limited(std::string_view secret, std::string_view node, Seconds expiry) {
  std::string username = std::to_string(expiry.time_since_epoch().count());
  if (!node.empty()) username.append(":").append(node);
  std::string password = password_for(secret, username);
  return {std::move(username), std::move(password)};
}

std::optional<Seconds> expiry_of(std::string_view username) {
  const std::string_view digits = username.substr(0, username.find(':'));
  std::int64_t seconds = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, seconds);
  // A shorter number is a user's, not a time.
  constexpr std::size_t kFewestDigits = 9;
  constexpr std::size_t kMostDigits = 11;
  if (error != std::errc() || stopped != end || seconds <= 0 || digits.size() < kFewestDigits ||
      digits.size() > kMostDigits) {
    return std::nullopt;
  }
  return Seconds(std::chrono::seconds(seconds));
}

PasswordForm form_of(std::string_view password) {
  if (is_hexadecimal(password)) {
    if (password.size() == 2 * kSha1Size) return PasswordForm::hexadecimal;
    if (password.size() == 2 * kSha256Size) return PasswordForm::sha256;
  }
  const std::string_view digits = password.substr(0, password.find('='));
  const std::string_view padding = password.substr(digits.size());
  const bool is_padding = padding.find_first_not_of('=') == std::string_view::npos;
  if (!is_padding || !has_only(digits, "+/-_")) return PasswordForm::other;
  if (digits.size() == digits_of_base64(kSha256Size)) return PasswordForm::sha256;
  if (digits.size() != digits_of_base64(kSha1Size)) return PasswordForm::other;
  if (!has_only(digits, "+/")) return PasswordForm::url_safe;
  return padding == "=" ? PasswordForm::base64_sha1 : PasswordForm::unpadded;
}

std::vector<Alternative> alternatives(const stun::Credentials& refused, std::string_view secret,
                                      Seconds now) {
  using Meaning = Alternative::Meaning;
  std::vector<Alternative> all;
  switch (form_of(refused.password)) {
    case PasswordForm::hexadecimal:
      all.push_back(
          {Meaning::in_base64, {refused.username, base64_of_hexadecimal(refused.password)}});
      break;
    case PasswordForm::unpadded:
    case PasswordForm::url_safe:
      all.push_back({Meaning::in_base64, {refused.username, standard_base64(refused.password)}});
      break;
    case PasswordForm::base64_sha1:
    case PasswordForm::sha256:
    case PasswordForm::other:
      break;
  }
  if (secret.empty()) return all;
  if (std::string password = password_for(secret, refused.username); password != refused.password) {
    all.push_back({Meaning::by_sha1, {refused.username, std::move(password)}});
  }
  if (expiry_of(refused.username)) {
    const std::size_t colon = refused.username.find(':');
    const std::string_view node = colon == std::string::npos
                                      ? std::string_view()
                                      : std::string_view(refused.username).substr(colon + 1);
    all.push_back({Meaning::later_expiry, time_limited(secret, node, now + kTenYears)});
  }
  const std::string quoted = "\"" + std::string(secret) + "\"";
  all.push_back(
      {Meaning::quoted_secret, {refused.username, password_for(quoted, refused.username)}});
  return all;
}

}  // namespace crolang::ice
