#pragma once
/// What a request to a webhook's server says: its body, and header lines of its own. Questions with
/// the same content may share a request. Threads: a value.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace crolang::webhook_common {

class RequestContent {
 public:
  RequestContent() = default;
  // Implicit: most requests have no header lines of their own.
  RequestContent(std::string body) noexcept : text_(std::move(body)) {}
  RequestContent(const char* body) : text_(body) {}
  /// `header_lines`: whole lines.
  RequestContent(std::string header_lines, std::string_view body)
      : text_(std::move(header_lines)), header_size_(text_.size()) {
    text_ += body;
  }

  std::string_view header_lines() const noexcept {
    return std::string_view(text_).substr(0, header_size_);
  }
  std::string_view body() const noexcept {
    // Of one that was moved from, the size may remain.
    return std::string_view(text_).substr(std::min(header_size_, text_.size()));
  }
  /// Both. Two contents are the same if this is: a body is JSON, with which no header line begins.
  std::string_view whole() const noexcept { return text_; }
  std::size_t size() const noexcept { return text_.size(); }

  void swap(RequestContent& other) noexcept {
    text_.swap(other.text_);
    std::swap(header_size_, other.header_size_);
  }

 private:
  std::string text_;  // one after the other, so that they are one key
  std::size_t header_size_ = 0;
};

}  // namespace crolang::webhook_common
