/// The first message on every transport.
/// Threads: any; no shared state. Errors: none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "engineio/heartbeat.hpp"

namespace crolang::engineio {

/// Appends the whole text message. `sid` is the transport's, not the Socket.IO session's.
void append_open_packet(std::string& out, std::string_view sid, const Timing& timing,
                        std::size_t max_payload);

}  // namespace crolang::engineio
