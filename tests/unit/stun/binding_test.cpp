#include "stun/binding.hpp"

#include <gtest/gtest.h>

#include "stun/writer.hpp"

namespace crolang::stun {
namespace {

using Step = Exchange::Step;

TransactionId same_transaction() {
  return {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
}

Writer binding_answer(Class message_class) {
  return {message_class, Method::binding, same_transaction()};
}

TransportAddress some_address() {
  return {*client_address::parse_address("192.0.2.7"), 5000};
}

TEST(StunBinding, GetsTheAddress) {
  Binding binding(same_transaction);
  EXPECT_EQ(parse(binding.request())->method, Method::binding);
  EXPECT_EQ(binding.on_message(binding_answer(Class::success)
                                   .add_address(Type::xor_mapped_address, some_address())
                                   .bytes()),
            Step::ended);
  EXPECT_EQ(binding.mapped(), some_address());
  EXPECT_FALSE(binding.failure());
}

TEST(StunBinding, IgnoresWhatIsNoAnswer) {
  Binding binding(same_transaction);
  const TransactionId other{9};
  for (const Bytes& bytes :
       {Bytes{1, 2, 3}, binding.request(), Writer(Class::success, Method::binding, other).bytes(),
        Writer(Class::success, Method::allocate, same_transaction()).bytes(),
        binding_answer(Class::indication).bytes()}) {
    EXPECT_EQ(binding.on_message(bytes), Step::ignored);
  }
  EXPECT_FALSE(binding.mapped());
}

TEST(StunBinding, FailsWithTheErrorOfTheServer) {
  Binding binding(same_transaction);
  EXPECT_EQ(
      binding.on_message(
          binding_answer(Class::error).add(Type::error_code, Bytes{0, 0, 4, 3, 'n', 'o'}).bytes()),
      Step::ended);
  ASSERT_TRUE(binding.failure());
  EXPECT_EQ(binding.failure()->kind, Failure::Kind::error_response);
  EXPECT_EQ(binding.failure()->code, 403);
  EXPECT_EQ(binding.failure()->reason, "no");
}

TEST(StunBinding, FailsWithoutAnAddress) {
  Binding binding(same_transaction);
  EXPECT_EQ(binding.on_message(binding_answer(Class::success).bytes()), Step::ended);
  ASSERT_TRUE(binding.failure());
  EXPECT_EQ(binding.failure()->kind, Failure::Kind::no_address);
}

TEST(StunBinding, FailsWithAnAddressThatIsNone) {
  for (const auto& [text, port] : {std::pair{"0.0.0.0", 5000}, {"::", 5000}, {"192.0.2.7", 0}}) {
    const TransportAddress none{*client_address::parse_address(text),
                                static_cast<std::uint16_t>(port)};
    Binding binding(same_transaction);
    EXPECT_EQ(
        binding.on_message(
            binding_answer(Class::success).add_address(Type::xor_mapped_address, none).bytes()),
        Step::ended);
    ASSERT_TRUE(binding.failure()) << text;
    EXPECT_FALSE(binding.mapped());
  }
}

}  // namespace
}  // namespace crolang::stun
