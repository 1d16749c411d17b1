#pragma once
/// Requests to the admin interface by HTTP, one after the other over one connection.
/// Threads: one; each request blocks for a minute at most. Errors: an answer with a sentence for
/// the operator. Throws std::bad_alloc.

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "admin_client/address.hpp"

namespace httplib {
class ClientImpl;
}

namespace crolang::admin_client {

using Json = nlohmann::ordered_json;

struct Answer {
  Json body{};
  std::string fault{};  ///< not empty: it did not succeed
};

enum class Method : std::uint8_t { get, post, del };

class Client {
 public:
  Client(Address address, std::string token);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// `target`: path and query, encoded: "/api/v1/nodes?limit=10".
  Answer ask(Method method, std::string_view target);

 private:
  const Address address_;
  const std::string token_;
  std::unique_ptr<httplib::ClientImpl> http_;
};

/// What an answer without success means, for the operator. `retry_after`: its header, or empty.
std::string fault_of_status(const Address& address, int status, std::string_view body,
                            std::string_view retry_after);

}  // namespace crolang::admin_client
