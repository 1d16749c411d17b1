#pragma once
/// The signals that the broker handles. Threads: each masks its own.

#include <signal.h>

#include <array>

namespace crolang::process {

/// They would end the process, so they are blocked until they are handled.
inline constexpr std::array kHeldSignals{SIGHUP, SIGUSR1, SIGUSR2};
inline constexpr std::array kEndingSignals{SIGTERM, SIGINT, SIGQUIT};

/// For the calling thread, and for those that it starts.
void block_held_signals();
void block_all_signals();
void unblock_all_signals();

}  // namespace crolang::process
