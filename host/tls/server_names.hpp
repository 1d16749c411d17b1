#pragma once
/// Which certificate serves a server name (RFC 6066 3, RFC 6125 6.4). Threads: any, once filled.

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crolang::tls {

class ServerNames {
 public:
  /// Names of the pair with this index, in lower case, "*.example.org" too. A name that is there
  /// already keeps its pair.
  void add(const std::vector<std::string>& names, std::size_t index);

  /// The pair with exactly this name, else with a wildcard for its first label; nullopt: none.
  std::optional<std::size_t> find(std::string_view server_name) const;

 private:
  std::map<std::string, std::size_t, std::less<>> names_;
};

}  // namespace crolang::tls
