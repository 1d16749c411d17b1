#pragma once
/// Whether a request was meant for this interface: a web page may make a browser send requests to
/// any address, also by a name that it points there (DNS rebinding).
/// Pure. Threads: any. Errors: none.

#include <string_view>

namespace crolang::admin {

/// `host`: the value of the header. A name that every machine takes for its own, or an IP literal,
/// with or without a port.
bool is_allowed_host(std::string_view host) noexcept;

/// Whether `origin`, the value of the header, is a page of this very host and port.
bool is_same_origin(std::string_view origin, std::string_view host) noexcept;

/// `fetch_site`: the value of Sec-Fetch-Site, or empty. A page of another port of this host can
/// have the browser send a GET with the cookie, though it is SameSite=Strict, and without an Origin
/// (Fetch Metadata, 2.4).
bool is_same_fetch_site(std::string_view fetch_site) noexcept;

}  // namespace crolang::admin
