#include "stun/binding.hpp"

#include "stun/writer.hpp"

namespace crolang::stun {

Binding::Binding(const NewTransaction& new_transaction)
    : transaction_(new_transaction()),
      request_(Writer(Class::request, Method::binding, transaction_).bytes()) {}

Exchange::Step Binding::on_message(ByteView bytes) {
  const auto message = parse(bytes);
  if (!message || message->method != Method::binding || message->transaction != transaction_) {
    return Step::ignored;
  }
  switch (message->message_class) {
    case Class::request:
    case Class::indication:
      return Step::ignored;
    case Class::success:
      mapped_ = message->mapped_address();
      if (mapped_ && !is_usable(*mapped_)) mapped_.reset();
      if (!mapped_) failure_ = Failure{Failure::Kind::no_address, Phase::binding};
      return Step::ended;
    case Class::error:
      break;
  }
  const ErrorCode error = message->error_code().value_or(ErrorCode{});
  failure_ = Failure{Failure::Kind::error_response, Phase::binding, error.code,
                     std::string(error.reason), message->address(Type::alternate_server)};
  return Step::ended;
}

}  // namespace crolang::stun
