#pragma once
/// What the admin listener serves: checks where a request comes from and who sends it, then the
/// dashboard's files, logging in and out, and the routes of the API.
/// Threads: as http::Site says. Errors: responses.

#include <string>
#include <string_view>
#include <variant>

#include "admin/guard.hpp"
#include "admin/http/site.hpp"
#include "admin/router.hpp"

namespace crolang::admin {

class AdminSite final : public http::Site {
 public:
  enum class Metrics : std::uint8_t { with_token, open };

  /// `guard` and `router` must outlive this object. `port`: for the cookie's name, since browsers
  /// send cookies to all ports of a host.
  AdminSite(Guard& guard, const Router& router, std::uint16_t port, Metrics metrics);

  std::variant<http::Outcome, http::Task> handle(const http::Request& request,
                                                 const client_address::Address& peer,
                                                 TimePoint now) override;
  http::Response error(unsigned status, std::string_view sentence) const override;
  bool is_current(const Admitted& admitted, TimePoint now) const override {
    return guard_.is_current(admitted, now);
  }

 private:
  std::variant<Admitted, Denial> admit(const http::Request& request,
                                       const client_address::Address& peer, TimePoint now);
  std::variant<http::Outcome, http::Task> route(const http::Request& request,
                                                const client_address::Address& peer,
                                                const Admitted& admitted) const;
  http::Response page(const http::Request& request, const client_address::Address& peer,
                      TimePoint now);
  http::Response log_in(const http::Request& request, const client_address::Address& peer,
                        TimePoint now);
  http::Response log_out(const http::Request& request, TimePoint now);
  http::Response login_failed(const http::Request& request, const Denial& denial) const;
  http::Response denied(const Denial& denial) const;

  Guard& guard_;
  const Router& router_;
  const std::string cookie_name_;
  const Metrics metrics_;
};

}  // namespace crolang::admin
