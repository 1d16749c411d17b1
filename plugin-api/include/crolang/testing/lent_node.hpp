/// A connecting node, for tests of authentication/1. Threads: any.
#pragma once

#include <crolang/authentication.h>
#include <strings.h>

#include <crolang/testing/question.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace crolang::plugin::testing {

/// The identity that the node states, and its request.
struct Connecting {
  std::string id;
  std::optional<std::string> data = {};
  std::string version = "1.0.0";
  std::string runtime = "contract";
  std::string client_address = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string tls_client_subject = {};
};

/// Pass it as the second argument of authenticate. Its memory is overwritten and freed when it goes
/// out of scope, so a plugin that keeps a pointer is detected.
class LentNode {
 public:
  explicit LentNode(const Connecting& given)
      : id_(given.id),
        version_(given.version),
        runtime_(given.runtime),
        data_(given.data.value_or("")),
        client_address_(given.client_address),
        tls_client_subject_(given.tls_client_subject),
        raw_{sizeof(crolang_connecting_node),
             id_,
             version_,
             runtime_,
             given.data ? crolang_str(data_) : crolang_str{nullptr, 0},
             client_address_,
             tls_client_subject_,
             this,
             &find_header,
             &header_at} {
    for (const auto& [name, value] : given.headers) {
      headers_.push_back({std::make_unique<Lent>(name), std::make_unique<Lent>(value)});
    }
  }
  explicit LentNode(std::string_view id, std::optional<std::string> data = std::nullopt)
      : LentNode(Connecting{.id = std::string(id), .data = std::move(data)}) {}
  LentNode(const LentNode&) = delete;
  LentNode& operator=(const LentNode&) = delete;
  ~LentNode() {
    // Through volatile, so that the compiler does not remove the writes.
    volatile char* const bytes = reinterpret_cast<volatile char*>(&raw_);
    for (std::size_t i = 0; i < sizeof raw_; ++i) bytes[i] = '\x5a';
  }
  operator const crolang_connecting_node*() const noexcept { return &raw_; }

 private:
  struct Header {
    std::unique_ptr<Lent> name;
    std::unique_ptr<Lent> value;
  };

  static const LentNode& of(const void* request) { return *static_cast<const LentNode*>(request); }
  static bool find_header(const void* request, const char* name, crolang_str* value) {
    for (const Header& header : of(request).headers_) {
      const crolang_str key = *header.name;
      if (std::string_view(name).size() != key.size || ::strncasecmp(key.data, name, key.size) != 0)
        continue;
      *value = *header.value;
      return true;
    }
    return false;
  }
  static bool header_at(const void* request, std::size_t index, crolang_str* name,
                        crolang_str* value) {
    if (index >= of(request).headers_.size()) return false;
    *name = *of(request).headers_[index].name;
    *value = *of(request).headers_[index].value;
    return true;
  }

  Lent id_;
  Lent version_;
  Lent runtime_;
  Lent data_;
  Lent client_address_;
  Lent tls_client_subject_;
  std::vector<Header> headers_;
  crolang_connecting_node raw_;
};

}  // namespace crolang::plugin::testing
