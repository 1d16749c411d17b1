#pragma once
/// What the variables of the admin interface mean together. Pure. Threads: any. Errors: sentences
/// for the operator, without the token.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace crolang::config {

inline constexpr std::size_t kShortestAdminToken = 16;

struct AdminFacts {
  std::uint16_t port = 0;  ///< 0: there is no admin interface
  std::uint16_t nodes_port = 0;
  std::uint16_t plain_port = 0;
  std::string bind_address{};
  std::string token{};
  std::vector<std::string> set{};  ///< the other variables that are set
  bool is_token_known = true;      ///< false: it is set, but could not be read
};

struct AdminFindings {
  std::vector<std::string> faults{};
  std::vector<std::string> warnings{};
};

/// Whether it is long enough, and headers can carry it.
bool is_usable_admin_token(const std::string& token);

AdminFindings check(const AdminFacts& facts);

}  // namespace crolang::config
