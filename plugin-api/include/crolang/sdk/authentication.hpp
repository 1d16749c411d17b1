/// authentication/1 in C++: may this node connect, and for how long? The rules are in
/// crolang/authentication.h.
#pragma once

#include <crolang/authentication.h>

#include <algorithm>
#include <chrono>
#include <crolang/sdk/answers.hpp>
#include <crolang/sdk/dispatch.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace crolang::plugin {

namespace detail {

/// Whether the plugin declares that it reads the request.
enum class Reads : std::uint8_t { nothing, request };

}  // namespace detail

/// The connecting node and its request. Valid until the handler returns. All but the address is
/// stated by the client and unverified; a header may have been sent by the client or by a proxy.
class ConnectingNode {
 public:
  explicit ConnectingNode(const crolang_connecting_node& raw,
                          detail::Reads reads = detail::Reads::request) noexcept
      : id(view(raw.id)),
        version(view(raw.version)),
        runtime(view(raw.runtime)),
        client_address(view(raw.client_address)),
        tls_client_subject(view(raw.tls_client_subject)),
        reads_(reads),
        request_(raw.request),
        find_header_(raw.header),
        header_at_(raw.header_at) {
    if (raw.data.data != nullptr) data = view(raw.data);
  }

  std::string_view id;
  std::string_view version;
  std::string_view runtime;
  std::optional<std::string_view> data;  ///< as the node gave it; nullopt: not given
  /// Of the connection's peer, or what a proxy among TRUSTED_PROXIES says of it; empty: unknown.
  std::string_view client_address;
  std::string_view tls_client_subject;  ///< empty: no certificate

  /// The first header of this name, compared case-insensitively. Only for a plugin that declares
  /// that it reads the request: see Authentication.
  std::optional<std::string_view> header(const char* name) const noexcept {
    crolang_str value{};
    if (!find_header_(request_, name, &value)) return std::nullopt;
    return view(value);
  }

  struct Header {
    std::string_view name;
    std::string_view value;
  };
  /// In the order sent, from 0 on; nullopt: there are no more.
  std::optional<Header> header_at(std::size_t index) const noexcept {
    crolang_str name{};
    crolang_str value{};
    if (!header_at_(request_, index, &name, &value)) return std::nullopt;
    return Header{view(name), view(value)};
  }

  /// For the SDK.
  detail::Reads reads() const noexcept { return reads_; }

 private:
  detail::Reads reads_;
  const void* request_;
  bool (*find_header_)(const void* request, const char* name, crolang_str* value);
  bool (*header_at_)(const void* request, std::size_t index, crolang_str* name, crolang_str* value);
};

class Authenticated : public Answer<bool, std::uint64_t> {
 public:
  using Answer::Answer;
  /// Without a limit.
  void yes() noexcept { answer(true, 0); }
  /// Limited in time: afterwards the node has to reconnect, and is authenticated again.
  void yes_for(std::chrono::milliseconds time) noexcept {
    // 0 would mean no limit.
    answer(true,
           static_cast<std::uint64_t>(std::max<std::chrono::milliseconds::rep>(time.count(), 1)));
  }
  /// `reason` is one line for the broker's log, without secrets; the node is not told.
  void no(std::string_view reason = {}) noexcept { answer_because(false, 0, reason); }
  /// yes() or no(reason).
  void decide(bool yes, std::string_view reason = {}) noexcept {
    answer_because(yes, 0, yes ? std::string_view() : reason);
  }
};

/// A plugin class that reads headers must declare it, since the broker keeps them only then: a
/// public `static constexpr bool kReadsRequest = true;`.
class Authentication : public virtual Kind {
 public:
  /// Which headers it reads, if it declares that it does: their names, separated by commas; empty:
  /// none. nullopt: all of them. The broker asks once, after the constructor, and keeps only these.
  virtual std::optional<std::string_view> headers() const { return std::nullopt; }
  /// May this node connect?
  virtual void authenticate(const ConnectingNode& node, Authenticated answer) = 0;
};

namespace detail {

template <>
class Owned<ConnectingNode> {
 public:
  explicit Owned(const ConnectingNode& given)
      : id_(given.id),
        version_(given.version),
        runtime_(given.runtime),
        data_(given.data),
        client_address_(given.client_address),
        tls_client_subject_(given.tls_client_subject) {
    // The broker warns of a plugin that asks for headers and has not declared it.
    if (given.reads() == Reads::nothing) return;
    while (const auto header = given.header_at(headers_.size())) {
      headers_.emplace_back(header->name, header->value);
    }
  }

  ConnectingNode lent() const noexcept {
    return ConnectingNode({sizeof(crolang_connecting_node), raw(id_), raw(version_), raw(runtime_),
                           data_ ? raw(*data_) : crolang_str{nullptr, 0}, raw(client_address_),
                           raw(tls_client_subject_), this, &find_header, &header_at});
  }

 private:
  static const Owned& of(const void* request) { return *static_cast<const Owned*>(request); }
  static bool same_name(std::string_view a, std::string_view b) noexcept {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](char x, char y) { return lower(x) == lower(y); });
  }
  static bool find_header(const void* request, const char* name, crolang_str* value) noexcept {
    for (const auto& [key, text] : of(request).headers_) {
      if (!same_name(key, name)) continue;
      *value = raw(text);
      return true;
    }
    return false;
  }
  static bool header_at(const void* request, std::size_t index, crolang_str* name,
                        crolang_str* value) noexcept {
    const auto& headers = of(request).headers_;
    if (index >= headers.size()) return false;
    *name = raw(headers[index].first);
    *value = raw(headers[index].second);
    return true;
  }

  std::string id_;
  std::string version_;
  std::string runtime_;
  std::optional<std::string> data_;
  std::string client_address_;
  std::string tls_client_subject_;
  std::vector<std::pair<std::string, std::string>> headers_;
};

template <class P>
constexpr Reads reads_of() noexcept {
  if constexpr (requires { P::kReadsRequest; }) {
    return P::kReadsRequest ? Reads::request : Reads::nothing;
  }
  return Reads::nothing;
}

template <class P>
struct Module<P, Authentication> {
  static constexpr const char* kind = CROLANG_AUTHENTICATION;

  static void authenticate(void* self, const crolang_connecting_node* node,
                           std::uint32_t timeout_ms, crolang_authenticated_fn answer,
                           void* call) noexcept {
    dispatch<P, Authentication, &Authentication::authenticate>(
        self, Authenticated(answer, call, timeout_ms), ConnectingNode(*node, reads_of<P>()));
  }

  static crolang_str headers(void* self) noexcept {
    const auto names = instance<P>(self).template as<Authentication>().headers();
    if (!names) return {nullptr, 0};
    return names->empty() ? raw("") : raw(*names);
  }

  static constexpr crolang_authentication table{
      sizeof(crolang_authentication), reads_of<P>() == Reads::request ? CROLANG_READS_REQUEST : 0,
      &authenticate, &headers};
};

}  // namespace detail

}  // namespace crolang::plugin
