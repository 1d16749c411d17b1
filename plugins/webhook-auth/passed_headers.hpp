#pragma once
/// The headers of a node's upgrade request that are passed on to the webhook. Threads: any; a value
/// that does not change. Errors: the constructor throws std::invalid_argument with a sentence that
/// names the variable; header_lines throws std::bad_alloc.

#include <crolang/sdk/authentication.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace crolang::webhook_auth {

/// Whether the webhook's URL has a user, which the request has in an Authorization header.
enum class UrlUser { none, some };

class PassedHeaders {
 public:
  /// `names`: the value of the variable: separated by commas, with or without blanks; empty: none.
  PassedHeaders(std::string_view variable, std::string_view names, UrlUser user);

  /// Separated by commas.
  const std::string& names() const noexcept { return joined_; }

  /// Of the request to the webhook: the node's address in X-Forwarded-For, then the headers in the
  /// order of their names, each with all its lines in the order sent.
  std::string header_lines(const plugin::ConnectingNode& node) const;

 private:
  std::vector<std::string> names_;
  std::string joined_;
};

}  // namespace crolang::webhook_auth
