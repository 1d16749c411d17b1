#pragma once
/// Asks a STUN server for one's own address (RFC 8489 2). See exchange.hpp.

#include "stun/exchange.hpp"

namespace crolang::stun {

class Binding final : public Exchange {
 public:
  explicit Binding(const NewTransaction& new_transaction);

  const Bytes& request() const noexcept override { return request_; }
  Step on_message(ByteView bytes) override;
  std::optional<TransportAddress> mapped() const noexcept override { return mapped_; }
  const std::optional<Failure>& failure() const noexcept override { return failure_; }

 private:
  const TransactionId transaction_;
  const Bytes request_;
  std::optional<TransportAddress> mapped_;
  std::optional<Failure> failure_;
};

}  // namespace crolang::stun
