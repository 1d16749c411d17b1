#pragma once
/// A name server on demand: getaddrinfo of the names that a test gives addresses says what the test
/// wants, also nothing, or only once it is let go. Other names are the system's. A program that is
/// linked with names.cpp has it, also for the plugins that it opens.
/// Threads: any. Errors: none of its own.

#include <cstddef>
#include <string>
#include <vector>

namespace crolang::names {

/// The name has these addresses, in digits and in this order; none: it cannot be looked up.
void set(const std::string& name, std::vector<std::string> addresses);
/// Lookups hang from now on, until set or forget_all.
void hang(const std::string& name);
/// How many lookups of it have begun.
std::size_t lookups(const std::string& name);
/// Ends what hangs.
void forget_all();

}  // namespace crolang::names
