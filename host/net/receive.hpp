#pragma once
/// recv(2) as a ReadResult. Threads: any. Errors: in the result.

#include <cstddef>
#include <span>

#include "net/transport.hpp"

namespace crolang::net {

/// `flags`: of recv, such as MSG_PEEK. The socket must not block.
ReadResult receive(int fd, std::span<char> into, int flags) noexcept;

}  // namespace crolang::net
