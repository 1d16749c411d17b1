#pragma once
/// How many files the process may have open, and so how many connections. Threads: any. Errors: if
/// the limit cannot be read, all are 0.

#include <cstdint>

namespace crolang::process {

struct FileLimit {
  std::uint64_t files = 0;        ///< what the process may have open
  std::uint64_t connections = 0;  ///< what that leaves for nodes
  std::uint64_t sockets = 0;  ///< and for connections of any kind, including nodes beyond the limit
};
/// Raises the soft limit to the hard one.
FileLimit raise_file_limit(std::uint64_t workers);

}  // namespace crolang::process
