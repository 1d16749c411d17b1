#pragma once
/// The number of values of an enum, counted by the compiler, so that an array indexed by the enum
/// always has the right size. Threads: any. Errors: none.

#include <cstddef>
#include <string_view>

namespace crolang {
namespace detail {

/// g++ and clang print the name of a value that has one, and "(Enum)7" for others.
template <auto value>
consteval bool has_name() {
  constexpr std::string_view kBefore = "value = ";
  const std::string_view function = __PRETTY_FUNCTION__;
  return function[function.find(kBefore) + kBefore.size()] != '(';
}

}  // namespace detail

/// For an enum whose values are 0, 1, 2 and so on.
template <class Enum, std::size_t from = 0>
consteval std::size_t enum_count() {
  if constexpr (detail::has_name<static_cast<Enum>(from)>()) {
    return enum_count<Enum, from + 1>();
  } else {
    return from;
  }
}

}  // namespace crolang
