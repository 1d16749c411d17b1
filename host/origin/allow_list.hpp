#pragma once
/// The web origins from which nodes may connect: exact ones (`https://app.example.org`) and all
/// names below a domain (`https://*.example.org`). They are written as browsers send them in an
/// Origin header (RFC 6454 6.2; in lower case, without the default port), so comparing bytes is
/// enough.
///
/// Threads: any; a list never changes. Errors: std::bad_alloc.

#include <string>
#include <string_view>
#include <vector>

namespace crolang::origin {

/// Why this is no list of origins, separated by commas or blanks, and what to write instead. Empty:
/// it is one.
std::string fault_in(std::string_view list);

class AllowList {
 public:
  /// Allows nothing.
  AllowList() = default;
  /// Precondition: fault_in(list) is empty.
  explicit AllowList(std::string_view list);

  /// `origin`: the whole value of a request's Origin header.
  bool allows(std::string_view origin) const;

 private:
  struct Entry {
    std::string before;  ///< the whole origin, or what precedes the `*`
    std::string after;   ///< what follows the `*`, a point first; empty: there is no `*`
  };

  std::vector<Entry> entries_;
};

}  // namespace crolang::origin
