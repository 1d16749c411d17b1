#pragma once
/// System calls on one connection's socket, under its outlet's lock. Threads: any.

#include <cstddef>
#include <cstdint>
#include <optional>

#include "session/outlet.hpp"

namespace crolang::net {

/// Sends what is queued. What the socket does not take stays, and the owner's epoll says when it
/// takes more; a connection that is further behind than its max_backlog is not read from until it
/// has caught up by half. Returns the bytes sent.
std::size_t flush(session::Outlet& outlet);

/// Turns reading on or off, on top of what flush decides.
enum class Reading : std::uint8_t { on, off };
void set_reading(session::Outlet& outlet, Reading reading);

/// Is there nothing left to send, or nobody to send it to? If there is, the owner's epoll tells it
/// to flush and ask again: what is left may stand in another thread's dirty list.
bool drained_or_await(session::Outlet& outlet);

/// Bytes that the other side's TCP has acknowledged, while it is behind: something waits here, or
/// in the kernel to be sent. Else nothing.
std::optional<std::uint64_t> backlog_progress(session::Outlet& outlet);

}  // namespace crolang::net
